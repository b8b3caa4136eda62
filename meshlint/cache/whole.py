"""What a whole run said, kept for the next one: where no file, option or module has changed, it is said again.

A file is taken as unchanged by (mtime, size, inode), and a run is kept only if every file was clearly older than its begin
(git's rule for racy entries, as in meshlint.cache.store).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import xxhash

from meshlint.bundled import folder as bundled_folder
from meshlint.cache.version import code_version
from meshlint.model.tuples import NamedTuple

_SLACK: Final = 2_000_000_000  # ns
_MOST: Final = 64 << 20  # bytes of a report


class Said(NamedTuple):
    """What a run left behind: the reports by the file they went to ("" is stdout), what went to stderr, the exit code."""

    reports: list[tuple[str, str]]
    notes: str
    code: int


class Whole:
    """The place of one command line over one project. `about`: everything a run depends on besides the code and the files. `stats`: what
    is known of some of these already."""

    def __init__(self, folder: str, root: str, files: Sequence[str], about: str, stats: Mapping[str, os.stat_result]) -> None:
        self.begun = time.time_ns()
        name = xxhash.xxh3_128_hexdigest(f"{os.path.realpath(root)}\0{about}".encode("utf-8", "surrogateescape"))
        self.path = os.path.join(folder, f"{name}.run")
        self._newest = 0
        self._key = self._key_of(root, files, stats)

    def _key_of(self, root: str, files: Iterable[str], stats: Mapping[str, os.stat_result]) -> bytes | None:
        seen = xxhash.xxh3_128(code_version(bundled_folder("rules"), bundled_folder("schemas")))
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
            with open(self.path, "rb") as file:
                if hasattr(os, "geteuid") and os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                key, checksum, said = _decode(file.read())
            if key != self._key or xxhash.xxh3_128_digest(memoryview(said)) != checksum:
                return None
            return _decode_said(said)
        except (OSError, msgspec.MsgspecError, ValueError):
            return None

    def keep(self, said: Said) -> None:
        """Write it down; where that cannot be done the next run works again."""
        if self._key is None or self._newest + _SLACK >= self.begun or sum(len(text) for _, text in said.reports) > _MOST:
            return
        temporary = f"{self.path}.{os.getpid()}"
        with contextlib.suppress(OSError, UnicodeEncodeError):
            content = _encode(said)
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            try:
                with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
                    file.write(_encode((self._key, xxhash.xxh3_128_digest(content), msgspec.Raw(content))))
                os.replace(temporary, self.path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes, msgspec.Raw]).decode
_decode_said = msgspec.msgpack.Decoder(Said).decode
