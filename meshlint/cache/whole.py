"""What a whole run said, kept for the next one: where no file, option or module has changed, it is said again.

A file is taken as unchanged by (mtime, size, inode), and a run is kept only if every file was clearly older than its begin
(git's rule for racy entries, as in meshlint.cache.store).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Final

import msgspec
import xxhash

from meshlint.cache import private
from meshlint.cache.version import judging_version
from meshlint.model.tuples import NamedTuple

_SLACK: Final = 2_000_000_000  # ns
_MOST: Final = 64 << 20  # bytes of a report


class Said(NamedTuple):
    """What a run left behind: the reports by the file they went to ("" is stdout, the first), what went to stderr, the exit code. `pages`:
    the parts that the first report begins with, each with its digest and length."""

    reports: list[tuple[str, str]]
    notes: str
    code: int
    pages: list[tuple[bytes, int]]


class Whole:
    """The place of one command line over one project. `about`: everything a run depends on besides the code and the files. `stats`: what
    is known of some of these already."""

    def __init__(self, folder: str, root: str, files: Sequence[str], about: str, stats: Mapping[str, os.stat_result]) -> None:
        self.begun = time.time_ns()
        name = xxhash.xxh3_128_hexdigest(f"{os.path.realpath(root)}\0{about}".encode("utf-8", "surrogateescape"))
        self.path = os.path.join(folder, f"{name}.run")
        self._newest = 0
        self.pages: dict[bytes, str] = {}  # of a report of the same code, where something else has changed
        self._code = judging_version()
        self._key = self._key_of(root, files, stats)

    def _key_of(self, root: str, files: Iterable[str], stats: Mapping[str, os.stat_result]) -> bytes | None:
        seen = xxhash.xxh3_128(self._code)
        prefix = os.path.join(root, "")
        try:
            for path in files:
                about = stats.get(path) or os.stat(prefix + path)
                self._newest = max(self._newest, about.st_mtime_ns)
                seen.update(f"{path}\0{about.st_mtime_ns} {about.st_size} {about.st_ino}\n".encode("utf-8", "surrogateescape"))
        except OSError:
            return None
        return bytes(seen.digest())

    def find(self) -> Said | None:
        """What was said of exactly this; None where nothing was, or it is damaged or somebody else's."""
        if self._key is None:
            return None
        try:
            key, code, checksum, content = _decode(private.read(self.path)[0])
            if code != self._code or xxhash.xxh3_128_digest(memoryview(content)) != checksum:
                return None
            said = _decode_said(content)
            if key == self._key:
                return said
            self.pages = _pages(said)
            return None
        except (OSError, msgspec.MsgspecError, ValueError):
            return None

    def keep(self, said: Said) -> None:
        """Write it down; where that cannot be done the next run works again."""
        if self._key is None or sum(len(text) for _, text in said.reports) > _MOST:
            return
        key = self._key if self._newest + _SLACK < self.begun else b""  # its pages are told by the contents of files
        with contextlib.suppress(OSError, UnicodeEncodeError):
            content = _encode(said)
            private.write(self.path, _encode((key, self._code, xxhash.xxh3_128_digest(content), msgspec.Raw(content))))


def _pages(said: Said) -> dict[bytes, str]:
    """The pages of the first report by their digests."""
    text = said.reports[0][1]
    ends = accumulate((length for _, length in said.pages), initial=0)
    return {digest: text[end : end + length] for (digest, length), end in zip(said.pages, ends, strict=False) if digest}


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes, msgspec.Raw]).decode
_decode_said = msgspec.msgpack.Decoder(Said).decode
