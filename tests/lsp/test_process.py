"""The language server as a process: what it makes of any message, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "meshlint", "lsp", "--no-cache", "--render", "never"]


def spoken(*messages: dict[str, object]) -> subprocess.CompletedProcess[bytes]:
    """What the server does about messages, until its input ends."""
    parts = [json.dumps({"jsonrpc": "2.0", **message}).encode() for message in messages]
    data = b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(part), part) for part in parts)
    return subprocess.run(COMMAND, cwd=ROOT, input=data, capture_output=True, timeout=60, check=False)


START: dict[str, object] = {"id": 1, "method": "initialize", "params": {"capabilities": {}, "processId": None, "rootUri": None}}


def test_exit_codes() -> None:
    left = spoken(START, {"method": "initialized", "params": {}}, {"id": 2, "method": "shutdown"}, {"method": "exit"})
    assert left.returncode == 0, left.stderr
    assert spoken(START, {"method": "exit"}).returncode == 1
    assert spoken(START).returncode == 1


def test_messages_that_make_no_sense() -> None:
    odd: list[dict[str, object]] = [
        {"method": "textDocument/didChange", "params": {"textDocument": {"uri": 3}, "contentChanges": "no"}},
        {"id": 5, "method": "textDocument/hover", "params": {}},
        {"id": 6, "method": "no/such", "params": [1]},
        {"id": 7, "method": "workspace/executeCommand", "params": {"command": "meshlint.fixAll", "arguments": [None, 3]}},
        {"method": "workspace/didChangeConfiguration", "params": {"settings": 3}},
        {"method": "textDocument/didSave", "params": {"textDocument": {"uri": "nowhere"}}},
    ]
    left = spoken(START, {"method": "initialized", "params": {}}, *odd, {"id": 9, "method": "shutdown"}, {"method": "exit"})
    assert left.returncode == 0, left.stderr
    assert b'"id": 9' in left.stdout or b'"id":9' in left.stdout


def test_without_the_packages_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pygls").mkdir()
    (tmp_path / "pygls" / "__init__.py").write_text("raise ImportError\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'meshlint[lsp]'" in done.stderr
