"""The files of one rendering: read inside of the boundary only, and laid out as copies without any link."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from stat import S_ISREG

from meshlint.read.decode import LIMIT
from meshlint.render.run.limits import Limits
from meshlint.render.tree import base, parent


class Refusal(Exception):  # noqa: N818 - a reason, told to users
    """Why something is not rendered at all."""


class Files:
    """The repository's files as rendering sees them. `texts` stand in for files (what an editor holds)."""

    def __init__(self, root: str, texts: Mapping[str, str]) -> None:
        self.root = os.path.realpath(root)
        self._texts = texts
        self._held: dict[str, set[str]] = {}  # names by folder, of which some may not be on the disk yet
        for path in texts:
            self._held.setdefault(parent(path), set()).add(base(path))
        self._read: dict[str, bytes | None] = {}
        self._real: dict[str, str | None] = {}

    def real(self, path: str) -> str | None:
        """A path without links in it; None where there is nothing, or it leads out of the repository."""
        if path not in self._real:
            full = os.path.realpath(os.path.join(self.root, path))
            inside = full == self.root or full.startswith(os.path.join(self.root, ""))
            found = inside and (os.path.exists(full) or self._relative(full) in self._texts)
            self._real[path] = self._relative(full) if found else None
        return self._real[path]

    def _relative(self, full: str) -> str:
        return "" if full == self.root else os.path.relpath(full, self.root).replace(os.sep, "/")

    def leads_out(self, path: str) -> bool:
        """Is it a link that leads out of the repository?"""
        full = os.path.realpath(os.path.join(self.root, path))
        return not (full == self.root or full.startswith(os.path.join(self.root, "")))

    def is_folder(self, path: str) -> bool:
        real = self.real(path)
        return real is not None and os.path.isdir(os.path.join(self.root, real))

    def content(self, path: str) -> bytes | None:
        """The bytes of a regular file of ordinary size; None for anything else."""
        real = self.real(path)
        if real is None:
            return None
        if real not in self._read:
            self._read[real] = self._texts[real].encode() if real in self._texts else self._bytes(os.path.join(self.root, real))
        return self._read[real]

    def _bytes(self, full: str) -> bytes | None:
        try:
            about = os.stat(full)
            if not S_ISREG(about.st_mode) or about.st_size > LIMIT:
                return None
            with open(os.open(full, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
                return file.read(LIMIT + 1)
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        """What stands in a folder; nothing where there is none."""
        real = self.real(folder)
        full = os.path.join(self.root, real) if real is not None else ""
        return sorted({*os.listdir(full), *self._held.get(real or "", ())}) if full and os.path.isdir(full) else []

    def below(self, folder: str, most: int, without: Collection[str] = ()) -> list[str]:
        """Every file below a folder, links followed as far as they stay inside; sorted. `without`: names that are left out.
        Raises Refusal for more than `most`."""
        out: list[str] = []
        waiting: list[tuple[str, tuple[str, ...]]] = [(folder, ())]  # with the real folders on the way, which it must not enter again
        while waiting:
            here, way = waiting.pop()
            real = self.real(here)
            if real is None or real in way:
                continue
            for entry in self.names(real):
                path = f"{here}/{entry}" if here else entry
                if entry not in without and self.is_folder(path):
                    waiting.append((path, (*way, real)))
                elif entry not in without:
                    out.append(path)
            if len(out) + len(waiting) > most:
                raise Refusal(f"{folder or 'the repository'} holds more than {most:,} files")
        return sorted(path for path in out if self.real(path) is not None)


class Stage:
    """The copies: paths in the temporary folder, and what of the repository each of them is (None: written by meshlint)."""

    def __init__(self, limits: Limits) -> None:
        self.contents: dict[str, bytes] = {}
        self.sources: dict[str, str | None] = {}
        self._limits = limits
        self._size = 0

    def put(self, path: str, content: bytes, source: str | None = None) -> None:
        if path in self.contents:
            self._size -= len(self.contents[path])
        self._size += len(content)
        self.contents[path] = content
        self.sources[path] = source
        if self._size > self._limits.input or len(self.contents) > self._limits.files:
            raise Refusal(f"needs more than {self._limits.input >> 20} MB or {self._limits.files:,} files")

    def lay_out(self, folder: str) -> None:
        """Write the copies below an empty folder of our own."""
        for path, content in self.contents.items():
            full = os.path.join(folder, *path.split("/"))
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(content)
