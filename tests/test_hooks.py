"""The hooks for pre-commit, run by pre-commit itself in a scratch repository; the templates for GitLab and containers."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from meshlint.arguments import parser
from tests.test_action import HOME, NAMESPACE, STRICT_PORT, WAYPOINT, git, write

HOOKS = yaml.safe_load((HOME / ".pre-commit-hooks.yaml").read_text())


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_entries_are_command_lines_that_parse(hook: dict[str, object]) -> None:
    program, *arguments = str(hook["entry"]).split()
    assert program == "meshlint"
    assert parser().parse_args([*arguments, "a.yaml"]).paths == ["a.yaml"]


def test_gitlab_template_writes_what_its_artifacts_name() -> None:
    template = yaml.safe_load((HOME / "docs/ci/gitlab.yml").read_text())
    job = template["meshlint"]
    (command,) = job["script"]
    assert template["variables"].keys() == {"MESHLINT_PACKAGE", "MESHLINT_PATHS", "MESHLINT_OPTIONS"}
    assert not template["variables"].keys() & job["variables"].keys(), "those of a job win over those of the file that includes it"
    written = {word.partition("=")[0]: word.partition("=")[2] for word in command.split() if "=" in word}
    assert written == {"gitlab": job["artifacts"]["reports"]["codequality"], "junit": job["artifacts"]["reports"]["junit"]}
    words = [word for word in command.split() if not word.startswith("$MESHLINT_OPTIONS")]
    assert parser().parse_args([word.replace("$MESHLINT_PATHS", ".") for word in words[1:]]).paths == ["."]


def test_container_runs_the_command_line_it_names() -> None:
    lines = (HOME / "docs/ci/Containerfile").read_text().splitlines()
    (command,) = (line for line in lines if line.startswith("CMD "))
    assert parser().parse_args(yaml.safe_load(command.removeprefix("CMD "))).paths == ["."]


@pytest.mark.slow
def test_container_build_step_installs_from_a_copy_of_the_checkout(tmp_path: Path) -> None:
    """There may be no container engine: the RUN line of the build stage is run with its folders moved."""
    lines = (HOME / "docs/ci/Containerfile").read_text().splitlines()
    (build,) = (line.removeprefix("RUN ") for line in lines if line.startswith("RUN python"))
    copy(tmp_path / "source")
    moved = {"/opt/meshlint": f"{tmp_path}/opt", " /source": f" {tmp_path}/source", "python -m venv": f"{sys.executable} -m venv"}
    for written, here in moved.items():
        build = build.replace(written, here)
    subprocess.run(["bash", "-ec", build], check=True, cwd=tmp_path)
    done = subprocess.run([f"{tmp_path}/opt/bin/meshlint", "check", "--no-cache", "."], cwd=HOME / "examples/bookshop", check=False)
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pre_commit") is None, reason="pre-commit is not installed: pip install '.[dev]'")
def test_pre_commit_runs_the_hooks_on_a_commit(tmp_path: Path) -> None:
    hooks, scratch = tmp_path / "hooks", tmp_path / "scratch"
    copy(hooks)
    for folder in (hooks, scratch):
        folder.mkdir(exist_ok=True)
        git(folder, "init", "-q")
    git(hooks, "add", "-A")
    git(hooks, "commit", "-qm", "hooks")
    unquoted = STRICT_PORT.replace('group: "", ', "")  # without its group the parentRef is repaired by a safe fix
    config = {"repos": [{"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": [{"id": hook["id"]} for hook in HOOKS]}]}
    write(scratch, {"mesh.yaml": f"{NAMESPACE}---\n{WAYPOINT}", ".pre-commit-config.yaml": yaml.safe_dump(config)})
    git(scratch, "add", "-A")
    git(scratch, "commit", "-qm", "one")
    write(scratch, {"pay.yaml": unquoted})
    git(scratch, "add", "-A")
    environment = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "pre_commit", "run", "--color=never"]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ML808" in done.stdout
    assert "files were modified by this hook" in done.stdout
    assert (scratch / "pay.yaml").read_text() == STRICT_PORT
    write(scratch, {"notes.txt": "no manifest"})
    git(scratch, "add", "-A")
    command += ["meshlint-all", "--files", "notes.txt"]
    done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
    assert "ML808" in done.stdout, "the whole repository, whatever the commit changes"


def copy(target: Path) -> None:
    """The checkout as it lies here, without what git ignores."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=HOME, check=True, capture_output=True, text=True)
    for name in listed.stdout.split("\0"):
        if name and (HOME / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HOME / name, target / name)
