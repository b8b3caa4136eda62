"""The Lint step of action.yml: annotations (or text) into the log, SARIF into a file, the summary of the step, counts into the
outputs. It ends with 0 whenever meshlint ran, so that the upload follows; the last step of the action fails the job.

meshlint runs at the top of the checkout, wherever this does: GitHub takes the names of files from there.

Reads MESHLINT_* (the inputs) and what GitHub sets; writes GITHUB_OUTPUT and GITHUB_STEP_SUMMARY.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_COMMIT = re.compile(r"(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})")
_EVENTS = {
    "pull_request": ("pull_request", "base", "sha"),
    "pull_request_target": ("pull_request", "base", "sha"),
    "merge_group": ("merge_group", "base_sha"),
    "push": ("before",),
}


def main() -> int:
    """Run meshlint twice: once for people, narrowed as asked, once for code scanning."""
    report = Path(os.environ["RUNNER_TEMP"]) / "meshlint.json"
    sarif = Path(given("SARIF") or "meshlint.sarif").absolute()
    for old in (report, sarif):
        old.unlink(missing_ok=True)
    paths = ["--", *(os.path.relpath(path, top()) for path in lines("PATHS") or ["."])]
    code = meshlint([*common(), *narrowed(), *formats(report), *paths])
    output("exit-code", str(code))
    if not report.is_file():
        say("error", f"meshlint could not do its work (exit code {code}); the log says why")
        return 0
    summary = json.loads(report.read_text(encoding="utf-8"))["summary"]
    for level in ("error", "warning", "note"):
        output(f"{level}s", str(summary[level]))
    # Code scanning tells itself what is new in a pull request, and closes what a later file does not hold: it gets everything.
    meshlint([*common(), "--exit-zero", "--quiet", f"--output-format=sarif={sarif}", *paths])
    if sarif.is_file():
        output("sarif-file", str(sarif))
    return 0


def given(name: str) -> str:
    """An input of the action."""
    return os.environ.get(f"MESHLINT_{name}", "").strip()


def lines(name: str) -> list[str]:
    return [line.strip() for line in given(name).splitlines() if line.strip()]


def common() -> list[str]:
    """What holds for both runs."""
    target = [f"--target={given('TARGET')}"] if given("TARGET") else []
    config = [f"--config={Path(given('CONFIG')).absolute()}"] if given("CONFIG") else []
    return [*target, *config, *lines("ARGS")]


def top() -> Path:
    """The folder of the checkout that holds this one."""
    start = Path.cwd()
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def narrowed() -> Iterator[str]:
    """What holds for people: the baseline, what fails, and only what is new."""
    if given("BASELINE"):
        yield f"--baseline={Path(given('BASELINE')).absolute()}"
    if given("FAIL_ON"):
        yield f"--fail-on={given('FAIL_ON')}"
    if given("NEW_ONLY") == "true":
        commit = base()
        if commit is None:
            event = os.environ.get("GITHUB_EVENT_NAME", "none")
            say("notice", f"there is no earlier commit to compare with (event: {event}), so every finding counts as new")
        elif here(commit):
            yield f"--new-since={commit}"
        else:
            what = f"{commit} is not in this checkout and cannot be fetched (fetch-depth: 0 for actions/checkout brings it)"
            say("warning", f"{what}, so every finding counts as new")


def formats(report: Path) -> Iterator[str]:
    yield f"--output-format={'github' if given('ANNOTATIONS') == 'true' else 'text'}"
    yield f"--output-format=json={report}"
    if given("SUMMARY") == "true" and os.environ.get("GITHUB_STEP_SUMMARY"):
        yield f"--output-format=markdown={os.environ['GITHUB_STEP_SUMMARY']}"


def base() -> str | None:
    """The commit that the change starts from."""
    keys = _EVENTS.get(os.environ.get("GITHUB_EVENT_NAME", ""))
    event = os.environ.get("GITHUB_EVENT_PATH")
    if keys is None or not event:
        return None
    value = json.loads(Path(event).read_text(encoding="utf-8"))
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) and _COMMIT.fullmatch(value) else None


def here(commit: str) -> bool:
    """A shallow checkout does not hold it: git fetches that one commit, where the checkout may ask for it."""
    return git("cat-file", "-e", f"{commit}^{{commit}}") or git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit)


def git(*words: str) -> bool:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    return subprocess.run(["git", *words], check=False, stdout=subprocess.DEVNULL, env=environment).returncode == 0


def meshlint(arguments: list[str]) -> int:
    sys.stdout.flush()
    return subprocess.run([os.environ.get("MESHLINT_COMMAND") or "meshlint", "check", *arguments], cwd=top(), check=False).returncode


def output(name: str, value: str) -> None:
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.write(f"{name}={value}\n")


def say(level: str, message: str) -> None:
    print(f"::{level} title=meshlint::{message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
