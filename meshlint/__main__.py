"""The entry point: answers --version before anything is imported, then hands over to the command line."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        from meshlint import __version__

        print(f"meshlint {__version__}")
        return 0
    from meshlint.cli import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
