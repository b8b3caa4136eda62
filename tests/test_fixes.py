"""Fixes over every fixture: what --fix leaves is what `fixed/` says, once is enough, and --diff says the same.

`fixed/` (and `fixed-safe/`, without --unsafe-fixes) of a case holds the files that are changed or made; `.deleted` in it names
those that go. Files that it does not hold stay as they are. --write writes the folders.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.door import Run, call
from tests.rules_harness import Case, cases

CASES = cases()
_GONE = ".deleted"


def fix(folder: Path, *arguments: str) -> Run:
    return call("check", ".", "-q", "-o", "concise", *arguments, cwd=folder)


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def fixed(before: dict[str, bytes], folder: Path) -> dict[str, bytes]:
    """The files of a repository with those of a folder in their places."""
    after = tree(folder) if folder.is_dir() else {}
    gone = after.pop(_GONE, b"").decode().split()
    return {path: content for path, content in {**before, **after}.items() if path not in gone}


def write_folder(before: dict[str, bytes], after: dict[str, bytes], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    changed = {path: content for path, content in after.items() if before.get(path) != content}
    gone = sorted(before.keys() - after.keys())
    if gone:
        changed[_GONE] = "".join(f"{path}\n" for path in gone).encode()
    for path, content in changed.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_is_fixed(case: Case, tmp_path: Path, write: bool) -> None:
    folder = case.copy(tmp_path)
    before = tree(folder)
    diff = fix(folder, "--diff", "--unsafe-fixes", *case.arguments)
    assert tree(folder) == before, "--diff wrote something"
    assert bool(diff.out) == bool(diff.code), diff.err
    if not diff.out and not write:
        assert not (case.folder / "fixed").exists(), f"nothing is fixed; stderr: {diff.err}"
        return
    run = fix(folder, "--unsafe-fixes", *case.arguments)
    assert run.code in (0, 1), run.err
    after = tree(folder)
    if write:
        write_folder(before, after, case.folder / "fixed")
    assert after == fixed(before, case.folder / "fixed"), f"not what fixed/ holds; stderr: {run.err}"
    assert bool(diff.out) == (after != before), diff.err
    if diff.out:
        assert patched(case.copy(tmp_path / "again"), diff.out) == after
        assert fix(folder, "--diff", "--unsafe-fixes", *case.arguments).out == "", "fixing twice changes more"


@pytest.mark.parametrize("case", [case for case in CASES if (case.folder / "fixed").is_dir()], ids=lambda case: case.id)
def test_safe_fixes_alone(case: Case, tmp_path: Path, write: bool) -> None:
    """Without --unsafe-fixes nothing else happens than with it: what is left is what fixed-safe/ says, or is one of both ends."""
    folder = case.copy(tmp_path)
    before = tree(folder)
    run = fix(folder, "--fix", *case.arguments)
    assert run.code in (0, 1), run.err
    after, whole = tree(folder), fixed(before, case.folder / "fixed")
    expected = case.folder / "fixed-safe"
    if write and after not in (before, whole):
        write_folder(before, after, expected)
    if expected.is_dir():
        assert after == fixed(before, expected)
    else:
        assert after in (before, whole), "neither nothing nor everything is safe: write fixed-safe/"


def patched(folder: Path, diff: str) -> dict[str, bytes]:
    """The repository with the diff applied by git, which must find nothing wrong with it."""
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff.encode(), check=True)
    return tree(folder)
