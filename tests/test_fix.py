"""--fix, --unsafe-fixes and --diff as users see them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.door import Run, call, lint
from tests.fixing_rules import config_map, rules
from tests.manifests import write


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def run(repo: Path, *arguments: str) -> Run:
    return call("check", ".", "-o", "concise", *arguments, *rules(repo.parent), cwd=repo)


def tree(repo: Path) -> dict[str, str]:
    files = (path for path in sorted(repo.rglob("*")) if path.is_file() and ".git" not in path.parts)
    return {path.relative_to(repo).as_posix(): path.read_bytes().decode() for path in files}


def test_safe_fixes_are_made_and_what_is_left_is_told(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="unsafe"), "c.yaml": config_map("c")})
    before = tree(repo)
    done = run(repo, "--fix")
    assert done.code == 1
    assert "b.yaml:" in done.out and "a.yaml" not in done.out
    assert "meshlint: Fixed 1 finding in 1 file\n" in done.err
    assert tree(repo) == {**before, "a.yaml": config_map("a")}


@pytest.mark.parametrize("options", [["--unsafe-fixes"], ["--fix", "--unsafe-fixes"]])
def test_unsafe_fixes_mean_all(repo: Path, options: list[str]) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="unsafe")})
    done = run(repo, *options)
    assert (done.code, done.out) == (0, "")
    assert tree(repo) == {"a.yaml": config_map("a"), "b.yaml": config_map("b")}
    assert "Fixed 2 findings in 2 files" in done.err


def test_the_diff_writes_nothing_and_git_applies_it(repo: Path) -> None:
    write(repo, {"x/a b.yaml": config_map("a", wrong="good").rstrip("\n"), "x/cm.yaml": config_map("b", wrong="new").replace("\n", "\r\n")})
    write(repo, {"x/kustomization.yaml": "resources:\n- cm.yaml\n", "gone.yaml": config_map("g", wrong="gone")})
    before = tree(repo)
    shown = run(repo, "--diff")
    assert shown.code == 1
    assert tree(repo) == before
    assert "\\ No newline at end of file" in shown.out and "new file mode 100644" in shown.out and "deleted file mode" in shown.out
    assert "Would fix 3 findings in 4 files and 1 new file" in shown.err
    done = subprocess.run(["git", "apply", "--check", "-"], cwd=repo / "x", input=shown.out.encode(), capture_output=True)
    assert done.returncode == 0, done.stderr


def test_fix_and_diff_come_to_the_same(repo: Path, tmp_path: Path) -> None:
    files = {
        "x/a b.yaml": config_map("a", wrong="good").rstrip("\n"), "x/cm.yaml": config_map("b", wrong="new").replace("\n", "\r\n"),
        "x/kustomization.yaml": "resources:\n- cm.yaml\n", "gone.yaml": config_map("g", wrong="gone"),
        "bom.yaml": "\ufeff" + config_map("e", wrong="good"), "\u00fc\".yaml": config_map("u", wrong="good"),
    }  # fmt: skip
    write(repo, files)
    shown = run(repo, "--diff")
    other = tmp_path / "other"
    write(other, files)
    subprocess.run(["git", "apply", "-"], cwd=other, input=shown.out.encode(), check=True)
    run(repo, "--fix")
    assert tree(other) == tree(repo)
    assert tree(repo)["x/kustomization.yaml"] == "resources:\n- cm.yaml\n- made-secret.yaml\n"
    assert tree(repo)["x/made-secret.yaml"] == "apiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: made\r\n"
    assert "gone.yaml" not in tree(repo)


def test_nothing_to_fix(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a")})
    shown = run(repo, "--diff")
    assert (shown.code, shown.out, shown.err) == (0, "", "meshlint: nothing to fix\n")
    assert run(repo, "--fix").code == 0


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("leave", "FIX101 (Leave it): its finding would still be there"),
        ("error", "it would bring a new error, FIX102 fix-error at a.yaml:8: That is an error."),
        ("hole", "it would bring a hole, FIX103 fix-hole at a.yaml:8: That is a hole."),
    ],
)
def test_a_fix_that_makes_it_worse_is_refused(repo: Path, how: str, said: str) -> None:
    write(repo, {"a.yaml": config_map("a", wrong=how), "b.yaml": config_map("b", wrong="good"), "z.yaml": config_map("z", wrong="good")})
    done = run(repo, "--fix")
    assert done.code == 1
    assert f"meshlint: not fixed: a.yaml:8 {said}" in done.err or said in done.err
    assert tree(repo) == {"a.yaml": config_map("a", wrong=how), "b.yaml": config_map("b"), "z.yaml": config_map("z")}
    assert "Fixed 2 findings in 2 files" in done.err


def test_rules_that_were_not_selected_object_too(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="error")})
    done = call("check", "--fix", *rules(repo.parent, "FIX101"), cwd=repo)
    assert "it would bring a new error" in done.err
    assert tree(repo) == {"a.yaml": config_map("a", wrong="error")}


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One for each time that the project is linted again."""
    from meshlint import engine, repair

    found: list[int] = []

    def reload(*given: Any) -> engine.Loaded:
        found.append(1)
        return engine.reload(*given)

    monkeypatch.setattr(repair, "reload", reload)
    return found


