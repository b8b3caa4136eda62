"""The same input gives the same bytes: for every hash seed, order of files, place of the folder and second run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import meshlint.engine
from meshlint.read.discover import Discovery, discover
from tests.door import call
from tests.manifests import write
from tests.test_agreement import EXAMPLE, ROOT, tricky

FORMATS = ["text", "concise", "json", "sarif", "github"]


@pytest.fixture(params=["example", "tricky"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "mesh")) if request.param == "example" else tricky(tmp_path / "mesh")


def with_seed(seed: int, folder: Path) -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "meshlint", "-o", "json", "-o", "sarif=../x.sarif", "-o", "text=../x.txt"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode == 1
    return b"".join((done.stdout, (folder.parent / "x.sarif").read_bytes(), (folder.parent / "x.txt").read_bytes()))


def test_for_every_hash_seed(folder: Path) -> None:
    first = with_seed(0, folder)
    assert len(first) > 1000
    assert with_seed(1, folder) == first
    assert with_seed(2, folder) == first


def test_for_every_order_of_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {form: call("-v", "-o", form, cwd=folder) for form in FORMATS}
    called = []

    def reversed_order(*arguments: object) -> Discovery:
        called.append(arguments)
        found = discover(*arguments)  # type: ignore[arg-type]
        return Discovery(found.files[::-1], found.notes)

    monkeypatch.setattr(meshlint.engine, "discover", reversed_order)
    assert {form: call("-v", "-o", form, cwd=folder) for form in FORMATS} == before
    assert len(called) == len(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
def test_for_a_copied_folder(folder: Path, tmp_path: Path, form: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "deeper", symlinks=True)
    assert call("-o", form, cwd=copy) == call("-o", form, cwd=folder)


@pytest.mark.parametrize("form", FORMATS)
def test_for_a_second_run(folder: Path, form: str) -> None:
    assert call("-o", form, cwd=folder) == call("-o", form, cwd=folder)


def test_for_many_files_from_the_cache_or_by_several_processes(folder: Path, tmp_path: Path) -> None:
    """Enough files, and bytes of them, that a cache and further processes pay."""
    text = (EXAMPLE / "reviews/traffic.yaml").read_text(encoding="utf-8")
    for number in range(80):
        padding = "# padding\n" * 3_000
        write(folder, {f"more/{number}/traffic.yaml": text.replace("reviews", f"reviews{number}") + padding})
    cache = ("--cache-dir", str(tmp_path / "cache"))
    runs = [call("-o", "json", *options, cwd=folder) for options in (["--no-cache", "--jobs", "1"], ["--no-cache"], cache, cache)]
    assert (tmp_path / "cache").is_dir() and len(runs[0].findings) > 400
    for run in runs[1:]:
        assert run == runs[0]
    (folder / "more/7/traffic.yaml").write_text(text.replace("v3", "v4"), encoding="utf-8")
    assert call("-o", "json", *cache, cwd=folder) == call("-o", "json", "--no-cache", cwd=folder) != runs[0]
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert call("-o", "json", *cache, cwd=folder) == call("-o", "json", "--no-cache", cwd=folder)


def test_for_two_paths_in_either_order() -> None:
    def run(*paths: str) -> str:
        return call("-o", "json", *paths, cwd=EXAMPLE).out

    assert run("orders", "reviews", "namespaces") == run("namespaces", "reviews", "orders", "reviews")
