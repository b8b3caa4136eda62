"""Settings as a user meets them: levels, settings for some files, what is in force and where it comes from, init."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from meshlint.arguments import FORMATS, parser
from meshlint.config import load
from meshlint.facts import table
from tests.door import call, lint
from tests.manifests import ERROR, MESH, NOTE, ROUTE, RULE, SERVICE, WARNING, write

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return write(tmp_path, MESH)


def levels(folder: Path, *arguments: str) -> dict[str, str]:
    return {finding["name"]: finding["severity"] for finding in lint(folder, *arguments).findings}


def settings(folder: Path, *arguments: str) -> dict[str, Any]:
    run = call("--show-settings", *arguments, cwd=folder)
    assert run.code == 0
    return tomllib.loads(run.out)


def origins(folder: Path, *arguments: str) -> dict[str, str]:
    lines = call("--show-settings", *arguments, cwd=folder).out.splitlines()
    parts = [line.rpartition(" # ") for line in lines if " = " in line]
    return {line.partition(" = ")[0]: origin for line, _, origin in parts}


# the same by the same names

ONE_RUN = {
    "help", "paths", "config", "isolated", "show_files", "show_settings", "stdin_filename", "write_baseline", "add_ignores", "rules",
    "watch", "fix", "unsafe_fixes", "diff", "profile",
}  # fmt: skip
NO_OPTION = {"extend", "environment", "per-path", "suppress", "declared-rules"}  # tables, and what only a file may name


def test_options_and_keys_are_the_same() -> None:
    (commands,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    options = {action.dest for action in commands.choices["check"]._actions} - ONE_RUN
    keys = {key.replace("-", "_") for key in set(table("meshlint/config.v1")["properties"]) - NO_OPTION}
    assert options - {"environment"} | {"environments"} == keys  # --environment NAME names one


def test_formats_of_the_schema_are_those_there_are() -> None:
    pattern = table("meshlint/config.v1")["$defs"]["format"]["pattern"]
    assert tuple(pattern[2 : pattern.index(")")].split("|")) == FORMATS


def test_how_to_report_can_be_configured(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("output-file = 'out.txt'\nquiet = true\ncolor = 'always'\nexit-zero = true\n")
    run = call(cwd=mesh)
    assert (run.code, run.out) == (0, "")
    text = (mesh / "out.txt").read_text()
    assert ERROR in text and "Target:" not in text
    assert call("--fail-on", "warning", "--output-file", "other.txt", cwd=mesh).code == 1
    assert (mesh / "other.txt").read_text() == text
    assert "\x1b[" in call("-o", "text", cwd=mesh).out
    assert "\x1b[" not in call("-o", "text", "--color", "never", cwd=mesh).out


# levels


def test_levels(mesh: Path) -> None:
    assert {ERROR, WARNING, NOTE} <= levels(mesh).keys()
    assert levels(mesh, "--level", "strict").keys() == levels(mesh).keys()
    assert ERROR in levels(mesh, "--level", "minimal")
    for finding in lint(mesh, "--level", "minimal").findings:
        assert finding["impact"] in ("breaks", "unenforced") and finding["confidence"] != "low"
    assert lint(mesh, "--level", "minimal", "--select", NOTE).code == 0
    (mesh / "meshlint.toml").write_text("level = 'strict'\n")
    assert lint(mesh, "--select", NOTE).code == 1
    assert lint(mesh, "--select", NOTE, "--level", "default").code == 0


def test_impact(mesh: Path) -> None:
    found = lint(mesh).findings
    assert {finding["impact"] for finding in found} > {"advice"}
    assert levels(mesh, "--impact", "advice") == {finding["name"]: "note" for finding in found if finding["impact"] == "advice"}
    assert {f["impact"] for f in lint(mesh, "--level", "minimal", "--impact", "advice,ignored").findings} <= {"advice", "ignored"}


def test_junit_fails_as_the_run_does(mesh: Path) -> None:
    for options in ([], ["--level", "strict"], ["--fail-on", "never"], ["--fail-on", "error"]):
        run = call("-o", "junit", "--select", NOTE, *options, cwd=mesh)
        assert ("<failure" in run.out) == (run.code == 1)


# settings for some files


@pytest.fixture
def two(tmp_path: Path) -> Path:
    legacy = {f"legacy/{name}": text.replace("namespace: shop", "namespace: old").replace(".shop.", ".old.") for name, text in MESH.items()}
    return write(tmp_path, {**MESH, **legacy})


def by_folder(folder: Path, *arguments: str) -> dict[tuple[bool, str], str]:
    return {(f["file"].startswith("legacy/"), f["name"]): f["severity"] for f in lint(folder, *arguments).findings}


def test_settings_for_some_files(two: Path) -> None:
    everywhere = by_folder(two)
    assert {(legacy, name) for legacy in (True, False) for name in (ERROR, WARNING, NOTE)} <= everywhere.keys()
    (two / "meshlint.toml").write_text(
        f"[[per-path]]\npaths = ['legacy/**']\nignore = ['{WARNING}']\nseverity = {{'{ERROR}' = 'note', traffic = 'warning'}}\n"
    )
    found = by_folder(two)
    assert {key: severity for key, severity in found.items() if not key[0]} == {k: s for k, s in everywhere.items() if not k[0]}
    assert (found[True, ERROR], found[True, NOTE]) == ("note", "warning")
    assert (True, WARNING) not in found
    assert by_folder(two, "--severity", f"{ERROR}=error")[True, ERROR] == "error"


def test_several_settings_for_a_file(two: Path) -> None:
    (two / "meshlint.toml").write_text(
        f"[[per-path]]\npaths = ['*.yaml']\nseverity = {{{ERROR} = 'note'}}\n"
        f"[[per-path]]\npaths = ['legacy/']\nseverity = {{{ERROR} = 'warning'}}\nmin-severity = 'warning'\nimpact = ['breaks', 'ignored']\n"
    )
    found = by_folder(two)
    assert (found[False, ERROR], found[True, ERROR]) == ("note", "warning")
    assert (False, NOTE) in found and (True, NOTE) not in found


def test_patterns_start_at_the_configuration(two: Path) -> None:
    (two / "meshlint.toml").write_text("[[per-path]]\npaths = ['/legacy/']\nignore = ['all']\n")
    assert {legacy for legacy, _ in by_folder(two)} == {False}
    assert call("-o", "json", cwd=two / "legacy").findings == []


def test_rules_of_settings_for_some_files_are_known(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("[[per-path]]\npaths = ['x']\nignore = ['subset-unusd']\n")
    assert "did you mean subset-unused?" in lint(mesh).err


def test_a_rule_that_failed_is_told_wherever(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from meshlint.check.registry import bundled

    monkeypatch.setattr(bundled().named(ERROR), "check", lambda *_: 1 / 0)
    (mesh / "meshlint.toml").write_text("[[per-path]]\npaths = ['*']\nignore = ['all']\n")
    run = lint(mesh, "--impact", "breaks")
    assert (run.code, [finding["name"] for finding in run.findings]) == (2, ["rule-failed"])


# what other repositories hold


def test_assumed_services_and_namespaces_are_not_missed(tmp_path: Path) -> None:
    renamed = ROUTE.replace("hosts: [reviews", "hosts: [ratings").replace(", subset: v9", "")
    write(tmp_path, {"service.yaml": SERVICE, "route.yaml": renamed})
    missed = {"vs-host-not-a-service"}
    before = levels(tmp_path).keys()
    assert before & missed
    assert not levels(tmp_path, "--assume", "services=shop/ratings").keys() & missed
    assert not levels(tmp_path, "--assume", "namespaces=shop").keys() & missed
    assert levels(tmp_path, "--assume", "services=shop/other").keys() == before
    (tmp_path / "meshlint.toml").write_text("[assume]\nservices = ['shop/ratings']\n")
    assert not levels(tmp_path).keys() & missed


# what is in force


def test_settings_in_force_and_where_they_come_from(mesh: Path) -> None:
    write(
        mesh,
        {
            "base.toml": "goal = 'ambient'\nfail-on = 'error'\n[severity]\nML101 = 'note'\n",
            "meshlint.toml": "extend = 'base.toml'\nlevel = 'minimal'\nfail-on = 'note'\n"
            "[assume]\nservices = ['a/b']\n[[per-path]]\npaths = ['x']\n",
        },
    )
    arguments = ["--min-severity", "warning", "--severity", "ML102=error", "--environment", "."]
    shown = settings(mesh, *arguments)
    assert (shown["goal"], shown["fail-on"], shown["impact"], shown["level"]) == (
        "ambient", "note", ["breaks", "unenforced"], "minimal",
    )  # fmt: skip
    assert shown["severity"] == {"ML101": "note", "ML102": "error"}
    found = origins(mesh, *arguments)
    assert found["goal"] == "base.toml:1"
    assert found["fail-on"] == "meshlint.toml:3"
    assert found["impact"] == "level minimal"
    assert found["min-severity"] == "--min-severity"
    assert found["environments"] == "--environment"
    assert (found["severity.ML101"], found["severity.ML102"]) == ("base.toml:4", "--severity")
    assert found["assume.services"] == "meshlint.toml:5"
    assert found["quiet"] == "default"
    assert "# assume.namespaces is not set" in call("--show-settings", cwd=mesh).out
    assert found["# per-path"] == "meshlint.toml:6"
    assert call("config", cwd=mesh).out == call("--show-settings", cwd=mesh).out


def test_settings_shown_are_accepted(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("target = 'istio=1.30'\nselect = ['traffic']\n[severity]\nML101 = 'note'\n")
    shown = settings(mesh)
    (mesh / "meshlint.toml").write_text(call("--show-settings", cwd=mesh).out)
    assert settings(mesh) == shown


def test_the_schema_for_editors(tmp_path: Path) -> None:
    run = call("config", "--schema", cwd=tmp_path)
    assert (run.code, json.loads(run.out)) == (0, table("meshlint/config.v1"))
    Draft202012Validator.check_schema(json.loads(run.out))


# init


def test_init_writes_a_configuration_that_changes_nothing(mesh: Path) -> None:
    before = lint(mesh).findings
    run = call("init", cwd=mesh)
    assert (run.code, run.out) == (0, "")
    assert "wrote ./meshlint.toml" in run.err
    assert lint(mesh).findings == before
    assert load(str(mesh / "meshlint.toml")).level == "default"


def test_init_never_overwrites_unless_forced(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("# mine\n")
    run = call("init", cwd=mesh)
    assert (run.code, (mesh / "meshlint.toml").read_text()) == (2, "# mine\n")
    assert "--force" in run.err
    shown = call("init", "--stdout", cwd=mesh)
    assert (shown.code, (mesh / "meshlint.toml").read_text()) == (0, "# mine\n")
    assert call("init", "--force", cwd=mesh).code == 0
    assert (mesh / "meshlint.toml").read_text() == shown.out


def test_init_does_not_write_through_a_link(mesh: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.toml"
    (mesh / "meshlint.toml").symlink_to(elsewhere)
    assert call("init", cwd=mesh).code == 2
    assert call("init", "--force", cwd=mesh).code == 2
    assert not elsewhere.exists()


def test_init_fits_what_it_finds(tmp_path: Path) -> None:
    operator = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: i, namespace: istio-system}\n"
    operator += "spec: {tag: 1.28.5}\n"
    route = ROUTE.replace("host: reviews.shop", "host: ledger.billing").replace("hosts: [reviews", "hosts: [ratings")
    write(tmp_path, {"mesh.yaml": operator, "a/service.yaml": SERVICE, "a/route.yaml": route, "tests/rule.yaml": RULE})
    text = call("init", "--stdout", cwd=tmp_path).out
    assert 'istio = "1.28.5"' in text and "mesh.yaml:4" in text
    assert '# exclude = ["/tests/"]' in text
    assert '# services = ["shop/ratings"]' in text
    assert '# namespaces = ["billing"]' in text
    assert "# environments = " in text


def test_what_init_suggests_is_accepted(mesh: Path) -> None:
    """With every suggestion uncommented."""
    lines = call("init", "--stdout", cwd=mesh).out.splitlines()
    body = [line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in lines]
    (mesh / "meshlint.toml").write_text("\n".join(body))
    assert load(str(mesh / "meshlint.toml")).per_path[0].paths == ("legacy/",)


@pytest.mark.parametrize("name", ["nothing", "service.yaml"])
def test_init_wants_a_folder(mesh: Path, name: str) -> None:
    run = call("init", name, cwd=mesh)
    assert (run.code, run.out) == (2, "")
    assert "no such folder" in run.err


def test_init_of_an_empty_folder(tmp_path: Path) -> None:
    assert "newest stable release" in call("init", "--stdout", cwd=tmp_path).out
