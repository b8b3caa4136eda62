"""Which files are found: git's answer and our own walk agree."""

import os
import subprocess
from pathlib import Path

import pytest

from meshlint.read import gitfiles
from meshlint.read.discover import discover
from meshlint.read.walk import shown


def fill(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")


def git(folder: Path, *arguments: str) -> None:
    options = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *options, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(params=["git", "walk"])
def use_git(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return request.param == "git"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init")
    return folder


def test_endings_and_order(root: Path, use_git: bool) -> None:
    fill(root, "b.YAML", "a/x.yml", "a.json", "c.txt", "Yaml", "a.yaml.bak", "d e\n.yaml", ".hidden/z.yaml", "é.yaml")
    found = discover(str(root), ["."], use_git=use_git)
    assert found[:2] == ([".hidden/z.yaml", "a.json", "a/x.yml", "b.YAML", "d e\n.yaml", "é.yaml"], [])


def test_names_that_tools_know(root: Path, use_git: bool) -> None:
    known = [".helmignore", "Kustomization", "a/Kustomization", "helmfile.d/1.yaml.gotmpl", "helmfile.yaml.gotmpl"]
    fill(root, *known, "values.yaml.gotmpl", "aKustomization", "helmfile.d/deep/2.yaml.gotmpl", "kustomization", "x.helmignore")
    assert discover(str(root), ["."], use_git=use_git).files == known


def test_what_git_ignores(root: Path, use_git: bool) -> None:
    fill(
        root,
        "keep.yaml",
        "out/a.yaml",
        "sub/a.yaml",
        "sub/keep.yaml",
        "sub/deep/x.yaml",
        "sub/deep/y.yaml",
        "private.yaml",
        "sub2/only.yaml",
    )
    (root / ".gitignore").write_text("out/\nx.yaml\n/sub/a.yaml\n\n# c\n!\n")
    (root / "sub/.gitignore").write_text("!deep/x.yaml\ny.yaml\n")
    (root / ".git/info").mkdir(exist_ok=True)
    (root / ".git/info/exclude").write_text("private.yaml\n")
    everything = ["keep.yaml", "sub/deep/x.yaml", "sub/keep.yaml", "sub2/only.yaml"]
    assert discover(str(root), ["."], use_git=use_git).files == everything
    assert discover(str(root), ["sub", "sub/deep", "sub2"], use_git=use_git).files == everything[1:]


def test_an_ignored_folder_that_is_named_is_read(root: Path, use_git: bool) -> None:
    fill(root, "out/a.yaml", "out/deep/b.yaml")
    (root / ".gitignore").write_text("out/\n")
    assert discover(str(root), ["out"], use_git=use_git).files == ["out/a.yaml", "out/deep/b.yaml"]
    assert discover(str(root), ["out/deep"], use_git=use_git).files == ["out/deep/b.yaml"]


def test_named_files_and_exclude(root: Path, use_git: bool) -> None:
    fill(root, "a.yaml", "vendor/b.yaml", "vendor/c.txt", "ignored.yaml", "x/vendor/d.yaml")
    (root / ".gitignore").write_text("ignored.yaml\n")
    named = [".", "vendor/c.txt", "vendor/b.yaml", "ignored.yaml"]
    assert discover(str(root), ["."], ["vendor/"], use_git=use_git).files == ["a.yaml"]
    assert discover(str(root), ["."], ["/vendor"], use_git=use_git).files == ["a.yaml", "x/vendor/d.yaml"]
    assert discover(str(root), named, ["vendor/"], use_git=use_git).files == ["a.yaml", "ignored.yaml", "vendor/b.yaml", "vendor/c.txt"]
    assert discover(str(root), named, ["vendor/"], force_exclude=True, use_git=use_git).files == ["a.yaml"]


def test_links(root: Path, use_git: bool, tmp_path: Path) -> None:
    fill(root, "base/a.yaml", "apps/own.yaml", "elsewhere/e.yaml")
    fill(tmp_path, "outside/secret.yaml")
    for link, target in {
        "apps/base": "../base", "apps/file.yaml": "../base/a.yaml", "apps/loop": "..", "apps/self": "self", "apps/out": "../../outside",
        "apps/secret.yaml": "../../outside/secret.yaml", "apps/gone.yaml": "nowhere", "apps/txt.yaml": "../elsewhere/e.yaml",
    }.items():  # fmt: skip
        (root / link).symlink_to(target)
    found = discover(str(root), ["."], use_git=use_git)
    assert found.files == ["apps/own.yaml", "base/a.yaml", "elsewhere/e.yaml"]
    assert [note.split(":")[0] for note in found.notes] == ["apps/out", "apps/secret.yaml"]
    os.unlink(root / "apps/loop")
    assert discover(str(root), ["apps"], use_git=use_git).files == ["apps/own.yaml", "base/a.yaml", "elsewhere/e.yaml"]
    assert discover(str(root), ["apps/out", "../outside/secret.yaml"], use_git=use_git).files == []


def test_a_root_reached_through_a_link(root: Path, use_git: bool) -> None:
    fill(root, "a/b.yaml")
    (root.parent / "way").symlink_to("repo")
    assert discover(str(root.parent / "way"), ["a"], use_git=use_git).files == ["a/b.yaml"]


def test_tracked_files(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(root, "a.yaml", "tracked.yaml", "deleted.yaml")
    git(root, "add", ".")
    (root / "deleted.yaml").unlink()
    (root / ".gitignore").write_text("tracked.yaml\n")
    assert discover(str(root), ["."]).files == ["a.yaml", "tracked.yaml"]


def test_the_users_own_ignore_file(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".gitconfig").write_text(f"[core]\n\texcludesFile = {tmp_path}/mine\n")
    (tmp_path / "mine").write_text("scratch*\n")
    fill(root, "a.yaml", "scratch.yaml")
    assert discover(str(root), ["."]).files == ["a.yaml"]


def test_repositories_in_repositories(root: Path, tmp_path: Path, use_git: bool) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init")
    fill(library, "lib.yaml")
    git(library, "add", ".")
    git(library, "commit", "-m", "x")
    git(root, "submodule", "add", str(library), "module")
    git(root, "init", "nested")
    fill(root, "nested/n.yaml", "nested/no.yaml", "module/new.yaml")
    (root / "nested/.gitignore").write_text("no.yaml\n")
    assert discover(str(root), ["."], use_git=use_git).files == ["module/lib.yaml", "module/new.yaml", "nested/n.yaml"]


def test_git_runs_nothing_of_the_repository(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    fill(root, "a.yaml")
    touch = f"touch {tmp_path}/ran; true"
    git(root, "config", "core.fsmonitor", touch)
    hook = root / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{touch}\n")
    hook.chmod(0o755)
    program = root / "bin/git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{touch}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{root}/bin{os.pathsep}bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.chdir(root)
    assert discover(str(root), ["."])[:2] == (["a.yaml"], [])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("reason", ["no git", "fails"])
def test_our_own_walk_answers_where_git_does_not(root: Path, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fill(root, "a.yaml", "out/b.yaml")
    (root / ".gitignore").write_text("out\n")
    if reason == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        (root / ".git/HEAD").write_text("broken")
    found = discover(str(root), ["."])
    assert found.files == ["a.yaml"]
    assert len(found.notes) == 1
    assert found.notes[0].startswith("git did not answer")


def test_outside_of_git_no_git_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("git was started")

    monkeypatch.setattr(gitfiles, "_run", refuse)
    fill(tmp_path, "a.yaml", "b/c.yaml", "b/d.yaml")
    (tmp_path / "b/.gitignore").write_text("d.yaml\n")
    assert discover(str(tmp_path), ["."]).files == ["a.yaml", "b/c.yaml"]


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_no_text(root: Path, use_git: bool) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.yaml")).write_text("a: 1\n")
    (name,) = discover(str(root), ["."], use_git=use_git).files
    assert (name, shown(name), shown("é")) == ("\udcff.yaml", "\\xff.yaml", "é")


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a.yaml", "b/c.yaml")
    scan = os.scandir

    def closed(path: str) -> object:
        if path.endswith("b"):
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert discover(str(tmp_path), ["."], use_git=False)[:2] == (["a.yaml"], ["b: permission denied"])


def test_a_folder_that_git_cannot_list(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git says so on stderr alone; of what it tracks there, reading the file will tell."""
    fill(root, "a.yaml", "shut/b.yaml", "kept/c.yaml")
    there = os.stat

    def stat(path: str, **options: object) -> os.stat_result:
        if str(path).endswith("c.yaml"):
            raise PermissionError(13, "Permission denied", path)
        return there(path, **options)

    program = tmp_path / "git"
    program.write_text(
        "#!/bin/sh\nprintf 'a.yaml\\0'\nprintf '100644 0123456789012345678901234567890123456789 0\\tkept/c.yaml\\0'\n"
        "echo \"warning: could not open directory 'shut/': Permission denied\" >&2\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gitfiles.os, "stat", stat)
    assert discover(str(root), ["."])[:2] == (["a.yaml", "kept/c.yaml"], ["shut: permission denied"])


def test_a_submodule_that_is_not_checked_out_is_said(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    fill(other, "a.yaml")
    git(other, "init")
    git(other, "add", "-A")
    git(other, "commit", "-m", "one")
    git(root, "submodule", "add", str(other), "lib/mesh")
    git(root, "commit", "-m", "one")
    assert discover(str(root), ["."])[:2] == (["lib/mesh/a.yaml"], [])
    git(root, "submodule", "deinit", "-f", "lib/mesh")
    started = count_runs(monkeypatch)
    assert discover(str(root), ["."])[:2] == ([], ["lib/mesh: a submodule that is not checked out is not read"])
    assert len(started) == 2  # in the folder and in the submodule, where git names the folder itself
    fill(root, "lib/mesh/b.yaml")
    assert discover(str(root), ["."])[:2] == (["lib/mesh/b.yaml"], [])


def count_runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that git is started in."""
    started: list[str] = []
    run = gitfiles._run
    monkeypatch.setattr(gitfiles, "_run", lambda folder, *others, **given: started.append(folder) or run(folder, *others, **given))
    return started


def test_a_link_into_git_is_not_followed(root: Path, use_git: bool) -> None:
    """Its configuration may hold credentials, and a file that does not parse is shown where it fails."""
    fill(root, "a.yaml")
    (root / "b.yaml").symlink_to(".git/config")
    (root / "c").symlink_to(".git")
    notes = [f"{name}: a link that leads into .git is not followed" for name in ("b.yaml", "c")]
    assert discover(str(root), ["."], use_git=use_git)[:2] == (["a.yaml"], notes)


def test_what_git_tells_of_is_looked_at_once(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("a.yaml", "b/c.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a: 1\n")
    (tmp_path / "d.yaml").symlink_to("a.yaml")
    found = discover(str(tmp_path), ["."])
    assert found.files == ["a.yaml", "b/c.json"]
    for name, about in found.stats.items():
        now = (tmp_path / name).stat()
        assert (about.st_mtime_ns, about.st_size, about.st_ino) == (now.st_mtime_ns, now.st_size, now.st_ino)
    assert set(found.stats) == set(found.files)
