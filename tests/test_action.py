"""The GitHub Action end to end, in scratch git repositories: its steps run as the runner runs them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.composite import Ran, Runner

HOME = Path(__file__).resolve().parent.parent

NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    istio.io/dataplane-mode: ambient
    istio.io/use-waypoint: waypoint
"""
WAYPOINT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: waypoint
  namespace: shop
spec:
  gatewayClassName: istio-waypoint
  listeners:
  - {name: mesh, port: 15008, protocol: HBONE}
"""
CART = """\
apiVersion: v1
kind: Service
metadata:
  name: cart
  namespace: shop
spec:
  selector: {app: cart}
  ports:
  - {name: http, port: 80}
"""
ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: cart
  namespace: shop
spec:
  parentRefs:
  - {group: "", kind: Service, name: cart, port: 80}
  rules:
  - backendRefs:
    - {name: cart, port: 80}
"""
STRICT_PORT = """\
apiVersion: v1
kind: Service
metadata:
  name: pay
  namespace: shop
spec:
  selector: {app: pay}
  ports:
  - {name: http, port: 80}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: pay
  namespace: shop
spec:
  parentRefs:
  - {group: "", kind: Service, name: pay, port: 80}
  rules:
  - backendRefs:
    - {name: pay, port: 81}
"""
TARGET = "istio=1.29,gateway-api=1.4"


def git(folder: Path, *words: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: a defect that is known; then one more, and an edit that breaks an unchanged file."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    write(folder, {"namespace.yaml": NAMESPACE, "waypoint.yaml": WAYPOINT, "cart.yaml": CART, "route.yaml": ROUTE, "pay.yaml": STRICT_PORT})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    write(folder, {"cart.yaml": CART.replace("port: 80}", "port: 8080}"), "old/more.yaml": STRICT_PORT.replace("pay", "more")})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "two")
    return folder


