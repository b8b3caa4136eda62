"""When an entry is believed, and that a cache that cannot be used is none."""

import os
import time
from pathlib import Path

import pytest

from meshlint.cache import store
from meshlint.cache.compact import pack
from meshlint.cache.store import Cache, Stat, cache_folder, digest, encoded
from meshlint.read.file import read_text

OLD = time.time_ns() - 3_600 * 10**9


class Repository:
    """A folder with one file, and the caches of the runs over it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "repository"
        self.root.mkdir()
        self.file = self.root / "a.yaml"
        self.folder = folder / "cache"
        self.write("a: 1\n", OLD)

    def write(self, text: str, mtime: int) -> None:
        self.file.write_text(text)
        os.utime(self.file, ns=(mtime, mtime))

    def stat(self) -> Stat:
        about = self.file.stat()
        return Stat(about.st_mtime_ns, about.st_size, about.st_ino)

    def run(self) -> Cache:
        return Cache(str(self.folder), str(self.root))

    def found(self, cache: Cache | None = None) -> bool:
        return (cache or self.run()).find("a.yaml", str(self.file), self.stat()) is not None

    def keep(self) -> Cache:
        cache = self.run()
        content = self.file.read_bytes()
        cache.add("a.yaml", self.stat(), digest(content), encoded(pack(read_text(content.decode(), "a.yaml"))))
        cache.save(str(self.root))
        return cache


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_an_unchanged_file_is_found(repository: Repository) -> None:
    assert not repository.found()
    repository.keep()
    assert repository.found()


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_changed_file_is_not_found(repository: Repository, change: str) -> None:
    repository.keep()
    if change == "inode":
        other = repository.root / "b.yaml"
        other.write_text("a: 2\n")
        other.replace(repository.file)
        os.utime(repository.file, ns=(OLD, OLD))
    else:
        repository.write("a: 12\n" if change == "size" else "a: 2\n", OLD if change == "size" else OLD + 1)
    assert not repository.found()


def test_a_file_that_changed_right_after_it_was_read_is_not_believed(repository: Repository) -> None:
    now = time.time_ns()
    repository.write("a: 1\n", now)
    repository.keep()
    repository.write("a: 2\n", now)
    assert not repository.found()


def test_a_young_file_is_hashed_until_a_run_has_checked_it(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns() - 10**9
    repository.write("a: 1\n", now)
    repository.keep()
    cache = repository.run()
    cache.begun = now + 10 * 10**9
    assert repository.found(cache)
    assert cache.rehashed
    cache.save(str(repository.root))
    monkeypatch.setattr(store, "_digest_of", lambda _full: b"")
    assert repository.found()


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "foreign", "list"])
def test_a_damaged_cache_is_none(repository: Repository, damage: str) -> None:
    path = Path(repository.keep().path)
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[-20] ^= 1
    path.write_bytes({"cut": content[:-9], "bit": bytes(flipped), "empty": b"", "foreign": b"GIF89a", "list": b"\x93\x01\x02\x03"}[damage])
    assert not repository.found()
    repository.keep()
    assert repository.found()


@pytest.mark.parametrize("name", ["__version__", "SCHEMA"])
def test_a_cache_of_another_version_is_none(repository: Repository, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    repository.keep()
    monkeypatch.setattr(store, name, "0.0.0")
    assert not repository.found()


def test_a_cache_of_other_readers_is_none(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.keep()
    monkeypatch.setattr(store, "reader_version", lambda: "other")
    assert not repository.found()


def test_what_cannot_be_written_is_left(repository: Repository) -> None:
    repository.folder.write_text("a file, not a folder")
    repository.keep()
    assert not repository.found()
    assert repository.folder.read_text() == "a file, not a folder"


def test_only_the_user_may_read_the_cache(repository: Repository) -> None:
    path = Path(repository.keep().path)
    assert [path.name] == os.listdir(repository.folder)
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_two_runs_at_once_leave_a_whole_cache(repository: Repository) -> None:
    first, second = repository.run(), repository.run()
    for cache in (first, second):
        cache.add("a.yaml", repository.stat(), digest(b"a: 1\n"), encoded(pack(read_text("a: 1\n", "a.yaml"))))
    first.save(str(repository.root))
    second.save(str(repository.root))
    assert repository.found()


def test_entries_of_files_that_are_gone_go_and_those_that_were_not_asked_for_stay(repository: Repository) -> None:
    repository.keep()
    cache = repository.run()
    cache.add("gone.yaml", Stat(1, 2, 3), b"x", encoded(pack(read_text("", "gone.yaml"))))
    cache.save(str(repository.root))
    assert set(repository.run().entries) == {"a.yaml", "gone.yaml"}
    repository.run().save(str(repository.root))
    assert set(repository.run().entries) == {"a.yaml"}


def test_names_that_are_no_unicode_are_not_kept(repository: Repository) -> None:
    cache = repository.run()
    cache.add("a\udcff.yaml", Stat(1, 2, 3), b"x", encoded(pack(read_text("", "a.yaml"))))
    cache.add("é.yaml", repository.stat(), b"x", encoded(pack(read_text("", "a.yaml"))))
    cache.save(str(repository.root))
    assert set(repository.run().entries) == {"é.yaml"}


class TestBeside:
    """A few changed files of many are written into a file of their own."""

    @pytest.fixture
    def many(self, repository: Repository) -> Repository:
        cache = repository.run()
        for number in range(40):
            self.add(cache, repository, f"{number}.yaml", "a: 1\n")
        cache.save(str(repository.root))
        return repository

    def add(self, cache: Cache, repository: Repository, name: str, text: str) -> None:
        file = repository.root / name
        file.write_text(text)
        os.utime(file, ns=(OLD + len(text), OLD + len(text)))
        about = file.stat()
        stat = Stat(about.st_mtime_ns, about.st_size, about.st_ino)
        cache.add(name, stat, digest(text.encode()), encoded(pack(read_text(text, name))))

    def digests(self, repository: Repository) -> dict[str, bytes]:
        return {path: entry.digest for path, entry in repository.run().entries.items()}

    def change(self, repository: Repository, *names: str) -> Cache:
        cache = repository.run()
        for name in names:
            self.add(cache, repository, name, "a: 12\n")
        cache.save(str(repository.root))
        return cache

    def test_what_is_there_stays_as_it_is(self, many: Repository) -> None:
        path = Path(many.run().path)
        before = path.read_bytes()
        self.change(many, "3.yaml")
        self.change(many, "4.yaml")
        assert path.read_bytes() == before
        changed = {name for name, found in self.digests(many).items() if found == digest(b"a: 12\n")}
        assert changed == {"3.yaml", "4.yaml"} and len(self.digests(many)) == 40

    def test_many_are_written_with_the_others(self, many: Repository) -> None:
        cache = self.change(many, "3.yaml")
        assert len(os.listdir(many.folder)) == 2
        self.change(many, "4.yaml", "5.yaml", "6.yaml")
        assert os.listdir(many.folder) == [Path(cache.path).name]
        assert sum(found == digest(b"a: 12\n") for found in self.digests(many).values()) == 4

    def test_a_file_that_is_gone_is_gone(self, many: Repository) -> None:
        self.change(many, "3.yaml")
        (many.root / "7.yaml").unlink()
        many.run().save(str(many.root))
        assert len(self.digests(many)) == 39
        assert self.digests(many)["3.yaml"] == digest(b"a: 12\n")

    @pytest.mark.parametrize("damage", ["cut", "empty", "of another"])
    def test_where_it_cannot_be_used_the_others_can(self, many: Repository, damage: str) -> None:
        beside = Path(f"{self.change(many, '3.yaml').path}.more")
        content = beside.read_bytes()
        if damage == "of another":
            self.change(many, "4.yaml", "5.yaml", "6.yaml")
        beside.write_bytes({"cut": content[:-9], "empty": b"", "of another": content}[damage])
        found = self.digests(many)
        assert len(found) == 40
        assert (found["3.yaml"] == digest(b"a: 12\n")) == (damage == "of another")  # then the others hold it

    def test_an_entry_that_is_young_there_is_hashed(self, many: Repository) -> None:
        os.utime(many.run().path, ns=(OLD, OLD))
        self.change(many, "3.yaml")
        cache = many.run()
        file = many.root / "3.yaml"
        about = file.stat()
        stat = Stat(about.st_mtime_ns, about.st_size, about.st_ino)
        assert cache.find("3.yaml", str(file), stat) is not None and cache.rehashed
        file.write_text("a: 34\n")
        os.utime(file, ns=(about.st_mtime_ns, about.st_mtime_ns))
        assert many.run().find("3.yaml", str(file), stat) is None


def test_where_caches_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MESHLINT_CACHE_DIR", raising=False)
    assert cache_folder(None) == str(tmp_path / "meshlint")
    monkeypatch.setenv("MESHLINT_CACHE_DIR", str(tmp_path / "env"))
    assert cache_folder(None) == str(tmp_path / "env")
    assert cache_folder(str(tmp_path / "own")) == str(tmp_path / "own")
