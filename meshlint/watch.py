"""`--watch`: the same run again whenever a file of the project changes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import closing

_ENDINGS = (".yaml", ".yml", ".json", ".tpl", ".gotmpl", ".toml", "Kustomization", ".helmignore")
_NOT_INSIDE = frozenset({".git", ".venv", "node_modules", "__pycache__"})
_INTERRUPTED = 130
_QUIET_FOR = 50  # milliseconds without a change, until a run begins


class NoLibraryError(Exception):
    """The package that tells of changes is not installed."""


def watch(run: Callable[[], int], root: str) -> int:
    """Run, and again after each change below a folder, until interrupted. Raises NoLibraryError."""
    try:
        import watchfiles  # noqa: F401
    except ImportError:
        raise NoLibraryError("--watch needs the package watchfiles: pip install 'meshlint[watch]'") from None
    with closing(_changes(root)) as changes:
        begun = next(changes, None)  # watching has begun: nothing that is saved during the first run is lost
        while begun is not None and run() != _INTERRUPTED:
            sys.stdout.flush()
            print("meshlint: waiting for changes, Ctrl-C ends", file=sys.stderr, flush=True)
            names = next(changes, None)
            if names is None:
                break
            _heading(names)
    return _INTERRUPTED


def _changes(root: str) -> Generator[list[str], None, None]:
    """First nothing, as soon as changes are seen; then the changed paths, each time there are some."""
    from watchfiles import watch as watched

    def matters(_change: object, path: str) -> bool:
        inside = os.path.relpath(path, root).split(os.sep)
        return path.endswith(_ENDINGS) and _NOT_INSIDE.isdisjoint(inside)

    begun = False
    for changes in watched(root, watch_filter=matters, step=_QUIET_FOR, raise_interrupt=False, yield_on_timeout=True, rust_timeout=100):
        if changes or not begun:
            begun = True
            yield sorted({os.path.relpath(path) for _, path in changes})


def _heading(names: list[str]) -> None:
    from meshlint.report.visible import visible

    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        sys.stdout.write("\x1b[2J\x1b[3J\x1b[H")  # a clear screen, without what was scrolled away
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    print(f"meshlint: changed: {', '.join(visible(name) for name in names[:3])}{more}", file=sys.stderr, flush=True)