def test_few_runs_find_the_bad_ones_among_copies(repo: Path, runs: list[int]) -> None:
    """What is new stands in the object that the fix changes: its copies in other files are not suspected."""
    write(repo, {f"{n}/a.yaml": config_map("same", wrong="error" if n % 2 else "good") for n in range(24)})
    done = run(repo, "--fix", "-q")
    assert done.err.count("not fixed") == 12
    assert sum("wrong" in text for text in tree(repo).values()) == 12
    assert len(runs) < 10


def test_few_runs_find_the_bad_ones_among_many(repo: Path, runs: list[int]) -> None:
    files = {f"f{n}.yaml": config_map(f"f{n}", wrong="leave" if n % 40 == 7 else "hole" if n == 50 else "good") for n in range(120)}
    write(repo, files)
    done = run(repo, "--fix", "-q")
    assert done.err.count("not fixed") == 4
    assert sum("wrong" in text for text in tree(repo).values()) == 4
    assert len(runs) < 20


def test_a_fix_that_fails_costs_itself(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="raise"), "b.yaml": config_map("b", wrong="good")})
    done = lint(repo, *rules(repo.parent))
    assert done.code == 2
    said = {finding["name"]: finding for finding in done.findings}
    assert said["rule-failed"]["message"] == "Rule FIX101 fix-wrong raised ValueError on its fix: no fix today"
    assert [finding["fix"] is None for finding in done.findings if finding["name"] == "fix-wrong"] == [True, False]
    run(repo, "--fix")
    assert tree(repo)["b.yaml"] == config_map("b")


def test_overlapping_fixes_come_one_after_the_other(repo: Path) -> None:
    """Two findings want another value for one label: the first gets it. Two want the same: it is written once."""
    write(repo, {
        "a.yaml": config_map("a", share="target", **{"as": "one"}), "b.yaml": config_map("b", share="target", **{"as": "two"}),
        "c.yaml": config_map("c", share="other"), "d.yaml": config_map("d", share="other"),
        "target.yaml": config_map("target"), "other.yaml": config_map("other"),
    })  # fmt: skip
    done = run(repo, "--fix")
    assert done.code == 0, done.out + done.err
    after = tree(repo)
    assert "  namespace: shop\n  labels:\n    shared: one\ndata:\n" in after["target.yaml"]
    assert after["other.yaml"].count("shared: ") == 1


def test_new_objects_of_one_folder_get_names_of_their_own(repo: Path) -> None:
    write(repo, {
        "k/a-configmap.yaml": config_map("a", wrong="newer"), "k/b-configmap.yaml": config_map("b", wrong="newer"),
        "k/c-configmap.yaml": config_map("c", wrong="newer"), "k/c-secret.yaml": "x: 1\n",
        "k/kustomization.yaml": "resources: [a-configmap.yaml, ./b-configmap.yaml]\n",
    })  # fmt: skip
    run(repo, "--fix")
    after = tree(repo)
    assert {"k/a-secret.yaml", "k/b-secret.yaml", "k/c-secret-2.yaml"} <= after.keys()
    assert after["k/kustomization.yaml"] == "resources: [a-configmap.yaml, ./b-configmap.yaml, a-secret.yaml, b-secret.yaml]\n"
    assert after["k/c-secret.yaml"] == "x: 1\n"


def test_where_a_file_holds_several_objects_a_new_one_joins_them(repo: Path) -> None:
    write(repo, {"all.yaml": f"{config_map('a', wrong='new')}---\n{config_map('b')}"})
    run(repo, "--fix")
    secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: made\n"
    assert tree(repo) == {"all.yaml": f"{config_map('a')}---\n{secret}---\n{config_map('b')}"}


