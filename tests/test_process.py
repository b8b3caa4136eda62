"""What surrounds a run: streams that are closed or full, and being asked to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/bookshop"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the shell and the signals of a Unix")


def shell(line: str) -> subprocess.CompletedProcess[str]:
    line = line.replace("meshlint", f"'{sys.executable}' -m meshlint", 1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(["sh", "-c", line], cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False, timeout=60)


def python(program: str) -> subprocess.CompletedProcess[str]:
    """The end of its output is the end of all that it started, too."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_changes_nothing_else(closed: str, tmp_path: Path) -> None:
    done = shell(f"meshlint -o text -o json={tmp_path}/report.json {closed}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (tmp_path / "report.json").read_text().startswith('{\n  "version": 1,')


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
@pytest.mark.parametrize("command", ["meshlint", "meshlint rule --all", "meshlint -o json"])
def test_a_report_that_cannot_be_written_is_no_defect(command: str) -> None:
    done = shell(f"{command} > /dev/full")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "meshlint: cannot write to stdout: no space left on device")


def test_a_temporary_folder_goes_when_the_process_is_asked_to_end() -> None:
    done = python(
        "import os, signal\n"
        "from meshlint.files import temporary_folder\n"
        "with temporary_folder() as folder:\n"
        "    print(folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert not os.path.exists(done.stdout.strip())


@pytest.mark.skipif(sys.platform == "darwin", reason="no copies are made there")
def test_copies_end_with_a_process_that_is_killed() -> None:
    """A copy that held the other end of its own pipe would wait for ever until somebody reads it."""
    done = python(
        "import os\n"
        "from meshlint.read.forked import Workers\n"
        "Workers([['a'], ['b']], lambda path: (b'', bytes(1 << 20))).__enter__()\n"
        "os._exit(9)\n"
    )
    assert done.returncode == 9
