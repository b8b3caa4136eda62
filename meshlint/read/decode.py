"""Bytes of a file to text: UTF-8, UTF-16 and UTF-32, with or without a byte order mark."""

from __future__ import annotations

import os
import stat
from typing import Final

from meshlint.read.errors import ReadError

LIMIT: Final = 32 * 1024 * 1024

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def read_bytes(path: str, limit: int = LIMIT) -> bytes:
    """A regular file's bytes; never waits for a pipe. Raises ReadError, OSError."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags)
    with open(handle, "rb", 0) as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise ReadError("unreadable-file", "not a regular file", 0)
        if about.st_size > limit:
            raise _too_long(about.st_size, limit)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise _too_long(len(content), limit)
    return content


def _too_long(size: int, limit: int) -> ReadError:
    return ReadError("limit-reached", f"{size:,} bytes, more than the limit of {limit:,}; nothing of it was read", 0)


def decode(content: bytes) -> str:
    """The text without its byte order mark. Raises ReadError where it is no Unicode text."""
    mark, encoding = encoding_of(content)
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        where = f"byte {error.start:,} is not {encoding.upper()}"
        raise ReadError("unreadable-file", f"not text in an encoding that YAML allows: {where}", 0) from None


def encoding_of(content: bytes) -> tuple[bytes, str]:
    """The byte order mark, empty where there is none, and the encoding of what follows."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return mark, name
    return b"", _by_nul(content[:4])


def _by_nul(head: bytes) -> str:
    """YAML text begins with an ASCII character: where the zero bytes stand around it tells the encoding."""
    if len(head) >= 2 and b"\x00" in head:
        zero = [byte == 0 for byte in head]
        if zero == [False, True, True, True]:
            return "utf-32-le"
        if zero == [True, True, True, False]:
            return "utf-32-be"
        return "utf-16-le" if zero[:2] == [False, True] else "utf-16-be" if zero[:2] == [True, False] else "utf-8"
    return "utf-8"
