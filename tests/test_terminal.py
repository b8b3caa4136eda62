"""What a terminal gets that a pipe does not: colour, hyperlinks, lines cut at its width."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pty = pytest.importorskip("pty", reason="this system has no pseudo terminals")


def on_terminal(*arguments: str, columns: int = 80, **environment: str) -> str:
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    settings = {**kept, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "meshlint", *arguments]
    process = subprocess.Popen(command, cwd=ROOT / "examples/bookshop", env=settings, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 65536):
            out += chunk
    except OSError:  # how Linux says that the other side is closed
        process.wait()
    os.close(ours)
    return out.decode().replace("\r\n", "\n")


def test_colour_and_links() -> None:
    shown = on_terminal("-q")
    assert "\x1b[1;31merror" in shown
    assert "\x1b]8;;https://" in shown
    assert "/docs/rules/egress-registry-only.md\x1b\\" in shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_nothing_but_text_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    assert "\x1b" not in on_terminal("-q", **environment)


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"FORCE_HYPERLINK": "0"}, {"TERM": "linux"}])
def test_colour_without_links(environment: dict[str, str]) -> None:
    shown = on_terminal("-q", **environment)
    assert "\x1b[" in shown
    assert "\x1b]8" not in shown


def test_the_table_of_rules_fits_the_terminal() -> None:
    lines = on_terminal("rule", "--all", columns=72).splitlines()
    assert len(lines) > 100
    assert max(map(len, lines)) == 72
    assert any(line.endswith("\u2026") for line in lines)