def test_only_reported_findings_are_fixed(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="good # meshlint: ignore[FIX101] so")})
    write(repo, {"sub/c.yaml": config_map("c", wrong="good")})
    before = tree(repo)
    call("check", "a.yaml", "--fix", *rules(repo.parent), cwd=repo)
    assert tree(repo) == {**before, "a.yaml": config_map("a")}
    run(repo, "--write-baseline", "known.json")
    run(repo, "--fix", "--baseline", "known.json")
    assert tree(repo)["sub/c.yaml"] == before["sub/c.yaml"]
    run(repo, "--fix", "--ignore", "FIX101")
    run(repo, "--fix")
    assert tree(repo)["b.yaml"] == before["b.yaml"] and tree(repo)["sub/c.yaml"] == config_map("c")


def test_only_what_is_new_since_a_commit_is_fixed(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good")})
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(repo)]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    write(repo, {"b.yaml": config_map("b", wrong="good")})
    run(repo, "--fix", "--new-since", "HEAD")
    assert tree(repo) == {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b")}


def test_stdin_comes_out_fixed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\ufeff" + config_map("a", wrong="good") + "---\n" + config_map("b", wrong="unsafe")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
    done = call("check", "-", "--stdin-filename", "a.yaml", "--fix", "-o", "concise", *rules(repo.parent), cwd=repo)
    assert done.out == "\ufeff" + config_map("a") + "---\n" + config_map("b", wrong="unsafe")
    assert "FIX101" in done.err and done.code == 1
    assert tree(repo) == {}


def test_stdin_is_never_fixed_by_half(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repo, {"target.yaml": config_map("target")})
    text = config_map("a", share="target")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
    done = call("check", "-", "--stdin-filename", "a.yaml", "--fix", "-o", "concise", *rules(repo.parent), cwd=repo)
    assert done.out == text
    assert tree(repo) == {"target.yaml": config_map("target")}


def test_links_and_permissions_stay(repo: Path) -> None:
    write(repo, {"real/a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="good")})
    os.chmod(repo / "b.yaml", 0o640)
    (repo / "link.yaml").symlink_to("real/a.yaml")
    call("check", "link.yaml", "b.yaml", "--context", "none", "--fix", *rules(repo.parent), cwd=repo)
    assert (repo / "link.yaml").is_symlink()
    assert (repo / "real/a.yaml").read_text() == config_map("a")
    assert (repo / "b.yaml").stat().st_mode & 0o777 == 0o640


def test_a_file_under_two_names_is_fixed_once(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good")})
    (repo / "b.yaml").symlink_to("a.yaml")
    run(repo, "--fix")
    assert (repo / "a.yaml").read_text() == config_map("a")
    assert (repo / "b.yaml").is_symlink()


def test_what_somebody_else_changes_meanwhile_is_left_alone(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meshlint import fixing
    from meshlint.fix.write import Change
    from meshlint.fix.write import write as real

    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="good")})

    def late(root: str, changes: Sequence[Change]) -> None:
        (repo / "b.yaml").write_text("mine: 1\n")
        real(root, changes)

    monkeypatch.setattr(fixing, "write", late)
    done = run(repo, "--fix")
    assert done.code == 2
    assert done.err == "meshlint: nothing was fixed: b.yaml cannot be written: it has changed since it was read\n"
    assert tree(repo) == {"a.yaml": config_map("a", wrong="good"), "b.yaml": "mine: 1\n"}


def test_what_cannot_be_written_is_said(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meshlint import repair

    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="good")})
    monkeypatch.setattr(repair, "writable", lambda path: not path.endswith("b.yaml"))
    done = run(repo, "--fix")
    assert done.code == 1
    assert "not fixed: b.yaml:8 FIX101 (Mend good): b.yaml cannot be written" in done.err
    assert tree(repo) == {"a.yaml": config_map("a"), "b.yaml": config_map("b", wrong="good")}


