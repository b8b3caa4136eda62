"""Options of the suite: --write renews the generated files instead of comparing them."""

import os
import tempfile

import pytest

collect_ignore = ["plugin"]  # a package of its own: test_plugin_wheel.py installs it and runs its tests
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "meshlint-hypothesis"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="renew generated files (rules/index.json, docs) instead of comparing")


@pytest.fixture
def write(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--write"))


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests leave the user's cache alone."""
    monkeypatch.setenv("MESHLINT_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(autouse=True)
def _static_view(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results do not hang on which tools the machine has: only tests marked `tools` run those that are on the PATH."""
    if request.node.get_closest_marker("tools") is None:
        monkeypatch.setattr("meshlint.render.run.tools.Tools.find", lambda *_: None)
