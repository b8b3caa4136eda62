"""Fixes over every fixture: what --fix leaves is what `fixed/` says, once is enough, and --diff says the same.

`fixed/` (and `fixed-safe/`, without --unsafe-fixes) of a case holds the files that are changed or made; `.deleted` in it names
those that go. Files that it does not hold stay as they are. --write writes the folders.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from meshlint import fixing, repair
from meshlint.repair import Repaired
from tests.door import Run, call
from tests.rules_harness import Case, cases

CASES = cases()
FIXED = [case for case in CASES if (case.folder / "fixed").is_dir()]
OTHERS = sorted({*CASES} - {*FIXED})
RARELY = [pytest.param(case, marks=[pytest.mark.slow] if number % 6 else []) for number, case in enumerate(OTHERS)]
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


class Made:
    """What is made of a case, and whether any of it is safe: --diff and --fix ask for the same, which is made once for both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repaired: list[Repaired] = []
        self.safe = False
        self._repair, self._with_fixes = fixing.repair, repair.with_fixes
        monkeypatch.setattr(fixing, "repair", self._once)
        monkeypatch.setattr(repair, "with_fixes", self._looked_at)

    def _once(self, *asked: Any) -> Repaired:
        if not self.repaired:
            self.repaired.append(self._repair(*asked))
        return self.repaired[0]

    def _looked_at(self, *asked: Any) -> Any:
        told = self._with_fixes(*asked)
        self.safe |= any(finding.fix is not None and finding.fix.safe for finding in told.findings)
        return told


@pytest.mark.parametrize("case", [*FIXED, *RARELY], ids=lambda case: case.id)
def test_case_is_fixed(case: Case, tmp_path: Path, write: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = case.copy(tmp_path)
    before = tree(folder)
    made = Made(monkeypatch)
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
    monkeypatch.undo()
    if diff.out:
        assert patched(case.copy(tmp_path / "again"), diff.out) == after
        assert fix(folder, "--diff", "--unsafe-fixes", *case.arguments).out == "", "fixing twice changes more"
    outside_of_the_edits_nothing_changes(made.repaired[0], before, after)
    safe_alone(case, tmp_path, before, write, made.safe)


def outside_of_the_edits_nothing_changes(done: Repaired, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Byte for byte: what is on disk is what was there with the edits made, in files that have any."""
    for path in before.keys() - {change.path for change in done.changes}:
        assert after[path] == before[path]
    for change in done.changes:
        if change.old is not None and not change.deletes:
            old, at, parts = before[change.path].decode(), 0, []
            for start, end, text in done.cuts[change.path]:
                parts += [old[at:start], text]
                at = end
            assert after[change.path] == "".join((*parts, old[at:])).encode(), change.path


def safe_alone(case: Case, tmp_path: Path, before: dict[str, bytes], write: bool, some: bool) -> None:
    """Without --unsafe-fixes nothing else happens than with it: what is left is what fixed-safe/ says, or is one of both ends.
    `some`: there are safe fixes; without any nothing happens."""
    expected = case.folder / "fixed-safe"
    assert some or not expected.is_dir()
    if not some:
        return
    folder = case.copy(tmp_path / "safe")
    run = fix(folder, "--fix", *case.arguments)
    assert run.code in (0, 1), run.err
    after, whole = tree(folder), fixed(before, case.folder / "fixed")
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


def crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def marked(content: bytes) -> bytes:
    return b"\xef\xbb\xbf" + content


def headed(content: bytes) -> bytes:
    return b"# what this is\n\n" + content


def written(number: int, case: Case) -> Any:
    """The case in one of the writings; three in four are slow tests."""
    way = (crlf, marked, headed)[number % 3]
    return pytest.param(case, way, marks=[pytest.mark.slow] if number % 4 else [], id=f"{case.id}-{way.__name__}")


@pytest.mark.parametrize(("case", "way"), [written(number, case) for number, case in enumerate(FIXED)])
def test_the_way_files_are_written_stays(case: Case, way: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Line ends, byte order marks and the comment at the head are those of the file; a new one takes line ends from its neighbour."""
    folder = case.copy(tmp_path)
    before = tree(folder)
    for path, content in before.items():
        (folder / path).write_bytes(way(content))
    fix(folder, "--unsafe-fixes", *case.arguments)
    after = tree(folder)
    for path, content in fixed(before, case.folder / "fixed").items():
        new = way is not crlf and path not in before
        assert after[path] == (content if new else way(content)), path
