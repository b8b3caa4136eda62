"""A real client: Neovim opens a file of the example, shows what is wrong, applies a quick fix and saves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")

ROOT = Path(__file__).parent.parent.parent
FILE = "reviews/traffic.yaml"


@pytest.mark.skipif(shutil.which("nvim") is None, reason="nvim is not installed")
def test_neovim_shows_fixes_and_saves(tmp_path: Path) -> None:
    shop = tmp_path.resolve() / "shop"
    shutil.copytree(ROOT / "examples" / "bookshop", shop)
    (shop / "meshlint.toml").touch()
    text = (shop / FILE).read_text()
    (shop / FILE).write_text(f"# meshlint: ignore[vs-retries]\n{text}")
    command = [sys.executable, "-m", "meshlint", "lsp", "--no-cache", "--render", "never"]
    home = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    given = {"MESHLINT_FILE": FILE, "MESHLINT_COMMAND": json.dumps(command), "MESHLINT_OUT": str(tmp_path / "seen.json")}
    script = Path(__file__).parent / "neovim" / "quick_fix.lua"
    nvim = ["nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {script}"]
    environment = {**os.environ, **home, **given, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(nvim, cwd=shop, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert (tmp_path / "seen.json").exists(), done.stderr
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["errors"] in ([], {}), (seen, done.stderr)
    assert "unused-suppression" in seen["before"] and "vs-subset-destination" in seen["before"]
    assert "Remove the comment" in seen["actions"]
    assert seen["after"] == [code for code in seen["before"] if code != "unused-suppression"]
    assert (shop / FILE).read_text() == text
