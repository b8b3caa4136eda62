"""The manifest of the extension for VS Code says what its code and the server do. (`npm run package` checks its types.)"""

import json
import re
from pathlib import Path

import pytest

from meshlint import __version__

FOLDER = Path(__file__).parent.parent.parent / "editors" / "vscode"
if not FOLDER.exists():
    pytest.skip("the extension is not here", allow_module_level=True)

CODE = (FOLDER / "src" / "extension.ts").read_text("utf-8")
MANIFEST = json.loads((FOLDER / "package.json").read_text("utf-8"))
SETTINGS = MANIFEST["contributes"]["configuration"]["properties"]


def test_version() -> None:
    assert MANIFEST["version"] == __version__.split("+")[0].split(".dev")[0]
    lock = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))
    assert lock["version"] == MANIFEST["version"]


def test_commands() -> None:
    declared = {one["command"] for one in MANIFEST["contributes"]["commands"]}
    assert set(re.findall(r'registerCommand\("([\w.]+)"', CODE)) == declared


def test_settings_are_read_by_somebody() -> None:
    read = {f"meshlint.{name}" for name in re.findall(r'get<[^>]*>\("(\w+)"\)', CODE)}
    assert read == {"meshlint.path", "meshlint.args"}
    assert set(SETTINGS) - read == {"meshlint.debounce", "meshlint.trace.server"}, "of the server, and of the library for clients"
    assert set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]) == read, "they say what is run"


def test_the_server_knows_its_setting_and_command() -> None:
    pytest.importorskip("pygls.lsp.server", reason="the extra lsp is not installed")
    from meshlint.lsp.handlers import FIX_ALL_COMMAND
    from meshlint.lsp.server import _DELAY

    assert SETTINGS["meshlint.debounce"]["default"] == 1000 * _DELAY
    assert f'command: "{FIX_ALL_COMMAND}"' in CODE


def test_pages_that_are_named_are_there() -> None:
    for page in re.findall(r"/blob/main/([\w./-]+)", CODE):
        assert (FOLDER.parent.parent / page).exists()


def test_what_is_built_is_not_kept() -> None:
    assert (FOLDER / ".gitignore").read_text("utf-8").split() == ["node_modules/", "dist/"]
