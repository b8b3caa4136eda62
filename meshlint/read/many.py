"""Many files: from the cache where they are unchanged, else on several processes where that pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from meshlint.model.document import FileRead
from meshlint.model.later import LaterSource, let_go
from meshlint.model.tuples import NamedTuple
from meshlint.read.compose import forget
from meshlint.read.decode import decode, read_bytes
from meshlint.read.discover import Stats
from meshlint.read.errors import ReadError
from meshlint.read.file import read_content, read_file

if TYPE_CHECKING:
    from meshlint.cache.store import Cache, Stat

FEW = 50  # files up to which neither a cache nor another process pays
LEAST_BYTES = 2_000_000  # to read, from which another process pays


class Reading(NamedTuple):
    """How files are read. `folder`: where caches lie ("": the user's cache folder), None: no cache. `jobs`: processes,
    None: one for each CPU. `parse_all`: documents of kinds that nothing reads are parsed too."""

    folder: str | None = None
    jobs: int | None = None
    parse_all: bool = False


class Many:
    """The files of one project root."""

    def __init__(self, root: str, how: Reading, stats: Stats = MappingProxyType({})) -> None:
        """`stats`: what is known of some of them already."""
        self.root = root
        self._known = stats
        self._prefix = os.path.join(root, "")
        self.how = how
        self._cache: Cache | None = None
        self._opened = False

    def read(self, paths: Sequence[str]) -> Iterator[FileRead]:
        """The files, in any order."""
        if len(paths) < FEW:
            yield from map(self._one, paths)
            return
        cache = self._open()
        stats = {path: _stat(self._prefix + path, self._known.get(path)) for path in paths}
        missing: list[str] = []
        for path in paths:
            file = self._from_cache(cache, path, stats[path]) if cache is not None else None
            if file is None:
                missing.append(path)
            else:
                yield file
        yield from self._fresh(missing, stats, cache)

    def close(self) -> None:
        """Keep what was read for the next run, where that is possible."""
        forget()
        if self._cache is not None:
            self._cache.save(self.root)
        self._cache = None

    def _open(self) -> Cache | None:
        if self.how.folder is not None and not self._opened:
            from meshlint.cache.store import Cache, cache_folder

            self._cache = Cache(cache_folder(self.how.folder), self.root, self.how.parse_all)
        self._opened = True
        return self._cache

    def _one(self, path: str) -> FileRead:
        return read_file(self._prefix + path, path, parse_all=self.how.parse_all)

    def _from_cache(self, cache: Cache, path: str, stat: Stat | None) -> FileRead | None:
        entry = cache.find(path, self._prefix + path, stat) if stat is not None else None
        return None if entry is None else self._decoded(path, bytes(entry.content), entry.digest)

    def _again(self, path: str) -> Callable[[], str]:
        return partial(_text, self._prefix + path)

    def _decoded(self, path: str, content: bytes, digest: bytes) -> FileRead | None:
        """`content`: a copy, so that all of it is let go of when the tables of this file are open."""
        from meshlint.cache.store import decoded

        return decoded(content, path, LaterSource(path, self._again(path)), digest)

    def _fresh(self, paths: Sequence[str], stats: dict[str, Stat | None], cache: Cache | None) -> Iterator[FileRead]:
        from meshlint.read.forked import processes, shares

        sizes = {path: stat.size for path in paths if (stat := stats[path]) is not None}
        jobs = processes(self.how.jobs) if sum(sizes.values()) >= LEAST_BYTES else 1
        own, *others = shares(sorted(paths, key=lambda path: (-sizes.get(path, 0), path)), sizes, jobs)
        if not others:
            yield from (self._kept(path, stats[path], cache) for path in own)
            return
        yield from self._forked(own, others, stats, cache)

    def _forked(self, own: list[str], others: list[list[str]], stats: dict[str, Stat | None], cache: Cache | None) -> Iterator[FileRead]:
        from meshlint.read.forked import Workers

        with Workers(others, self._encoded) as workers:
            for path in own:
                yield self._kept(path, stats[path], cache)
            for path, result in workers.results():
                file = None if result is None else self._decoded(path, bytes(result[1]), result[0])
                stat = stats[path]
                if file is None or result is None:
                    file = self._kept(path, stat, cache)
                elif cache is not None and stat is not None and result[0]:
                    cache.add(path, stat, *result)
                yield file

    def _kept(self, path: str, stat: Stat | None, cache: Cache | None) -> FileRead:
        """Read a file, tell the cache, and let go of its text where that is long."""
        file = self._read(path, stat, cache)
        if file.source is not None:
            let_go(file.source, self._again(path))
        return file

    def _read(self, path: str, stat: Stat | None, cache: Cache | None) -> FileRead:
        if cache is None or stat is None:
            return self._one(path)
        from meshlint.cache.compact import pack
        from meshlint.cache.store import digest, encoded

        file, content = self._with_content(path)
        if content is None:
            return file
        told = digest(content)
        cache.add(path, stat, told, encoded(pack(file)))
        return file._replace(digest=told)

    def _encoded(self, path: str) -> tuple[bytes, bytes]:
        """A file as another process hands it over: the digest of its content (empty: not to be kept) and the file."""
        from meshlint.cache.compact import pack
        from meshlint.cache.store import digest, encoded

        file, content = self._with_content(path)
        return (digest(content) if content is not None and self.how.folder is not None else b"", encoded(pack(file)))

    def _with_content(self, path: str) -> tuple[FileRead, bytes | None]:
        try:
            content = read_bytes(self._prefix + path)
        except (ReadError, OSError):
            return self._one(path), None
        return read_content(content, path, self.how.parse_all), content


def _stat(full: str, about: os.stat_result | None) -> Stat | None:
    from meshlint.cache.store import Stat

    try:
        about = about or os.stat(full)
    except OSError:
        return None
    return Stat(about.st_mtime_ns, about.st_size, about.st_ino)


def _text(full: str) -> str:
    """The text of a file that was read before; nothing where it is gone by now."""
    try:
        return decode(read_bytes(full)).removeprefix("\ufeff")
    except (ReadError, OSError):
        return ""
