"""--new-since: only what a change brings in, wherever it shows; the repository stays as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door import call, lint
from tests.manifests import ERROR, MESH, NOTE, ROUTE, RULE, SERVICE, write

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
DATES = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
GOOD = ROUTE.replace("subset: v9", "subset: v1")


def git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, **WHO, **DATES, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Three commits: a mesh with one mistake in other/, a harmless change, and one that takes the subset away."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    write(folder, {"service.yaml": SERVICE, "rule.yaml": RULE, "route.yaml": GOOD})
    write(folder, {f"other/{name}": text.replace("reviews", "ratings") for name, text in MESH.items()})
    commit(folder, "first")
    write(folder, {"route.yaml": f"# checked\n{GOOD}", "new.yaml": SERVICE.replace("reviews", "new")})
    commit(folder, "second")
    write(folder, {"rule.yaml": RULE.replace("name: v1", "name: v2")})
    commit(folder, "third")
    return folder


def state(folder: Path) -> dict[str, str]:
    """Work tree, index, refs and objects of a repository."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns} {path.stat().st_mode}" for path in files}


@pytest.fixture
def untouched(shop: Path) -> Iterator[Path]:
    """The repository, which must stay as it is: looked at before git itself is asked for its status."""
    before = state(shop)
    yield shop
    assert state(shop) == before
    assert git(shop, "stash", "list") == "" and git(shop, "worktree", "list").count("\n") == 0


def new(folder: Path, ref: str, *arguments: str) -> set[tuple[str, str]]:
    return {(finding["name"], finding["file"]) for finding in lint(folder, "--new-since", ref, *arguments).findings}


def test_only_what_the_change_broke_is_told_also_in_a_file_that_did_not_change(untouched: Path) -> None:
    broken = {(ERROR, "route.yaml"), (NOTE, "rule.yaml")}
    assert new(untouched, "HEAD~1") == broken
    assert new(untouched, "HEAD~2") == broken
    assert new(untouched, "main") == set()
    assert len(lint(untouched).findings) > 4


def test_counts_summary_and_exit_code(untouched: Path) -> None:
    run = lint(untouched, "--new-since", "HEAD~1")
    assert run.code == 1 and run.report["summary"]["baselined"] == len(lint(untouched).findings) - 2
    said = call("--new-since", "HEAD", cwd=untouched)
    assert said.code == 0 and " known at HEAD." in said.out


def test_what_is_not_committed_is_new_as_well(shop: Path) -> None:
    write(shop, {"route.yaml": GOOD.replace("subset: v1", "subset: v7"), "later.yaml": ROUTE.replace("name: reviews", "name: later")})
    assert {file for name, file in new(shop, "HEAD") if name == ERROR} == {"route.yaml", "later.yaml"}


def test_moved_lines_and_files_are_not_new(shop: Path) -> None:
    write(shop, {"other/route.yaml": "# moved\n\n" + ROUTE.replace("reviews", "ratings")})
    (shop / "other/rule.yaml").rename(shop / "other/renamed.yaml")
    assert new(shop, "HEAD") == set()


def test_of_two_alike_the_one_that_was_added_is_told(shop: Path) -> None:
    write(shop, {f"another/{name}": text.replace("reviews", "ratings") for name, text in MESH.items()})
    assert {file for _, file in new(shop, "HEAD")} == {f"another/{name}" for name in ("route.yaml", "rule.yaml")}


def test_a_part_of_the_repository_and_a_single_file(untouched: Path) -> None:
    assert new(untouched / "other", "HEAD~2") == set()
    assert [f["file"] for f in call("route.yaml", "-o", "json", "--new-since", "HEAD~2", cwd=untouched).findings] == ["route.yaml"]


def test_since_the_branch_left_main(shop: Path) -> None:
    git(shop, "checkout", "-q", "-b", "work", "HEAD~1")
    write(shop, {"work.yaml": ROUTE.replace("name: reviews", "name: work")})
    commit(shop, "work")
    assert (ERROR, "work.yaml") in new(shop, "main...")
    git(shop, "checkout", "-q", "main")
    write(shop, {"rule.yaml": RULE})
    commit(shop, "repaired")
    git(shop, "checkout", "-q", "work")
    assert {file for _, file in new(shop, "main...")} == {"work.yaml"}


def test_taking_a_suppression_away_brings_its_finding_back(shop: Path) -> None:
    suppressed = f"# meshlint: ignore-file[{ERROR}] x\n"
    write(shop, {"route.yaml": suppressed + GOOD})
    commit(shop, "suppressed")
    assert new(shop, "HEAD") == set()
    write(shop, {"route.yaml": GOOD})
    assert new(shop, "HEAD") == {(ERROR, "route.yaml")}


def test_the_configuration_of_now_judges_both(shop: Path) -> None:
    write(shop, {"meshlint.toml": f'select = ["{ERROR}"]\nexclude = ["/other/"]\n[[per-path]]\npaths = ["rule.yaml"]\nignore = ["all"]\n'})
    assert new(shop, "HEAD~1") == {(ERROR, "route.yaml")}
    assert new(shop, "HEAD") == set()
    assert new(shop, "HEAD~1", "--exclude", "/route.yaml") == set()


