"""Many files at once: the same answers from other processes and from the cache as from this process alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from meshlint.cache import store
from meshlint.model.document import FileRead
from meshlint.read import forked, many
from meshlint.read.forked import Workers, processes, shares
from meshlint.read.many import FEW, Many, Reading

TEXTS = (
    "apiVersion: v1\nkind: Service\nmetadata: {{name: a{0}}}\n---\napiVersion: rbac/v1\nkind: Role\nrules: [{0}]\n",
    "a: [{0}\n",
    "a: &x {{b: {0}}}\nc: *x\n",
    "\ufeffkind: Gateway\nmetadata: {{name: é{0}}}\r\n",
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    for number in range(FEW + 20):
        (folder / f"{number:03}.yaml").write_text(TEXTS[number % len(TEXTS)].format(number), encoding="utf-8")
    (folder / "bytes.yaml").write_bytes(b"a: \xff\n")
    return folder


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes, however little there is to read and whatever threads the test runner has."""
    monkeypatch.setattr(many, "LEAST_BYTES", 0)
    monkeypatch.setattr(forked, "processes", lambda _wanted: 2)


def names(root: Path) -> list[str]:
    return [*sorted(os.listdir(root)), "gone.yaml"]


def read(root: Path, how: Reading) -> list[FileRead]:
    reader = Many(str(root), how)
    files = sorted(reader.read(names(root)), key=lambda file: file.path)
    reader.close()
    return files


def told(files: Sequence[FileRead]) -> list[str]:
    """All that the files say, with what is opened late."""
    out = []
    for file in files:
        objects = [(d.api_version, d.kind, [*d.root.items()], d.root.table.values, d.root.place) for d in file.documents]
        out.append(repr((file.path, file.source and file.source.text, objects, file.troubles, file.skipped, file.skipped_kinds)))
    return out


@needs_fork
def test_another_process_reads_the_same(root: Path, two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = told([Many(str(root), Reading())._one(path) for path in sorted(names(root))])
    own: list[str] = []
    kept = Many._kept
    monkeypatch.setattr(Many, "_kept", lambda self, path, stat, cache: (own.append(path), kept(self, path, stat, cache))[1])
    assert told(read(root, Reading())) == alone
    assert 0 < len(own) < len(alone)


@needs_fork
@pytest.mark.parametrize("failure", ["exception", "death", "nonsense"])
def test_what_a_failing_process_leaves_is_read_here(root: Path, two: None, monkeypatch: pytest.MonkeyPatch, failure: str) -> None:
    alone = told([Many(str(root), Reading())._one(path) for path in sorted(names(root))])
    parent = os.getpid()

    def fails(_self: Many, _path: str) -> tuple[bytes, bytes]:
        assert os.getpid() != parent
        if failure == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        if failure == "nonsense":
            return b"", b"\xc1"
        raise ValueError

    monkeypatch.setattr(Many, "_encoded", fails)
    assert told(read(root, Reading())) == alone


@needs_fork
def test_no_process_is_left_behind(root: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Workers([["a"]], lambda _path: (signal.pause(), (b"", b""))[1]):  # type: ignore[func-returns-value]
        raise KeyboardInterrupt
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_the_cache_tells_the_same_without_reading(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = Reading(folder=str(tmp_path / "cache"))
    cold = told(read(root, how))
    assert cold == told(read(root, Reading()))
    monkeypatch.setattr(many, "read_content", None)
    assert told(read(root, how)) == cold


@needs_fork
def test_other_processes_fill_the_cache(root: Path, two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = Reading(folder=str(tmp_path / "cache"))
    cold = told(read(root, how))
    monkeypatch.setattr(many, "read_content", None)
    assert told(read(root, how)) == cold


def test_only_what_changed_is_read_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = Reading(folder=str(tmp_path / "cache"))
    read(root, how)
    (root / "000.yaml").write_text("new: 1\n")
    paths: list[str] = []
    content = many.read_content
    monkeypatch.setattr(many, "read_content", lambda *a: (paths.append(a[1]), content(*a))[1])
    files = read(root, how)
    assert paths == ["000.yaml"]
    assert told(files) == told(read(root, Reading()))


def test_a_damaged_entry_is_read_again(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    how = Reading(folder=str(tmp_path / "cache"))
    cold = told(read(root, how))
    monkeypatch.setattr(store, "unpack", lambda *_a: [][0])
    assert told(read(root, how)) == cold


def test_a_text_that_is_gone_by_now_is_empty(root: Path, tmp_path: Path) -> None:
    how = Reading(folder=str(tmp_path / "cache"))
    read(root, how)
    files = read(root, how)
    (root / "000.yaml").unlink()
    assert files[0].documents[0].root.get("metadata", "name").span.start.offset == 0


def test_a_few_files_need_neither_cache_nor_its_packages(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    code = (
        "import sys; from meshlint.read.many import Many, Reading\n"
        f"list(Many({str(tmp_path)!r}, Reading(folder={str(tmp_path / 'cache')!r})).read(['a.yaml']))\n"
        "assert not {'msgspec', 'xxhash', 'meshlint.cache.store', 'meshlint.read.forked'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not (tmp_path / "cache").exists()


def test_how_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked, "_threads", lambda: True)
    assert processes(8) == 1
    monkeypatch.setattr(forked, "_threads", lambda: False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert processes(3) == (3 if hasattr(os, "fork") else 1)
    monkeypatch.delattr(os, "fork", raising=False)
    assert processes(8) == 1


def test_shares_are_of_about_the_same_size() -> None:
    sizes = {f"{number}": number * 1_000 for number in range(40)}
    parts = shares(sorted(sizes, key=lambda path: -sizes[path]), sizes, 3)
    loads = [sum(sizes[path] for path in part) for part in parts]
    assert sorted(path for part in parts for path in part) == sorted(sizes)
    assert max(loads) - min(loads) < 5_000
    assert shares([], {}, 3) == [[]]
