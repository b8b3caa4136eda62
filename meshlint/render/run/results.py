"""What tools gave, kept by the digest of all that they were given: one file for each project root."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable
from typing import Any, Final

from meshlint import __version__

SCHEMA: Final = 2
_MOST: Final = 1 << 28  # bytes of a file
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
            with open(path, "rb") as file:
                about = os.fstat(file.fileno())
                if about.st_size > _MOST or (hasattr(os, "geteuid") and about.st_uid != os.geteuid()):
                    return
                version, entries = msgspec.msgpack.decode(file.read(), type=tuple[str, dict[str, tuple[bool, bytes]]])
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
        with contextlib.suppress(OSError):
            _write(self._path, self._new)


def _write(path: str, entries: dict[str, Any]) -> None:
    import msgspec

    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
            file.write(msgspec.msgpack.encode((_version(), entries)))
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _version() -> str:
    return f"meshlint {__version__} rendered {SCHEMA}"
