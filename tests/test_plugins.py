"""The rules of others: named by the user they run, named by the repository they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from meshlint.testing import Run, call, lint

ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: ingress}]
  rules:
  - backendRefs: [{name: shop, port: 80}]
"""
RULE = '''from meshlint.api import Impact, Kind, Problem, Severity, rule

@rule("{number}", "{name}", Severity.ERROR, impact=Impact.ADVICE, each=Kind.HTTP_ROUTE, remedy="Rename it."{more})
def check(route, mesh):
    """Routes are not called shop.

    Remedy: another name. Not reported when it has one.
    """
    {body}
'''
BODY = 'yield Problem(route.root.get("metadata", "name"), f"{route.title} is called shop.")'


def python_rule(number: str = "ACME101", name: str = "acme-name", body: str = BODY, more: str = "") -> str:
    return RULE.format(number=number, name=name, body=body, more=more)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / ".git").mkdir()
    (folder / "route.yaml").write_text(ROUTE, "utf-8")
    return folder


def rules(tmp_path: Path, text: str, file: str = "acme_name.py", folder: str = "rules") -> str:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / file).write_text(text, "utf-8")
    return str(tmp_path / folder)


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, points: str, **modules: str) -> None:
    """A distribution in a folder of its own on the path, as pip would leave it."""
    site = tmp_path / "site"
    info = site / "meshlint_acme-1.2.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: meshlint-acme\nVersion: 1.2\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[meshlint.rules]\n{points}\n", "utf-8")
    for name, text in modules.items():
        (site / f"{name}.py").write_text(text, "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(site))


def refused(run: Run) -> str:
    assert (run.code, run.out) == (2, "")
    assert "Traceback" not in run.err and "defect" not in run.err
    return run.err


# a folder of Python rules


def test_a_folder_of_rules(tmp_path: Path, repository: Path) -> None:
    folder = rules(tmp_path, python_rule())
    (found,) = lint(repository, "--rules", folder, "--select", "ACME1").findings
    assert (found["rule"], found["family"], found["file"], found["line"], found["column"]) == ("ACME101", "plugin", "route.yaml", 3, 18)
    assert found["help"] == "meshlint rule ACME101"
    assert not list(Path(folder).rglob("__pycache__"))
    assert "ACME101" not in lint(repository).out


def test_rules_of_others_are_selected_ignored_suppressed_and_graded_like_ours(tmp_path: Path, repository: Path) -> None:
    folder = rules(tmp_path, python_rule(more=', family="acme"'))

    def found(*arguments: str) -> list[tuple[str, str]]:
        return [(one["rule"], one["severity"]) for one in lint(repository, "--rules", folder, *arguments).findings]

    assert found("--select", "acme") == found("--select", "acme-name") == [("ACME101", "warning")]
    assert found("--select", "acme", "--ignore", "ACME101") == []
    assert found("--select", "acme", "--severity", "ACME101=note") == [("ACME101", "note")]
    (repository / "meshlint.toml").write_text('select = ["acme"]\n[severity]\nacme-name = "error"\n', "utf-8")
    assert found() == [("ACME101", "error")]
    assert "no rule or family is called 'acme'" in refused(lint(repository))
    (repository / "route.yaml").write_text(ROUTE.replace("shop}\n", "shop}  # meshlint: ignore[ACME101] known\n", 1), "utf-8")
    run = lint(repository, "--rules", folder)
    assert run.findings == [] and run.report["summary"]["suppressed"] == 1


@pytest.mark.parametrize("form", ["text", "concise", "sarif", "github", "gitlab", "junit", "rdjson", "markdown"])
def test_every_format_tells_them(tmp_path: Path, repository: Path, form: str) -> None:
    run = call("check", ".", "-o", form, "--rules", rules(tmp_path, python_rule()), cwd=repository)
    assert run.code == 1 and "ACME101" in run.out


def test_they_are_explained(tmp_path: Path, repository: Path) -> None:
    folder = rules(tmp_path, python_rule())
    run = call("rule", "acme-name", "--rules", folder, cwd=repository)
    assert run.code == 0 and run.out.startswith("ACME101 acme-name  (plugin; error, advice; confidence medium)")
    assert "acme-name" in call("rule", "--all", "--rules", folder, cwd=repository).out
    assert "no rule is called 'acme-name'" in refused(call("rule", "acme-name", cwd=repository))


def test_a_rule_that_raises_costs_itself(tmp_path: Path, repository: Path) -> None:
    folder = rules(tmp_path, python_rule(body="raise ValueError('no'); yield"))
    run = lint(repository, "--rules", folder, "--select", "ACME101")
    assert run.code == 2
    assert [one["message"] for one in run.findings] == ["Rule ACME101 acme-name raised ValueError on HTTPRoute shop/shop: no"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_this_name\n", "cannot be loaded: ModuleNotFoundError: No module named 'nothing_of_this_name' ("),
        ("def f(:\n", "cannot be loaded: SyntaxError"),
        ("raise SystemExit(0)\n", "cannot be loaded: SystemExit: 0"),
        ("x = 1\n", "no Python file in it holds a rule"),
        (python_rule("ACME1"), "rule ACME1 acme-name: a number is 2 to 10 capital letters"),
        (python_rule("ML199"), "ML is meshlint's own"),
        (python_rule(name="Acme"), "the name 'Acme' is not small letters"),
        (python_rule(more=', family="meta"'), "the family 'meta'"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, repository: Path, text: str, said: str) -> None:
    assert said in refused(lint(repository, "--rules", rules(tmp_path, text)))


def test_a_folder_that_is_not_there(repository: Path) -> None:
    assert "--rules nowhere: no such folder" in refused(lint(repository, "--rules", "nowhere"))


@pytest.mark.parametrize(
    ("number", "name", "said"),
    [
        ("ACME102", "vs-retries", "vs-retries is ML115 vs-retries of meshlint and ACME102 vs-retries of "),
        ("ACME102", "acme-name", "acme-name is ACME101 acme-name of ../rules/acme_name.py and ACME102 acme-name of ../more/b.py"),
        ("ACME101", "other", "ACME101 is ACME101 acme-name of ../rules/acme_name.py and ACME101 other of ../more/b.py"),
        ("ACME102", "traffic", "ACME102 of ../more/b.py is called traffic, and so is a family of rules"),
    ],
)
def test_clashes_name_both_sources(tmp_path: Path, repository: Path, number: str, name: str, said: str) -> None:
    first = rules(tmp_path, python_rule())
    second = rules(tmp_path, python_rule(number, name), "b.py", "more")
    assert said in refused(lint(repository, "--rules", first, "--rules", second))


# installed packages


def test_a_plugin_is_off_until_it_is_named(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, "acme = acme_rules", acme_rules=python_rule())
    assert "ACME101" not in lint(repository).out and "acme_rules" not in sys.modules
    assert [one["rule"] for one in lint(repository, "--plugin", "acme", "--select", "ACME101").findings] == ["ACME101"]
    (tmp_path / "mine.toml").write_text('plugins = ["acme"]\n', "utf-8")
    given = lint(repository, "--config", "../mine.toml", "--select", "ACME101")
    assert [one["rule"] for one in given.findings] == ["ACME101"]
    assert "ACME101" in call("rule", "ACME101", "--plugin", "acme", cwd=repository).out


def test_the_settings_show_whose_rules_are_loaded(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch, "acme = acme_rules", acme_rules=python_rule())
    shown = call("--show-settings", "--plugin", "acme", cwd=repository).out
    assert 'plugins = ["acme"]' in shown and "# --plugin" in shown
    assert "# rules of plugin acme (meshlint-acme 1.2): ACME101\n" in shown
    assert call("config", "--plugin", "acme", cwd=repository).out == shown


@pytest.mark.parametrize(
    ("points", "text", "said"),
    [
        ("acme = acme_rules", "raise RuntimeError('broken')", "plugin acme (meshlint-acme 1.2) cannot be loaded: RuntimeError: broken ("),
        ("acme = acme_rules:NOTHING", "", "cannot be loaded: AttributeError"),
        ("acme = acme_rules:RULES", "RULES = 5", "its entry point is neither a module nor a list of rules"),
        ("acme = acme_rules", "", "plugin acme (meshlint-acme 1.2) brings no rules"),
        ("acme = not_there", "", "cannot be loaded: ModuleNotFoundError"),
        ("acne = acme_rules", "", "no plugin is called 'acme'; did you mean acne? Installed are "),
    ],
)
def test_plugins_that_cannot_be_used(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, points: str, text: str, said: str
) -> None:
    installed(tmp_path, monkeypatch, points, acme_rules=text)
    assert said in refused(lint(repository, "--plugin", "acme"))


def test_without_plugins_the_error_says_what_one_is(repository: Path) -> None:
    said = refused(lint(repository, "--plugin", "no-such-plugin"))
    assert "no plugin is called 'no-such-plugin'" in said and ("meshlint.rules" in said or "installed are" in said)


# the repository itself

EVIL = "import pathlib; pathlib.Path(__file__).with_name('ran').touch()\n" + python_rule()


def evil(repository: Path) -> None:
    rules(repository, EVIL, "evil.py", "evil")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"meshlint.toml": 'rules = ["evil"]\n'}, "meshlint.toml:1: rules: refused"),
        ({"meshlint.toml": 'plugins = ["evil"]\n'}, "meshlint.toml:1: plugins: refused"),
        ({"pyproject.toml": '[tool.meshlint]\nrules = ["evil"]\n'}, "pyproject.toml:2: rules: refused"),
        ({"meshlint.toml": 'extend = "base.toml"\n', "base.toml": 'plugins = ["evil"]\n'}, "base.toml:1: plugins: refused"),
        (
            {"meshlint.toml": 'extend = "a.toml"\n', "a.toml": 'extend = ["b/c.toml"]\n', "b/c.toml": 'rules = ["../evil"]\n'},
            "c.toml:1: rules: refused",
        ),
    ],
)
def test_the_repository_cannot_load_code(repository: Path, files: dict[str, str], said: str) -> None:
    evil(repository)
    for name, text in files.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text, "utf-8")
    for command in ("check", "config", "environments"):
        assert said in refused(call(command, cwd=repository))
    assert said in refused(call("rule", "EVIL101", cwd=repository))
    assert not (repository / "evil" / "ran").exists()


def test_a_link_as_configuration_is_no_way_around(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "outside.toml").write_text('plugins = ["acme"]\n', "utf-8")
    (repository / "meshlint.toml").symlink_to(tmp_path / "outside.toml")
    assert "it is a link that leads out of its folder" in refused(lint(repository))
    (repository / "meshlint.toml").unlink()
    (repository / "real.toml").write_text('plugins = ["acme"]\n', "utf-8")
    (repository / "meshlint.toml").symlink_to(repository / "real.toml")
    assert "plugins: refused" in refused(lint(repository))


def test_python_files_named_as_rules_as_data_run_nothing(repository: Path) -> None:
    evil(repository)
    for named in ("evil", "evil/evil.py"):
        (repository / "meshlint.toml").write_text(f'declared-rules = ["{named}"]\n', "utf-8")
        refused(lint(repository))
    assert not (repository / "evil" / "ran").exists()
