"""A package with rules (tests/plugin), built as a wheel and installed beside meshlint's into a fresh environment."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from meshlint.facts import table

ROOT = Path(__file__).parent.parent
PLUGIN = Path(__file__).parent / "plugin"
ROUTE = PLUGIN / "tests" / "cases" / "acme-route-timeout" / "missing" / "route.yaml"


def build(project: Path, to: Path) -> str:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(to), str(project)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = to.glob("*.whl")
    return str(wheel)


@pytest.mark.slow
def test_a_package_brings_rules(tmp_path: Path) -> None:
    wheels = [build(ROOT, tmp_path / "a"), build(PLUGIN, tmp_path / "b")]
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *wheels], check=True)
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "route.yaml").write_text(ROUTE.read_text("utf-8"), "utf-8")

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [tmp_path / "env" / "bin" / "meshlint", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path / "repository")

    off = run(".", "-o", "json")
    assert "ACME101" not in off.stdout and json.loads(off.stdout)["version"] == 1
    on = run(".", "-o", "json", "--plugin", "acme", "--select", "acme")
    assert [(one["rule"], one["family"], one["line"]) for one in json.loads(on.stdout)["findings"]] == [("ACME101", "acme", 9)]
    explained = run("rule", "ACME101", "--plugin", "acme", "-o", "json")
    assert json.loads(explained.stdout)[0]["origin"] == "plugin acme (meshlint-acme 0.1.0)"
    assert "# rules of plugin acme (meshlint-acme 0.1.0): ACME101, ACME102" in run("--show-settings", "--plugin", "acme").stdout
    missing = run("--plugin", "acne")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "no plugin is called 'acne'; did you mean acme? Installed are acme" in missing.stderr
    (tmp_path / "repository" / "meshlint.toml").write_text('plugins = ["acme"]\n', "utf-8")
    refused = run(".")
    assert refused.returncode == 2 and "meshlint.toml:1: plugins: refused" in refused.stderr

    own = subprocess.run([python, "-m", "unittest", "discover", "-s", PLUGIN / "tests"], capture_output=True, text=True, cwd=tmp_path)
    assert own.returncode == 0, own.stderr
    assert "Ran 3 tests" in own.stderr


def test_the_report_schema_allows_the_rules_of_others() -> None:
    fields = table("meshlint/report.v1")["$defs"]["finding"]["properties"]
    assert fields["rule"]["pattern"] == table("meshlint/declared-rule.v1")["properties"]["id"]["pattern"]
    assert fields["family"]["pattern"] == table("meshlint/declared-rule.v1")["properties"]["family"]["pattern"]
