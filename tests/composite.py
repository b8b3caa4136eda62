"""Runs the steps of a composite action the way GitHub's runner does: inputs, expressions, environment files."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


class Ran(NamedTuple):
    """What a run of an action left behind: `uploads` are the inputs of the other actions that it used."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str
    uploads: list[dict[str, str]]


class Runner:
    """`home`: the checkout that holds action.yml; `temp`: the runner's own folder; `skip`: names of steps to leave out."""

    def __init__(self, home: Path, workspace: Path, temp: Path, skip: tuple[str, ...] = (), path: tuple[Path, ...] = ()) -> None:
        self.action: dict[str, Any] = yaml.safe_load((home / "action.yml").read_text())
        self.workspace = workspace
        self.temp = temp
        self.skip = skip
        self.path = [str(folder) for folder in path]
        self.home = home

    def run(self, event: str, payload: dict[str, Any], **inputs: str) -> Ran:
        known = {name: str(given.get("default", "")) for name, given in self.action["inputs"].items()}
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= known.keys()
        self.values = {f"inputs.{name}": value for name, value in {**known, **given}.items()}
        self.temp.mkdir(exist_ok=True)
        (self.temp / "event.json").write_text(json.dumps(payload))
        code, log, summary, uploads = 0, "", "", []
        for step in self.action["runs"]["steps"]:
            if code or step["name"] in self.skip or not self.holds(step.get("if")):
                continue
            if "uses" in step:
                uploads.append({name: self.filled(value) for name, value in step["with"].items()})
                continue
            code, said, summed = self.step(step, event)
            log, summary = log + said, summary + summed
        outputs = {name: self.filled(output["value"]) for name, output in self.action["outputs"].items()}
        return Ran(code, log, outputs, summary, uploads)

    def step(self, step: dict[str, Any], event: str) -> tuple[int, str, str]:
        assert step["shell"] == "bash"
        files = {name: self.temp / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        script = self.temp / "step.sh"
        script.write_text(self.filled(step["run"]))
        environment = {
            "PATH": os.pathsep.join([*self.path, os.environ["PATH"]]),
            "HOME": str(self.temp),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.home),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            "RUNNER_TEMP": str(self.temp),
            **{name: str(file) for name, file in files.items()},
            **{name: self.filled(value) for name, value in step.get("env", {}).items()},
        }
        folder = self.workspace / self.filled(step.get("working-directory", "."))
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            name, _, value = line.partition("=")
            self.values[f"steps.{step['id']}.outputs.{name}"] = value
        self.path = [*files["GITHUB_PATH"].read_text().split("\n")[:-1], *self.path]
        return done.returncode, done.stdout + done.stderr, files["GITHUB_STEP_SUMMARY"].read_text()

    def filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: self.values.get(match[1], ""), str(text))

    def holds(self, condition: str | None) -> bool:
        """`a == 'b' && c != ''`, which is all that the action uses."""
        for part in (condition or "").split("&&"):
            if part.strip():
                name, operator, value = re.fullmatch(r"\s*([\w.-]+)\s*(==|!=)\s*'([^']*)'\s*", part).groups()  # type: ignore[union-attr]
                if (self.values.get(name, "") == value) != (operator == "=="):
                    return False
        return True
