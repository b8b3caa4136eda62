"""What tools gave, kept by the digest of all that they were given: one file for each project root."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable
from typing import Any, Final

from meshlint import __version__
from meshlint.cache import private

SCHEMA: Final = 2
_KEPT: Final = 1 << 26  # bytes of what this run did not ask for


class Results:
    """`fine` outputs and messages of failures, by digest. What is damaged, foreign or of another version is none."""

    def __init__(self, folder: str | None, root: str) -> None:
        import xxhash

        self._hash = xxhash.xxh3_128
        self._path: str | None = None
        self._old: dict[str, Any] = {}
        self._new: dict[str, Any] = {}
        self._changed = False
        if folder is not None:
            name = xxhash.xxh3_128_hexdigest(os.path.realpath(root).encode("utf-8", "surrogateescape"))
            self._path = os.path.join(folder, f"rendered-{name}.msgpack")
            self._load(self._path)

    def _load(self, path: str) -> None:
        import msgspec

        try:
            version, entries = msgspec.msgpack.decode(private.read(path)[0], type=tuple[str, dict[str, tuple[bool, bytes]]])
            if version == _version():
                self._old = entries
        except (OSError, msgspec.MsgspecError, ValueError):
            self._old = {}

    def digest(self, parts: Iterable[bytes]) -> str:
        """One for all that a result depends on; no two lists of parts have the same by where they are cut."""
        made = self._hash()
        for part in parts:
            made.update(len(part).to_bytes(8, "big"))
            made.update(part)
        return str(made.hexdigest())

    def find(self, digest: str) -> tuple[bool, str] | None:
        entry = self._new.get(digest) or self._old.get(digest)
        if entry is None:
            return None
        self._new[digest] = entry
        try:
            return entry[0], zlib.decompress(entry[1]).decode()
        except (zlib.error, ValueError):
            del self._new[digest]
            return None

    def add(self, digest: str, fine: bool, text: str) -> None:
        self._new[digest] = (fine, zlib.compress(text.encode("utf-8", "replace"), 1))
        self._changed = True

    def save(self) -> None:
        """Write what is new; of what was not asked for, as much as there is room for."""
        if self._path is None or not self._changed:
            return
        room = _KEPT
        for digest, entry in self._old.items():
            room -= len(entry[1])
            if digest not in self._new and room > 0:
                self._new[digest] = entry
        import msgspec

        with contextlib.suppress(OSError):
            private.write(self._path, msgspec.msgpack.encode((_version(), self._new)))


def _version() -> str:
    return f"meshlint {__version__} rendered {SCHEMA}"
