"""Files that meshlint writes, whole or not at all, folders for a while, and the folders above one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def replace(path: str, content: bytes) -> None:
    """Give a file another content in one step. A link stays one, and so do permissions and owner. Raises OSError."""
    draft = Draft(path, content)
    try:
        draft.put()
    finally:
        draft.drop()


class Draft:
    """A file's new content, laid down beside it until it takes its place. Raises OSError."""

    def __init__(self, path: str, content: bytes, new: bool = False, gone: bool = False) -> None:
        """`new`: there must not be a file yet. `gone`: the file is to go instead;"""
        import tempfile

        self._real = os.path.realpath(path)
        self._new, self._gone = new, gone
        self._old: bytes | None = None
        handle, self._path = tempfile.mkstemp(prefix=".meshlint-", dir=os.path.dirname(self._real))
        try:
            with open(handle, "wb") as file:
                file.write(content)
            self._like_the_old()
        except BaseException:
            self.drop()
            raise

    def _like_the_old(self) -> None:
        if not os.path.exists(self._real):
            os.chmod(self._path, 0o666 & ~_umask())
            return
        there, here = os.stat(self._real), os.stat(self._path)
        if (there.st_uid, there.st_gid) != (here.st_uid, here.st_gid):
            os.chown(self._path, there.st_uid, there.st_gid)
        os.chmod(self._path, there.st_mode & 0o7777)

    def put(self) -> None:
        """Take the place, in one step."""
        if self._new:
            if os.path.lexists(self._real):
                raise FileExistsError(17, "there is a file of this name now", self._real)
        elif os.path.exists(self._real):
            with open(self._real, "rb") as file:
                self._old = file.read()
        if not self._gone:
            os.replace(self._path, self._real)
        else:
            os.unlink(self._real)

    def undo(self) -> None:
        """What was there before, after `put`."""
        if self._old is not None:
            replace(self._real, self._old)
        else:
            os.unlink(self._real)

    def drop(self) -> None:
        """Leave nothing behind where it has not taken the place."""
        if os.path.exists(self._path):
            os.unlink(self._path)


@contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder that is gone at the end, also where somebody asks this process to end."""
    import signal
    import tempfile

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    asked = [number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None)) if number is not None]
    ours = [number for number in asked if _main_thread() and signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        with tempfile.TemporaryDirectory(prefix="meshlint-", ignore_cleanup_errors=True) as folder:
            yield os.path.realpath(folder)
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def in_git(path: str) -> bool:
    """Does a path below a folder lead into .git, also by the names that file systems of other kinds take for it?"""
    return any(part.rstrip(". ").lower() in (".git", "git~1") for part in path.replace(os.sep, "/").split("/"))


def upwards(folder: str) -> Iterator[str]:
    """The folder and those above it, as far as its own path tells."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
