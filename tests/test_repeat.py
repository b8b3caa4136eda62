"""A run that finds everything as the last one did says the same without working it out again, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from meshlint.check import runner
from tests.door import Run, call
from tests.test_action import NAMESPACE, STRICT_PORT, WAYPOINT, write

LONG_AGO = 1_700_000_000


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write(folder, {f"app{number}.yaml": STRICT_PORT.replace("pay", f"pay{number}") for number in range(60)})
    write(folder, {"mesh.yaml": f"{NAMESPACE}---\n{WAYPOINT}"})
    write(folder, {"meshlint.toml": 'target = "istio=1.29"\n'})
    for file in folder.iterdir():
        os.utime(file, (LONG_AGO, LONG_AGO))
    return folder


class Works:
    """Counts how often the rules are run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = runner.Runner.run

        def run(*arguments: object, **options: object) -> object:
            self.count += 1
            return real(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(runner.Runner, "run", run)


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> Works:
    return Works(monkeypatch)


def lint(project: Path, *arguments: str) -> Run:
    return call("check", *arguments, cwd=project)


@pytest.mark.parametrize("arguments", [["-o", "text"], ["-o", "json"], ["-o", "concise"], ["--statistics"], ["--assume-mode=ambient"]])
def test_the_second_run_says_the_same_and_does_nothing(project: Path, works: Works, arguments: list[str]) -> None:
    first, second = (lint(project, *arguments) for _ in range(2))
    assert works.count == 1
    assert second == first == lint(project, *arguments, "--no-cache")
    assert first.out


def test_files_are_written_again(project: Path, works: Works) -> None:
    arguments = ("-o", "text", "-o", "sarif=out.sarif", "-o", "json=out.json")
    lint(project, *arguments)
    before = [(project / name).read_bytes() for name in ("out.sarif", "out.json")]
    for name in ("out.sarif", "out.json"):
        (project / name).unlink()
    lint(project, *arguments)
    assert works.count == 1
    assert [(project / name).read_bytes() for name in ("out.sarif", "out.json")] == before


def changed_text(project: Path) -> None:
    (project / "app1.yaml").write_text(STRICT_PORT.replace("81", "80"))
    os.utime(project / "app1.yaml", (LONG_AGO, LONG_AGO))


def same_size_later(project: Path) -> None:
    (project / "app1.yaml").write_text((project / "app1.yaml").read_text().replace("81", "82"))
    os.utime(project / "app1.yaml", (LONG_AGO + 9, LONG_AGO + 9))


def added(project: Path) -> None:
    (project / "more.yaml").write_text(STRICT_PORT)


def removed(project: Path) -> None:
    (project / "app2.yaml").unlink()


def ignored(project: Path) -> None:
    (project / "meshlint.toml").write_text('target = "istio=1.29"\nignore = ["ML808"]\n')


def tool(project: Path) -> None:
    write(project, {"bin/kustomize": ""})
    os.environ["PATH"] = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("change", [changed_text, same_size_later, added, removed, ignored, tool])
def test_a_change_is_seen(project: Path, works: Works, monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"])
    lint(project)
    change(project)  # type: ignore[operator]
    assert lint(project) == lint(project, "--no-cache")
    assert works.count == 3


def test_another_command_line_is_another_run(project: Path, works: Works) -> None:
    for arguments in ([], ["-v"], ["--min-severity=error"], ["--target=istio=1.30"], ["-o", "github"]):
        lint(project, *arguments)
    assert works.count == 5


def test_a_file_saved_just_now_may_change_unseen(project: Path, works: Works) -> None:
    os.utime(project / "app1.yaml")
    lint(project)
    lint(project)
    assert works.count == 2


@pytest.mark.parametrize("damage", [b"", b"\x00", b"garbage" * 50])
def test_a_damaged_run_is_no_run(project: Path, works: Works, tmp_path: Path, damage: bytes) -> None:
    folder = tmp_path / "cache"
    first = lint(project, f"--cache-dir={folder}")
    (kept,) = folder.glob("*.run")
    kept.write_bytes(kept.read_bytes()[:-3] if damage == b"\x00" else damage)
    assert lint(project, f"--cache-dir={folder}") == first
    assert works.count == 2
