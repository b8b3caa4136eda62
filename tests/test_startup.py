"""What a run imports: nothing heavy before it is needed (the time itself is not asserted, machines differ)."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"jsonschema", "networkx", "sarif_om", "rich", "attr", "msgspec", "xxhash", "pathspec", "tomllib", "tomli", "hypothesis", "importlib.metadata", "asyncio", "logging", "dataclasses", "inspect"}

CLEAN = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{port: 80}]}\n"


def modules_of(arguments: list[str], cwd: Path) -> set[str]:
    code = f"import sys; from meshlint.__main__ import main; main({arguments!r}); print('\\n'.join(['', 'MODULES', *sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stdout.split("MODULES\n")[1].split())


def test_version_imports_nothing(tmp_path: Path) -> None:
    loaded = modules_of(["--version"], tmp_path)
    assert not loaded & (HEAVY | {"argparse", "yaml", "json", "typing"})
    assert {name for name in loaded if name.startswith("meshlint")} == {"meshlint", "meshlint.__main__"}


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "gitlab", "junit", "rdjson", "markdown"])
def test_a_single_file_imports_nothing_heavy(tmp_path: Path, form: str) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    loaded = modules_of(["service.yaml", "-o", form], tmp_path)
    assert "yaml" in loaded
    assert not {name for name in loaded if name.split(".")[0] in HEAVY or name in HEAVY}


def test_rules_are_imported_only_for_the_kinds_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    loaded = {name for name in modules_of(["service.yaml"], tmp_path) if name.startswith("meshlint_rules.traffic")}
    assert loaded == set()


def test_sarif_is_imported_for_sarif_only(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text(CLEAN)
    assert "sarif_om" in modules_of(["service.yaml", "-o", "sarif"], tmp_path)
