"""Options of the suite: --write renews the generated files instead of comparing them."""

import gc
import itertools
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from meshlint.render.run.tools import Tools

# a package of its own: test_plugin_wheel.py installs it and runs its tests; and folders of manifests, where pytest would look for tests
collect_ignore = ["plugin", "rules", "repos"]
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", os.path.join(tempfile.gettempdir(), "meshlint-hypothesis"))


def pytest_configure() -> None:
    gc.set_threshold(50_000, 20, 100)  # what the tests hold is much, stays, and would be looked through for garbage all the time
    settings.register_profile("anywhere", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on busy machines, too
    settings.load_profile("anywhere")


def pytest_unconfigure() -> None:
    gc.freeze()  # the process ends: pytest and Python would look through all that is there several times


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", action="store_true", help="renew generated files (rules/index.json, docs) instead of comparing")


@pytest.fixture
def write(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--write"))


_numbers = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own. pytest's looks at all those before it and renews a link to the last: as long as many tests take."""
    path = tmp_path_factory.getbasetemp() / f"{re.sub(r'[^a-zA-Z0-9]', '_', request.node.name)[:30]}{next(_numbers)}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MESHLINT_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


_find = Tools.find


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Results do not hang on which tools the machine has: only tests marked `tools` run those that are on the PATH."""
    Tools.find = (lambda *_: None) if item.get_closest_marker("tools") is None else _find  # type: ignore[method-assign]