def test_together_with_a_baseline(shop: Path) -> None:
    call("--write-baseline", "known.json", "--select", NOTE, cwd=shop)
    assert new(shop, "HEAD~1", "--baseline", "known.json") == {(ERROR, "route.yaml")}
    assert "known by the baseline or at HEAD~1." in call("--baseline", "known.json", "--new-since", "HEAD~1", cwd=shop).out


def test_an_environment_that_is_new(shop: Path) -> None:
    write(shop, {"overlay/kustomization.yaml": "resources: [../service.yaml, ../rule.yaml, ../route.yaml]\n"})
    assert new(shop, "HEAD", "--environment", "overlay") >= {(ERROR, "route.yaml")}


@pytest.mark.parametrize("ref", ["nowhere", "HEAD~9", "--help", "-x", "HEAD:route.yaml", "nowhere...", ":/third^{tree}"])
def test_a_ref_that_is_none_is_2(untouched: Path, ref: str) -> None:
    run = call(f"--new-since={ref}", cwd=untouched)
    assert (run.code, run.out) == (2, "")
    assert f"--new-since {ref}: that names no commit" in run.err


def test_where_there_is_no_git_it_is_2(tmp_path: Path) -> None:
    run = call("--new-since", "HEAD", cwd=write(tmp_path, MESH))
    assert (run.code, run.out) == (2, "")
    assert "not a git repository" in run.err


def test_temporary_files_never_go_into_the_repository(untouched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(untouched))
    run = call("--new-since", "HEAD", cwd=untouched)
    assert run.code == 2 and "lies inside of the repository" in run.err


def test_nothing_that_the_repository_configures_is_run(shop: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    script = tmp_path / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    write(shop, {".gitattributes": "*.yaml filter=evil diff=evil text eol=crlf export-subst\n"})
    evil = ("filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "diff.evil.textconv")
    for key in (*evil, "core.fsmonitor", "core.sshCommand", "core.pager"):
        git(shop, "config", key, str(script))
    hooks = shop / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(script, hooks / name)
    write(shop, {"route.yaml": GOOD.replace("subset: v1", "subset: v7")})
    assert (ERROR, "route.yaml") in new(shop, "HEAD~1")
    assert not trap.exists()


def test_links_and_names_of_a_tree_lead_nowhere(shop: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"rule.yaml": RULE.replace("name: v1", "name: v9")})
    (shop / "link").symlink_to(outside)
    (shop / "up.yaml").symlink_to("../outside/rule.yaml")
    (shop / "inner").symlink_to("other")
    commit(shop, "links")
    before = state(outside)
    assert new(shop, "HEAD") == set()
    assert state(outside) == before


def crafted(folder: Path, kind: str, content: bytes) -> str:
    """An object that git itself would not make."""
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return subprocess.run(command, cwd=folder, input=content, check=True, capture_output=True).stdout.decode().strip()


def test_a_crafted_tree_writes_nothing_outside(shop: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    blob = bytes.fromhex(crafted(shop, "blob", b"a: 1\n"))
    link = bytes.fromhex(crafted(shop, "blob", str(outside).encode()))
    inner = bytes.fromhex(crafted(shop, "tree", b"100644 written.yaml\0" + blob))
    names = b"100644 ../meshlint-outside.yaml\0" + blob + b"100644 .git/x.yaml\0" + blob
    tree = crafted(shop, "tree", names + b"120000 a\0" + link + b"40000 a\0" + inner)
    assert lint(shop, "--new-since", git(shop, "commit-tree", "-m", "crafted", tree)).code == 1
    assert list(outside.iterdir()) == []
    assert not (Path(tempfile.gettempdir()) / "meshlint-outside.yaml").exists()


def test_a_submodule_is_taken_as_it_was(shop: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    write(library, {name: text.replace("reviews", "books") for name, text in MESH.items()})
    commit(library, "library")
    git(shop, "submodule", "--quiet", "add", str(library), "library")
    commit(shop, "with a library")
    assert (ERROR, "library/route.yaml") in {(f["name"], f["file"]) for f in lint(shop).findings}
    assert new(shop, "HEAD") == set()
    assert (ERROR, "library/route.yaml") in new(shop, "HEAD~1")


def test_a_large_file_and_odd_names(shop: Path) -> None:
    write(shop, {"sp ace/ü.yaml": ROUTE.replace("reviews", "odd"), "sp ace/s.yaml": SERVICE.replace("reviews", "odd")})
    (shop / "large.yaml").write_bytes(b"# x\n" * (9 * 1024 * 1024))
    commit(shop, "odd")
    (shop / "sp ace/ü.yaml").write_text("# moved\n" + ROUTE.replace("reviews", "odd"))
    assert new(shop, "HEAD") == set()
