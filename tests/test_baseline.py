"""The baseline: what was known stays known when it moves, a second copy of it is new."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.door import Run, call, lint
from tests.manifests import ERROR, MESH, NOTE, ROUTE, RULE, SERVICE, WARNING, write

DESTINATION = "    - destination: {host: reviews.shop.svc.cluster.local, subset: v9}\n"


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    """The small mesh, with a baseline of what is wrong with it."""
    write(tmp_path, MESH)
    run = call("--write-baseline", "known.json", cwd=tmp_path)
    assert (run.code, run.err) == (0, "meshlint: wrote 3 findings to known.json\n")
    return tmp_path


def new(folder: Path, *arguments: str) -> list[tuple[str, str, int]]:
    run = lint(folder, "--baseline", "known.json", *arguments)
    return [(finding["name"], finding["file"], finding["line"]) for finding in run.findings]


def baselined(run: Run) -> int:
    return int(run.report["summary"]["baselined"])


def test_what_is_known_is_counted_and_not_told(mesh: Path) -> None:
    run = lint(mesh, "--baseline", "known.json")
    assert (run.code, run.findings, baselined(run)) == (0, [], 3)
    assert "No problems found. 3 known by the baseline." in call("--baseline", "known.json", cwd=mesh).out
    assert lint(mesh).code == 1


def test_the_file_says_what_it_holds_and_no_lines(mesh: Path) -> None:
    data = json.loads((mesh / "known.json").read_text())
    assert (data["version"], data["tool"]) == (1, "meshlint")
    entry = next(entry for entry in data["findings"] if entry["name"] == ERROR)
    assert entry.pop("fingerprint") and entry == {
        "rule": "ML145", "name": ERROR, "file": "route.yaml", "resource": "VirtualService shop/reviews",
        "path": "spec.http.route.destination.subset", "count": 1,
    }  # fmt: skip


def test_the_same_findings_give_the_same_bytes(mesh: Path) -> None:
    before = (mesh / "known.json").read_bytes()
    (mesh / "route.yaml").write_text("# moved\n\n" + ROUTE)
    call("--write-baseline", "known.json", cwd=mesh)
    assert (mesh / "known.json").read_bytes() == before
    call("--write-baseline", "../known.json", "..", cwd=write(mesh, {"below/x.yaml": SERVICE.replace("reviews", "x")}) / "below")
    assert (mesh / "known.json").read_bytes() == before


def test_moved_lines_stay_known(mesh: Path) -> None:
    above = "# a comment\n\n---\n" + SERVICE.replace("reviews", "other") + "---\n"
    (mesh / "route.yaml").write_text(above + ROUTE.replace("spec:", "\nspec:\n"))
    assert new(mesh) == []


def test_inserted_list_items_move_nothing(mesh: Path) -> None:
    first = "  - match: [{uri: {prefix: /new}}]\n    route:\n    - destination: {host: reviews.shop.svc.cluster.local}\n"
    (mesh / "route.yaml").write_text(ROUTE.replace("  http:\n", f"  http:\n{first}"))
    assert new(mesh, "--select", f"{ERROR},{NOTE}") == []


def test_a_file_that_is_renamed_stays_known(mesh: Path) -> None:
    (mesh / "deep").mkdir()
    (mesh / "route.yaml").rename(mesh / "deep/routes.yaml")
    assert new(mesh) == []


def test_other_line_ends_stay_known(mesh: Path) -> None:
    for name, text in MESH.items():
        (mesh / name).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert new(mesh) == []


def test_the_second_copy_of_a_mistake_is_new(mesh: Path) -> None:
    (mesh / "route.yaml").write_text(ROUTE.replace(DESTINATION, DESTINATION.replace("}\n", "}\n      weight: 50\n") * 2))
    assert new(mesh, "--select", ERROR) == [(ERROR, "route.yaml", 10)]
    assert baselined(lint(mesh, "--baseline", "known.json", "--select", ERROR)) == 1


def test_the_copy_in_another_file_is_the_new_one(mesh: Path) -> None:
    write(mesh, {"a/service.yaml": SERVICE, "a/rule.yaml": RULE, "a/route.yaml": ROUTE})
    assert {file for name, file, _ in new(mesh, "--select", ERROR)} == {"a/route.yaml"}


def test_another_mistake_is_new(mesh: Path) -> None:
    (mesh / "route.yaml").write_text(ROUTE.replace("subset: v9", "subset: v8"))
    assert [name for name, _, _ in new(mesh)] == [ERROR]


def test_stale_entries_are_told_with_v(mesh: Path) -> None:
    (mesh / "rule.yaml").unlink()
    (mesh / "route.yaml").unlink()
    assert new(mesh) == []
    assert "3 findings of the baseline are gone" in call("--baseline", "known.json", "-v", cwd=mesh).out
    assert "of the baseline" not in call("--baseline", "known.json", cwd=mesh).out
    assert "gone" not in call("--baseline", "known.json", "-v", "--select", "vs-retries", cwd=mesh).out


def test_one_file_of_the_project_knows_it_too(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("")
    assert new(mesh) == []
    assert call("route.yaml", "--baseline", "known.json", "-q", cwd=mesh).out == ""


def test_suppressed_findings_are_not_in_it(mesh: Path) -> None:
    (mesh / "route.yaml").write_text(f"# meshlint: ignore-file[{ERROR}] x\n{ROUTE}")
    call("--write-baseline", "known.json", cwd=mesh)
    assert {entry["name"] for entry in json.loads((mesh / "known.json").read_text())["findings"]} == {WARNING, NOTE}
    (mesh / "route.yaml").write_text(ROUTE)
    assert [name for name, _, _ in new(mesh)] == [ERROR]


def test_writing_again_takes_all(mesh: Path) -> None:
    (mesh / "route.yaml").write_text(ROUTE.replace("subset: v9", "subset: v8"))
    call("--baseline", "known.json", "--write-baseline", "known.json", cwd=mesh)
    assert new(mesh) == []
    assert "v9" not in (mesh / "known.json").read_text()


def test_the_configuration_can_name_it(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text('baseline = "known.json"\n')
    (mesh / "below").mkdir()
    assert lint(mesh).findings == []
    assert call("-q", "..", cwd=mesh / "below").code == 0
    (mesh / "meshlint.toml").write_text('baseline = "../known.json"\n')
    assert lint(mesh).code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("", "not JSON"),
        ("[]", "not a baseline"),
        ('{"version": 1, "findings": []}', "not a baseline"),
        ('{"version": 2, "tool": "meshlint", "findings": []}', "of version 2"),
        ('{"version": 1, "tool": "meshlint", "findings": [{}]}', "entry 1 needs"),
        ('{"version": 1, "tool": "meshlint", "findings": [{"rule": "a", "file": "b", "fingerprint": "c", "count": 0}]}', "of entry 1 is"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_baseline_that_cannot_be_read_is_2(mesh: Path, text: str | None, said: str) -> None:
    (mesh / "known.json").unlink()
    if text is not None:
        (mesh / "known.json").write_text(text)
    run = lint(mesh, "--baseline", "known.json", "--exclude", "known.json")
    assert (run.code, run.out) == (2, "")
    assert said in run.err


def test_what_cannot_be_written_or_is_not_named_is_2(mesh: Path) -> None:
    assert "--write-baseline no/where.json" in call("--write-baseline", "no/where.json", cwd=mesh).err
    for option in ("--baseline", "--write-baseline", "--new-since"):
        run = call(option, "", cwd=mesh)
        assert run.code == 2 and "names nothing" in run.err


def test_nothing_is_written_when_a_rule_failed(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meshlint.check.registry import bundled

    def broken(*_: object) -> list[object]:
        raise ValueError("boom")

    monkeypatch.setattr(bundled().named(ERROR), "check", broken)
    before = (mesh / "known.json").read_bytes()
    run = call("--write-baseline", "known.json", cwd=mesh)
    assert run.code == 2 and "was not written, because a rule failed" in run.err
    assert (mesh / "known.json").read_bytes() == before


def repositories() -> list[str]:
    corpus = os.environ.get("MESHLINT_CORPUS")
    return sorted(entry.name for entry in os.scandir(corpus) if entry.is_dir()) if corpus else []


@pytest.mark.corpus
@pytest.mark.parametrize("name", repositories())
def test_a_baseline_of_a_real_repository_knows_all_of_it(name: str, tmp_path: Path) -> None:
    folder = shutil.copytree(Path(os.environ["MESHLINT_CORPUS"]) / name, tmp_path / "repository", symlinks=True)
    found: dict[str, Any] = lint(folder).report["summary"]
    written = call("--write-baseline", str(tmp_path / "known.json"), "-q", cwd=folder)
    assert written.code == 0, written.err
    run = lint(folder, "--baseline", str(tmp_path / "known.json"))
    assert run.findings == []
    assert baselined(run) == found["error"] + found["warning"] + found["note"]
