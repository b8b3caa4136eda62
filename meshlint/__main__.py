"""The entry point: answers --version before anything is imported, then hands over to the command line."""

from __future__ import annotations

import gc
import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command line. Without `argv` it is the process's own, and the process ends here."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments in (["--version"], ["-V"]):
        from meshlint import __version__

        print(f"meshlint {__version__}")
        return 0
    if argv is None:
        _open_streams()
        gc.disable()  # imports and trees make no garbage worth looking for
    from meshlint.cli import run

    code = run(arguments)
    if argv is None:
        _leave(code)
    return code


def _open_streams() -> None:
    """Standard streams that the caller closed lead nowhere: no file that is opened may take their place."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def _leave(code: int) -> None:
    """End at once: taking a large repository apart again, object by object, takes time and helps nobody."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = code or 2
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
