"""Files of the cache: read if they are the user's own, written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

_MOST: Final = 1 << 30  # bytes


def read(path: str) -> tuple[bytes, int]:
    """The content of a file and its mtime (ns). Raises OSError, also where the file is another user's or far too large."""
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        if about.st_size > _MOST or (hasattr(os, "geteuid") and about.st_uid != os.geteuid()):
            raise PermissionError(1, "not a cache of this user", path)
        return file.read(), about.st_mtime_ns


def write(path: str, content: bytes, mtime: int | None = None) -> None:
    """Put a file in the place of what is there, at once. `mtime` (ns): the time that it is to bear. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
            file.write(content)
        if mtime is not None:
            os.utime(temporary, ns=(mtime, mtime))
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