@pytest.fixture
def meshlint_on_path(tmp_path: Path) -> Path:
    """As the Install step leaves it: a folder on the PATH with meshlint and a Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, command in (("meshlint", f'exec "{sys.executable}" -m meshlint "$@"'), ("python", f'exec "{sys.executable}" "$@"')):
        (folder / name).write_text(f'#!/bin/sh\nPYTHONPATH="{HOME}" {command}\n')
        (folder / name).chmod(0o755)
    return folder


def ran(repository: Path, bin: Path, event: str = "push", payload: dict[str, Any] | None = None, **inputs: str) -> Ran:
    runner = Runner(HOME, repository, repository.parent / "temp", ("Install meshlint",), (bin,))
    return runner.run(event, payload or {}, **{"target": TARGET, **inputs})


def annotated(log: str) -> set[tuple[str, int, str]]:
    found = re.findall(r"^::(?:error|warning|notice) file=([^,]+),line=(\d+).*title=(ML\d+) ", log, re.MULTILINE)
    return {(file, int(line), rule) for file, line, rule in found}


def sarif_places(path: str) -> set[tuple[str, int, str]]:
    out = set()
    for result in json.loads(Path(path).read_text())["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        out.add((place["artifactLocation"]["uri"], place["region"]["startLine"], result["ruleId"]))
    return out


OLD = {("pay.yaml", 21, "ML808")}
NEW = {("old/more.yaml", 21, "ML808"), ("route.yaml", 8, "ML807"), ("route.yaml", 11, "ML808")}


def test_annotations_sarif_summary_and_outputs_agree(repository: Path, meshlint_on_path: Path) -> None:
    done = ran(repository, meshlint_on_path)
    assert done.code == 1, done.log
    assert annotated(done.log) == sarif_places(done.outputs["sarif-file"]) == OLD | NEW
    assert done.outputs["exit-code"] == "1"
    assert sum(int(done.outputs[level]) for level in ("errors", "warnings", "notes")) == len(OLD | NEW)
    assert "ML808" in done.summary
    assert done.uploads == [{"sarif_file": str(repository / "meshlint.sarif"), "category": "meshlint"}]


def test_new_only_tells_what_the_change_broke_also_in_a_file_it_left_alone(repository: Path, meshlint_on_path: Path) -> None:
    payload = {"before": git(repository, "rev-parse", "HEAD~1")}
    done = ran(repository, meshlint_on_path, "push", payload, new_only="true")
    assert annotated(done.log) == NEW
    assert sarif_places(done.outputs["sarif-file"]) == OLD | NEW, "code scanning would close what is missing"


def test_a_pull_request_is_compared_with_its_base_in_a_shallow_checkout(repository: Path, meshlint_on_path: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    payload = {"pull_request": {"base": {"sha": git(repository, "rev-parse", "HEAD~1")}}}
    assert annotated(ran(shallow, meshlint_on_path, "pull_request", payload, new_only="true").log) == NEW


@pytest.mark.parametrize("before", ["0" * 40, "--upload-pack=touch x", "main", None])
def test_without_an_earlier_commit_everything_is_new_and_it_is_said(repository: Path, meshlint_on_path: Path, before: str | None) -> None:
    done = ran(repository, meshlint_on_path, "push", {"before": before}, new_only="true")
    assert annotated(done.log) == OLD | NEW
    assert "no earlier commit to compare with" in done.log


def test_a_commit_that_cannot_be_fetched_is_said(repository: Path, meshlint_on_path: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    payload = {"before": git(repository, "rev-parse", "HEAD~1")}
    git(shallow, "remote", "set-url", "origin", str(tmp_path / "gone"))
    done = ran(shallow, meshlint_on_path, "push", payload, new_only="true")
    assert annotated(done.log) == OLD | NEW
    assert f"::warning title=meshlint::{payload['before']} is not in this checkout and cannot be fetched" in done.log


def test_a_clean_repository_passes(repository: Path, meshlint_on_path: Path) -> None:
    git(repository, "rm", "-rqf", "old", "pay.yaml", "route.yaml")
    done = ran(repository, meshlint_on_path)
    assert (done.code, done.outputs["exit-code"], done.outputs["errors"]) == (0, "0", "0")


def test_a_bad_option_fails_the_job_and_uploads_nothing(repository: Path, meshlint_on_path: Path) -> None:
    done = ran(repository, meshlint_on_path, fail_on="sometimes")
    assert (done.code, done.outputs["exit-code"], done.uploads) == (2, "2", [])
    assert "::error title=meshlint::meshlint could not do its work (exit code 2)" in done.log


def test_text_instead_of_annotations_and_no_upload(repository: Path, meshlint_on_path: Path) -> None:
    done = ran(repository, meshlint_on_path, annotations="false", upload_sarif="false", summary="false", fail_on="never")
    assert (done.code, done.uploads, done.summary, annotated(done.log)) == (0, [], "", set())
    assert "pay.yaml:21:" in done.log


def test_paths_and_options_are_lines_and_never_shell(repository: Path, meshlint_on_path: Path) -> None:
    write(repository, {"with space/pay.yaml": STRICT_PORT.replace("pay", "space"), "with space/mesh.yaml": f"{NAMESPACE}---\n{WAYPOINT}"})
    done = ran(repository, meshlint_on_path, paths="with space\n\npay.yaml", args="--exclude=old/\n--min-severity=warning")
    assert {file for file, _, _ in annotated(done.log)} == {"with space/pay.yaml", "pay.yaml"}
    done = ran(repository, meshlint_on_path, paths="$(touch owned); `touch owned`")
    assert done.outputs["exit-code"] == "3"
    assert not (repository / "owned").exists()


def test_a_baseline_narrows_annotations_but_not_code_scanning(repository: Path, meshlint_on_path: Path) -> None:
    arguments = [str(meshlint_on_path / "meshlint"), "check", f"--target={TARGET}", "--write-baseline", "known.json", "pay.yaml"]
    subprocess.run(arguments, cwd=repository, check=True, capture_output=True)
    done = ran(repository, meshlint_on_path, baseline="known.json")
    assert annotated(done.log) == NEW
    assert sarif_places(done.outputs["sarif-file"]) == OLD | NEW


def test_files_are_named_from_the_top_of_the_checkout(repository: Path, meshlint_on_path: Path) -> None:
    """GitHub knows no other place to look for them."""
    write(repository, {"deploy/mesh.yaml": f"{NAMESPACE}---\n{WAYPOINT}", "deploy/pay.yaml": STRICT_PORT, "deploy/known.json": ""})
    command = [str(meshlint_on_path / "meshlint"), "check", f"--target={TARGET}", "--write-baseline", "deploy/known.json", "deploy"]
    done = ran(repository, meshlint_on_path, working_directory="deploy")
    assert annotated(done.log) == sarif_places(done.outputs["sarif-file"]) == {("deploy/pay.yaml", 21, "ML808")}
    assert done.outputs["sarif-file"] == str(repository / "deploy/meshlint.sarif")
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    assert annotated(ran(repository, meshlint_on_path, working_directory="deploy", baseline="known.json").log) == set()


def test_no_expression_stands_in_a_script() -> None:
    """What stands in `run` is code: inputs come in as environment variables."""
    action = yaml.safe_load((HOME / "action.yml").read_text())
    assert all("${{" not in step.get("run", "") for step in action["runs"]["steps"])


def test_the_install_step_imports_nothing_of_the_repository(tmp_path: Path) -> None:
    """`python -m` looks into the folder that it runs in first."""
    workspace = tmp_path / "workspace"
    write(workspace, {f"{name}.py": "open('owned', 'w')" for name in ("venv", "pip", "ensurepip", "sysconfig")})
    done = Runner(HOME, workspace, tmp_path / "temp").run("push", {}, version=str(tmp_path / "none.whl"))
    assert done.code != 0, "there is no such wheel"
    assert "none.whl" in done.log, "pip was reached"
    assert not (workspace / "owned").exists()


@pytest.mark.slow
def test_install_step_gives_a_working_meshlint(repository: Path) -> None:
    done = Runner(HOME, repository, repository.parent / "temp").run("push", {}, target=TARGET)
    assert done.code == 1, done.log
    assert annotated(done.log) == OLD | NEW
