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


def test_for_two_paths_in_either_order() -> None:
    def run(*paths: str) -> str:
        return call("-o", "json", *paths, cwd=EXAMPLE).out

    assert run("orders", "reviews", "namespaces") == run("namespaces", "reviews", "orders", "reviews")
