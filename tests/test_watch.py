"""`--watch` as a process: a run at the start, one after each change, and an end by interrupt."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshlint import watch
from tests.door import call
from tests.test_action import NAMESPACE, STRICT_PORT, WAYPOINT, write

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20  # seconds that a line may take


def interruptible() -> None:
    """Whoever runs the tests in the background of a shell may have interrupts ignored, which processes inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Watching:
    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "meshlint", "--watch", "-o", "concise", "--no-cache", "--target=istio=1.29"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            preexec_fn=interruptible,
        )  # fmt: skip
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until_waiting(self) -> str:
        out = ""
        while "waiting for changes" not in out:
            out += self.lines.get(timeout=PATIENCE)
        return out


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    pytest.importorskip("watchfiles", reason="watchfiles is not installed: pip install 'meshlint[watch]'")
    write(tmp_path, {"mesh.yaml": f"{NAMESPACE}---\n{WAYPOINT}", "pay.yaml": STRICT_PORT})
    found = Watching(tmp_path)
    yield found
    found.process.kill()
    found.process.wait()


def test_runs_again_after_a_change_and_ends_by_interrupt(watching: Watching, tmp_path: Path) -> None:
    assert "ML808" in watching.until_waiting()
    (tmp_path / "notes.txt").write_text("nothing that is read")
    (tmp_path / "pay.yaml").write_text(STRICT_PORT.replace("81", "80"))
    again = watching.until_waiting()
    assert "changed: pay.yaml" in again
    assert "notes.txt" not in again
    assert "ML808" not in again
    (tmp_path / "meshlint.toml").write_text("colour = 1\n")
    assert "unknown" in watching.until_waiting()
    (tmp_path / "meshlint.toml").unlink()
    assert "No problems found" in watching.until_waiting()
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 130


@pytest.mark.parametrize("other", [["-", "--stdin-filename=a.yaml"], ["--write-baseline=b.json"], ["--add-ignores=known"]])
def test_what_it_cannot_go_with(tmp_path: Path, other: list[str]) -> None:
    done = call("check", "--watch", *other, cwd=tmp_path)
    assert (done.code, "--watch looks at files again and again" in done.err) == (2, True)


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    done = call("check", "--watch", cwd=tmp_path)
    assert (done.code, "pip install 'meshlint[watch]'" in done.err) == (2, True)


def test_an_interrupt_before_watching_has_begun_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("watchfiles", reason="watchfiles is not installed: pip install 'meshlint[watch]'")
    monkeypatch.setattr(watch, "_changes", lambda root: (names for names in ()))
    assert watch.watch(lambda: pytest.fail("it ran"), str(tmp_path)) == 130
