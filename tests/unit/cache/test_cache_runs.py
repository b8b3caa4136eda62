"""The whole program tells the same, byte for byte, however its files are read."""

import os
import shutil
from pathlib import Path

import pytest
from mesh_tree import write

from meshlint import engine
from meshlint.read import forked, many
from meshlint.read.many import FEW, Reading
from tests.door import call

FORMATS = ("json", "text", "sarif")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    assert write(folder, 28) > FEW
    return folder


def outputs(folder: Path) -> list[str]:
    """Without what was kept of whole runs (test_repeat.py): `reading` decides on the cache of files."""
    return [call("check", ".", "-o", form, "--no-cache", cwd=folder).out for form in FORMATS]


def caches(folder: Path) -> int:
    """How many caches of files a folder holds; whole runs may lie beside them."""
    return len(list(folder.glob("*.msgpack")))


def reading(monkeypatch: pytest.MonkeyPatch, how: Reading, processes: int = 1) -> None:
    monkeypatch.setattr(engine, "reading", lambda _config: how)
    monkeypatch.setattr(many, "LEAST_BYTES", 0)
    monkeypatch.setattr(forked, "processes", lambda _wanted: processes)


def compare(folder: Path, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, Reading(parse_all=True))
    expected = outputs(folder)
    assert "ML" in expected[0]
    ways = {"pre-scan": (Reading(), 1), "cold": (Reading(cache), 1), "warm": (Reading(cache), 1)}
    if hasattr(os, "fork"):
        ways["processes"] = (Reading(), 3)
    for name, (how, count) in ways.items():
        reading(monkeypatch, how, count)
        assert outputs(folder) == expected, name


def test_every_way_of_reading_tells_the_same(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(tree, str(tmp_path / "cache"), monkeypatch)
    assert caches(tmp_path / "cache") == 1


def test_a_warm_run_composes_nothing(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, Reading(str(tmp_path / "cache")))
    cold = outputs(tree)
    monkeypatch.setattr(many, "read_content", None)
    assert outputs(tree) == cold


def test_a_change_is_seen(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading(monkeypatch, Reading(str(tmp_path / "cache")))
    before = outputs(tree)
    shutil.rmtree(tree / "team-0")
    (tree / "team-1" / "app-1" / "mesh.yaml").write_text("a: 1\n")
    after = outputs(tree)
    reading(monkeypatch, Reading())
    assert after == outputs(tree) != before


def test_the_configuration_can_do_without(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESHLINT_CACHE_DIR", str(tmp_path / "cache"))
    (tree / "meshlint.toml").write_text("no-cache = true\n")
    call("check", ".", cwd=tree)
    assert not (tmp_path / "cache").exists()
    (tree / "meshlint.toml").write_text('cache-dir = "kept"\n')
    call("check", ".", cwd=tree)
    assert (caches(tree / "kept"), (tmp_path / "cache").exists()) == (1, False)


@pytest.mark.corpus
@pytest.mark.skipif("MESHLINT_CORPUS" not in os.environ, reason="MESHLINT_CORPUS names no folder")
def test_real_repositories_tell_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in sorted(path for path in Path(os.environ["MESHLINT_CORPUS"]).iterdir() if path.is_dir()):
        reading(monkeypatch, Reading(parse_all=True))
        expected = outputs(folder)
        for how, count in ((Reading(), 2), (Reading(str(tmp_path)), 1), (Reading(str(tmp_path)), 1)):
            reading(monkeypatch, how, count)
            assert outputs(folder) == expected, folder.name