def test_a_disk_that_fails_leaves_everything_as_it_was(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="new")})
    before = tree(repo)
    real = os.replace

    def failing(source: str, target: str) -> None:
        if target.endswith("secret.yaml"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    done = run(repo, "--fix")
    assert done.code == 2 and "no space left" in done.err
    assert tree(repo) == before


def test_other_encodings(repo: Path) -> None:
    (repo / "a.yaml").write_bytes(b"\xff\xfe" + config_map("a", wrong="good").encode("utf-16-le"))
    shown = run(repo, "--diff")
    assert shown.code == 2 and "a.yaml cannot be shown as a diff: it is not UTF-8" in shown.err
    run(repo, "--fix")
    assert (repo / "a.yaml").read_bytes() == b"\xff\xfe" + config_map("a").encode("utf-16-le")


@pytest.mark.parametrize("other", [["--add-ignores", "why"], ["--write-baseline", "x.json"], ["--watch"]])
@pytest.mark.parametrize("one", ["--fix", "--diff", "--unsafe-fixes"])
def test_what_does_not_go_together(repo: Path, one: str, other: list[str]) -> None:
    done = run(repo, one, *other)
    assert done.code == 2 and "cannot go with" in done.err


def test_formats_that_show_no_fixes_make_none(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="raise")})
    for form, code in (("github", 1), ("gitlab", 1), ("junit", 2), ("markdown", 2), ("json", 2), ("sarif", 2), ("text", 2)):
        assert call("check", "-o", form, *rules(repo.parent), cwd=repo).code == code, form


def test_text_and_json_tell_of_fixes(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good"), "b.yaml": config_map("b", wrong="unsafe")})
    text = call("check", *rules(repo.parent), cwd=repo).out
    assert "fix: Mend good\n" in text and "fix: Mend unsafe (look at it before you apply it)" in text
    report = lint(repo, *rules(repo.parent)).report
    assert report["summary"]["fixable"] == 2
    assert report["findings"][0]["fix"] == {
        "title": "Mend good", "safe": True, "new_files": [],
        "edits": [{"file": "a.yaml", "line": 8, "column": 1, "end_line": 9, "end_column": 1, "text": ""}],
    }  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away")
def test_the_owner_stays(repo: Path) -> None:
    write(repo, {"a.yaml": config_map("a", wrong="good")})
    os.chown(repo / "a.yaml", 12345, 23456)
    run(repo, "--fix")
    there = (repo / "a.yaml").stat()
    assert (there.st_uid, there.st_gid) == (12345, 23456)
    assert (repo / "a.yaml").read_text() == config_map("a")


@pytest.mark.parametrize(
    ("overlay", "stays"),
    [
        ("patches:\n- path: patch.yaml\n", True),
        ("patchesStrategicMerge: [patch.yaml]\n", True),
        ("patches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: b}\n", True),
        ("patches:\n- {path: other.yaml, target: {kind: ConfigMap, name: b}}\n", True),
        ("patches:\n- {path: other.yaml, target: {kind: ConfigMap, name: a}}\n", False),
        ("", False),
    ],
)
def test_what_a_patch_names_is_not_deleted(repo: Path, overlay: str, stays: bool) -> None:
    write(repo, {
        "base/a.yaml": config_map("a"), "base/b.yaml": config_map("b", wrong="gone"),
        "base/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "over/kustomization.yaml": f"resources: [../base]\n{overlay}",
        "over/patch.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop, labels: {a: b}}\n",
        "over/other.yaml": "- {op: add, path: /metadata/labels, value: {a: b}}\n",
    })  # fmt: skip
    run(repo, "--fix")
    assert ("base/b.yaml" in tree(repo)) == stays
    assert tree(repo)["base/kustomization.yaml"] == f"resources: [a.yaml{', b.yaml' if stays else ''}]\n"


def test_the_only_resource_of_a_kustomization_is_not_deleted(repo: Path) -> None:
    write(repo, {"b.yaml": config_map("b", wrong="gone"), "kustomization.yaml": "resources: [b.yaml]\n"})
    before = tree(repo)
    run(repo, "--fix")
    assert tree(repo) == before


def test_a_base_is_fixed_where_it_is_written_and_an_overlay_where_it_patches(repo: Path) -> None:
    patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\ndata: {wrong: good} # by the overlay\n"
    write(repo, {
        "base/a.yaml": config_map("a", wrong="good"), "base/b.yaml": config_map("b"),
        "base/kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\npatches:\n- path: patch.yaml\n", "prod/patch.yaml": patch,
    })  # fmt: skip
    before = tree(repo)
    run(repo, "--fix")
    after = tree(repo)
    assert after["base/a.yaml"] == config_map("a")
    assert {path for path in after if after[path] != before[path]} <= {"base/a.yaml", "prod/patch.yaml"}
