"""One file per project root that holds what reading its files gave, so that an unchanged file is not parsed again.

An entry is found by path and believed by (mtime, size, inode) alone only if its file is clearly older than the run that
checked it last, which the cache file's own mtime tells (git's rule for racy entries); else the content is hashed.
What is damaged, foreign, or of another version is no cache. Writing replaces the file at once: two runs at the same
time each leave a whole one. A few changed files are written into one beside it, which counts for just this content of it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import xxhash

from meshlint import __version__
from meshlint.cache import private
from meshlint.cache.compact import Packed, unpack
from meshlint.cache.version import reader_version
from meshlint.model.document import FileRead
from meshlint.model.later import LaterSource
from meshlint.model.tuples import NamedTuple

SCHEMA: Final = 1
_SLACK: Final = 2_000_000_000  # ns; file systems keep times as coarse as two seconds
_MANY: Final = 0.05  # part of the entries: where more are new, all are written again


class Stat(NamedTuple):
    """What tells an unchanged file: ns, bytes, number."""

    mtime: int
    size: int
    inode: int


class Entry(NamedTuple):
    """One file in the cache: what tells that it is unchanged, and its content, decoded only when used."""

    mtime: int
    size: int
    inode: int
    digest: bytes
    content: msgspec.Raw

    @property
    def stat(self) -> Stat:
        return Stat(self.mtime, self.size, self.inode)


_encode = msgspec.msgpack.Encoder().encode
_decode_file = msgspec.msgpack.Decoder(
    tuple[list[Any], list[Any], Any, list[str], bool, bool, Any, list[msgspec.Raw]]  # Packed, its tables left alone
).decode
_decode_cache = msgspec.msgpack.Decoder(tuple[str, bytes, msgspec.Raw]).decode
_decode_entries = msgspec.msgpack.Decoder(dict[str, Entry]).decode
_decode_table = msgspec.msgpack.Decoder(list[Any]).decode


def encoded(packed: Packed) -> bytes:
    """The bytes of an entry."""
    return _encode(packed)


def decoded(content: Any, path: str, source: LaterSource | None, digest: bytes = b"") -> FileRead | None:
    """The file of an entry; None where the entry is damaged. `source` is told which words its text holds. `digest`: of the content."""
    try:
        packed = Packed(*_decode_file(content))
        if packed.held is None:
            source = None
        elif source is not None:
            source.now_holds(packed.held)
        return unpack(packed, path, source, _decode_table, digest)
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError):
        return None


def digest(content: bytes | memoryview) -> bytes:
    """What a content is told by, where its times do not tell."""
    return bytes(xxhash.xxh3_128_digest(content))


class Cache:
    """The cache of one project root. `begun`: when this run began, before it looked at any file."""

    def __init__(self, folder: str, root: str, parse_all: bool = False) -> None:
        self.begun = time.time_ns()
        name = xxhash.xxh3_128_hexdigest(f"{os.path.realpath(root)}\0{parse_all}".encode("utf-8", "surrogateescape"))
        self.path = os.path.join(folder, f"{name}.msgpack")
        self.kept: dict[str, Entry] = {}
        self.changed = self.rehashed = False
        self._beside = f"{self.path}.more"
        self._version = _version()
        self._checksum, self._whole, self.checked = _entries_in(self.path, self._version)
        self.entries = {**self._whole, **_entries_in(self._beside, self._version + self._checksum.hex())[1]}

    def find(self, path: str, full: str, now: Stat) -> Entry | None:
        """The entry of a file that is as it was when it was read. A fresh checkout has other times, and the same content."""
        entry = self.entries.get(path)
        if entry is None or entry.size != now.size:
            return None
        same = entry.stat == now
        if not same or now.mtime + _SLACK >= self.checked:
            if _digest_of(full) != entry.digest:
                return None
            self.rehashed = True
        self.kept[path] = entry if same else entry._replace(mtime=now.mtime, inode=now.inode)
        self.changed = self.changed or not same
        return entry

    def add(self, path: str, stat: Stat, content_digest: bytes, content: bytes | memoryview) -> None:
        if path.isascii() or _encodable(path):
            self.kept[path] = Entry(*stat, content_digest, msgspec.Raw(content))
            self.changed = True

    def save(self, root: str) -> None:
        """Write what is new. Where that cannot be done the next run reads again."""
        for path, entry in self.entries.items():
            if path not in self.kept and os.path.exists(os.path.join(root, path)):
                self.kept[path] = entry  # not asked for in this run
        with contextlib.suppress(OSError):
            if self.changed or len(self.kept) != len(self.entries):
                self._write()
            elif self.rehashed:
                os.utime(self.path, ns=(self.begun, self.begun))

    def _write(self) -> None:
        """All entries; beside those that are there, a few other ones, which are read again by their content."""
        new = {path: entry for path, entry in self.kept.items() if self._whole.get(path) is not entry}
        if len(new) > len(self._whole) * _MANY or len(self.kept) != len(self._whole.keys() | new.keys()):
            self._replace(self.path, self._version, self.kept)
            if os.path.exists(self._beside):
                os.unlink(self._beside)
        else:
            self._replace(self._beside, self._version + self._checksum.hex(), new)

    def _replace(self, path: str, version: str, held: Mapping[str, Entry]) -> None:
        entries = _encode(held)
        private.write(path, _encode((version, digest(entries), msgspec.Raw(entries))), self.begun)


def _entries_in(path: str, version: str) -> tuple[bytes, dict[str, Entry], int]:
    """The checksum of a cache file, its entries, and when they were checked (ns); nothing if it is not ours, whole, and of the version."""
    try:
        content, mtime = private.read(path)
        said, checksum, entries = _decode_cache(content)
        if said == version and digest(memoryview(entries)) == checksum:
            return checksum, _decode_entries(entries), mtime
    except (OSError, msgspec.MsgspecError, ValueError):
        return b"", {}, 0
    return b"", {}, 0


def _version() -> str:
    return f"meshlint {__version__} schema {SCHEMA} reader {reader_version()}"


def _digest_of(full: str) -> bytes:
    try:
        with open(full, "rb", 0) as file:
            return digest(file.read())
    except OSError:
        return b""


def _encodable(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def cache_folder(configured: str | None) -> str:
    """Where caches lie: as configured, else $MESHLINT_CACHE_DIR, else meshlint/ in the user's cache folder."""
    found = configured or os.environ.get("MESHLINT_CACHE_DIR")
    if found:
        return os.path.abspath(found)
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return os.path.join(base or os.path.join(os.path.expanduser("~"), ".cache"), "meshlint")
