"""The command line: exit codes, options, what goes to stdout and what to stderr."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshlint.arguments import FORMATS
from meshlint.check.registry import bundled
from tests.door import call, lint
from tests.manifests import ERROR, MESH, NOTE, RULE, SERVICE, WARNING, write


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    return write(tmp_path, MESH)


def names(folder: Path, *arguments: str) -> set[str]:
    return {finding["name"] for finding in lint(folder, *arguments).findings}


def breaks(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def check(*_: object) -> list[object]:
        raise error

    monkeypatch.setattr(bundled().named(name), "check", check)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("code", "rule", "options"),
    [
        (1, ERROR, []),
        (1, WARNING, []),
        (0, NOTE, []),
        (1, NOTE, ["--fail-on", "note"]),
        (0, WARNING, ["--fail-on", "error"]),
        (1, ERROR, ["--fail-on", "error"]),
        (0, ERROR, ["--fail-on", "never"]),
        (0, ERROR, ["--exit-zero"]),
        (0, NOTE, ["--level", "default"]),
        (1, NOTE, ["--level", "strict"]),
        (0, NOTE, ["--level", "strict", "--fail-on", "warning"]),
        (1, ERROR, ["--level", "minimal"]),
        (0, "vs-retries", []),
    ],
)
def test_exit_code_by_severity(mesh: Path, form: str, code: int, rule: str, options: list[str]) -> None:
    run = call("-o", form, "--select", rule, *options, cwd=mesh)
    assert run.code == code
    assert (rule in run.out) == (rule != "vs-retries")


@pytest.mark.parametrize("form", FORMATS)
def test_a_broken_rule_is_told_and_the_others_go_on(mesh: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, ERROR, ZeroDivisionError("boom"))
    run = call("-o", form, "--exit-zero", cwd=mesh)
    assert run.code == 2
    assert "rule-failed" in run.out and "ZeroDivisionError" in run.out and "boom" in run.out
    assert WARNING in run.out


def test_two_rules_that_fail_on_one_object_are_both_told(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, ERROR, ValueError("first"))
    breaks(monkeypatch, WARNING, ValueError("second"))
    failed = [finding["message"] for finding in lint(mesh).findings if finding["name"] == "rule-failed"]
    assert len(failed) == 2 and "first" in "".join(failed) and "second" in "".join(failed)


def test_a_broken_rule_is_told_whatever_is_filtered(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mesh / "meshlint.toml").write_text("")
    breaks(monkeypatch, ERROR, ValueError("no"))
    filters = ["--select", ERROR, "--severity", "rule-failed=note", "--min-severity", "error"]
    run = call("-o", "json", *filters, cwd=mesh)
    assert run.code == 2
    assert [finding["name"] for finding in run.findings] == ["rule-failed"]


def test_a_rule_that_breaks_on_another_file_is_told_if_it_is_asked_there(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mesh / "meshlint.toml").write_text("")
    breaks(monkeypatch, ERROR, ValueError("no"))
    (mesh / "rule.yaml").write_text(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a, namespace: shop}\nspec: {host: a}\n"
    )
    told = {file: call(file, "-o", "json", "--select", ERROR, cwd=mesh) for file in ("service.yaml", "rule.yaml")}
    assert {file: run.code for file, run in told.items()} == {"service.yaml": 0, "rule.yaml": 2}
    assert [finding["name"] for finding in told["rule.yaml"].findings] == ["rule-failed"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--selct", "all"], "did you mean --select?"),
        (["--fail-on", "waring"], "did you mean warning?"),
        (["--goal", "ambiant"], "did you mean ambient?"),
        (["--level", "stric"], "did you mean strict?"),
        (["--impact", "braks"], "did you mean breaks?"),
        (["--assume", "service=a/b"], "services="),
        (["--assume", "mode=ambient"], "services="),
        (["--assume", "services"], "services="),
        (["--jobs", "0"], "at least 1"),
        (["--select", "vs-subset-destinatoin"], "did you mean vs-subset-destination?"),
        (["--ignore", "trafic"], "did you mean traffic?"),
        (["--extend-select", "ML9999"], "'ML9999'"),
        (["--severity", "ML101=eror"], "RULE=error"),
        (["--severity", "subset-unusd=error"], "did you mean subset-unused?"),
        (["--target", "istio=9.9"], "Istio 9.9 is not a release"),
        (["--target", "istoi=1.30"], "istoi"),
        (["--environment", "prdo"], "no environment is called 'prdo'"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--context", "missing"], "--context missing"),
        (["-"], "--stdin-filename"),
        (["--stdin-filename", "x.yaml"], "the path -"),
        (["-", ".", "--stdin-filename", "x.yaml"], "cannot be mixed"),
    ],
)
def test_what_cannot_be_used_is_2_and_names_the_nearest_word(mesh: Path, form: str, arguments: list[str], said: str) -> None:
    run = call("-o", form, *arguments, cwd=mesh)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "jsn"], "did you mean json?"),
        (["-o", "text", "-o", "json"], "only one format can go to stdout"),
        (["-o", "json="], "names no file"),
        (["-o", "json=x", "-o", "sarif=./x"], "one file"),
        (["-o", "json=missing/x"], "cannot write missing/x"),
    ],
)
def test_outputs_that_cannot_be(mesh: Path, arguments: list[str], said: str) -> None:
    run = call(*arguments, cwd=mesh)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail-onn = 'note'\n", "meshlint.toml:1: fail-onn: unknown key; did you mean fail-on?"),
        ("select = 5\n", "must be a list"),
        ("fail-on = \n", "not TOML"),
        ("ignore = ['subset-unusd']\n", "did you mean subset-unused?"),
        ("target = 'istio=0.1'\n", "Istio 0.1 is not a release"),
    ],
)
def test_bad_configuration(mesh: Path, text: str, said: str) -> None:
    (mesh / "meshlint.toml").write_text(text)
    run = lint(mesh)
    assert (run.code, run.out) == (2, "")
    assert said in run.err


@pytest.mark.parametrize("form", FORMATS)
def test_no_file_is_3(tmp_path: Path, form: str) -> None:
    assert call("-o", form, cwd=tmp_path).code == 3
    missing = call("-o", form, "nowhere", cwd=tmp_path)
    assert (missing.code, missing.out) == (3, "")
    assert "no such file or folder: nowhere" in missing.err


def test_an_empty_path_is_not_the_current_folder(mesh: Path) -> None:
    assert call("", cwd=mesh).code == 3


def test_a_command_misspelt_is_named(tmp_path: Path) -> None:
    assert "did you mean the command environments?" in call("enviroments", cwd=tmp_path).err


@pytest.mark.parametrize("form", FORMATS)
def test_files_that_are_no_manifests_are_0(tmp_path: Path, form: str) -> None:
    write(tmp_path, {"values.yaml": "replicas: 3\n", "package.json": "{}\n"})
    assert call("-o", form, cwd=tmp_path).code == 0


@pytest.mark.parametrize("form", FORMATS)
def test_data_goes_to_stdout_and_the_rest_to_stderr(tmp_path: Path, form: str) -> None:
    outside = write(tmp_path / "outside", {"x.yaml": SERVICE})
    inside = write(tmp_path / "inside", {"service.yaml": SERVICE})
    (inside / "link.yaml").symlink_to(outside / "x.yaml")
    run = call("-o", form, cwd=inside)
    assert "leads out of the root" in run.err
    assert form == "sarif" or "leads out" not in run.out  # SARIF has notifications for it


def test_interrupted_is_130(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundled().named(ERROR), "check", stop)
    assert lint(mesh).code == 130


def test_a_defect_of_meshlint_is_2_with_a_traceback_on_stderr(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meshlint.engine.discover", lambda *_: 1 / 0)
    run = lint(mesh)
    assert (run.code, run.out) == (2, "")
    assert "defect of meshlint" in run.err and "ZeroDivisionError" in run.err


def test_select_and_ignore(mesh: Path) -> None:
    assert names(mesh, "--select", ERROR) == {ERROR}
    assert names(mesh, "--select", "ml145, ML146") == {ERROR, NOTE}
    assert names(mesh, "--select", "ML1") >= {ERROR, NOTE, WARNING}
    assert names(mesh, "--select", "install") == set()
    assert names(mesh, "--select", "install", "--extend-select", NOTE) == {NOTE}
    assert ERROR not in names(mesh, "--ignore", ERROR)
    assert names(mesh, "--select", "traffic", "--ignore", f"{WARNING},{ERROR}") & {WARNING, ERROR} == set()
    assert names(mesh, "--select", ERROR, "--ignore", "traffic") == {ERROR}
    assert names(mesh, "--ignore", "traffic") & {WARNING, ERROR, NOTE} == set()
    assert names(mesh, "--select", ERROR, "--ignore", ERROR) == set()


def test_severity(mesh: Path) -> None:
    def levels(*arguments: str) -> dict[str, str]:
        return {finding["name"]: finding["severity"] for finding in lint(mesh, *arguments).findings}

    assert (levels()[ERROR], levels()[NOTE]) == ("error", "note")
    assert levels("--severity", f"{ERROR}=note")[ERROR] == "note"
    assert levels("--severity", "ML145=warning", "--severity", "ML146=error")[NOTE] == "error"
    by_family = levels("--severity", "traffic=note", "--severity", f"{WARNING}=error")
    assert (by_family[ERROR], by_family[WARNING]) == ("note", "error")
    assert lint(mesh, "--severity", "all=note").code == 0


def test_least_severity_and_confidence(mesh: Path) -> None:
    assert {f["severity"] for f in lint(mesh).findings} == {"error", "warning", "note"}
    assert {f["severity"] for f in lint(mesh, "--min-severity", "warning").findings} == {"error", "warning"}
    assert {f["severity"] for f in lint(mesh, "--min-severity", "error").findings} == {"error"}
    assert lint(mesh, "--min-severity", "error").report["summary"]["warning"] == 0
    assert {f["confidence"] for f in lint(mesh, "--min-confidence", "high").findings} == {"high"}
    assert len(lint(mesh, "--min-confidence", "low").findings) == len(lint(mesh).findings)


def test_statistics(mesh: Path) -> None:
    run = call("--statistics", cwd=mesh)
    rows = [line.split() for line in run.out.splitlines()]
    assert run.code == 1
    assert sum(int(row[0]) for row in rows) == len(lint(mesh).findings)
    assert ["1", "ML145", "error", ERROR] in rows


def test_show_files(mesh: Path) -> None:
    write(mesh, {"notes.txt": "", "deep/more.yml": RULE, "vendor/x.yaml": RULE})
    run = call("--show-files", "--exclude", "vendor", cwd=mesh)
    assert (run.code, run.out.splitlines()) == (0, ["deep/more.yml", "route.yaml", "rule.yaml", "service.yaml"])
    assert call("--show-files", "../" + mesh.name, cwd=mesh / "deep").code == 3  # no such folder
    assert call("--show-files", "..", cwd=mesh / "deep").out.splitlines()[:2] == ["more.yml", "../route.yaml"]


def test_show_settings(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("goal = 'ambient'\nfail-on = 'note'\n")
    run = call("--show-settings", "--fail-on", "error", cwd=mesh)
    assert run.code == 0
    assert 'goal = "ambient"' in run.out and 'fail-on = "error"' in run.out


@pytest.mark.parametrize("form", ["text", "github"])
def test_quiet_leaves_out_the_summary(mesh: Path, form: str) -> None:
    run = call("-q", "-o", form, cwd=mesh)
    assert "Target:" not in run.out + run.err and ERROR in run.out


def test_concise_says_its_summary_on_stderr(mesh: Path) -> None:
    run = call("-o", "concise", cwd=mesh)
    assert "Target:" in run.err and "Target:" not in run.out
    assert call("-o", "concise", "-q", cwd=mesh).err == ""


def test_color(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert "\x1b[" not in call(cwd=mesh).out
    assert "\x1b[" in call("--color", "always", cwd=mesh).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in call(cwd=mesh).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in call(cwd=mesh).out


def test_command_line_wins_over_configuration(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text(f"select = ['{ERROR}']\nfail-on = 'never'\n[severity]\n'{ERROR}' = 'warning'\n")
    configured = lint(mesh)
    assert (configured.code, [f["severity"] for f in configured.findings]) == (0, ["warning"])
    assert lint(mesh, "--fail-on", "warning").code == 1
    assert names(mesh, "--select", NOTE) == {NOTE}
    assert lint(mesh, "--severity", f"{ERROR}=error").findings[0]["severity"] == "error"
    assert names(mesh, "--isolated") >= {ERROR, NOTE, WARNING}


def test_configuration_by_option(mesh: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (mesh / "meshlint.toml").write_text("select = ['install']\n")
    other = tmp_path_factory.mktemp("elsewhere") / "mine.toml"
    other.write_text(f"select = ['{NOTE}']\n")
    assert names(mesh, "--config", str(other)) == {NOTE}


def test_pyproject(mesh: Path) -> None:
    (mesh / "pyproject.toml").write_text(f"[tool.meshlint]\nselect = ['{NOTE}']\n")
    assert names(mesh) == {NOTE}
    (mesh / "meshlint.toml").write_text(f"select = ['{ERROR}']\n")
    assert names(mesh) == {ERROR}


def test_the_configuration_is_that_of_the_linted_folder(mesh: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (mesh / "meshlint.toml").write_text(f"select = ['{NOTE}']\n")
    away = tmp_path_factory.mktemp("away")
    (away / "meshlint.toml").write_text("select = ['install']\n")
    run = call(str(mesh), "-o", "json", cwd=away)
    assert {finding["name"] for finding in run.findings} == {NOTE}


def test_the_format_of_the_configuration(mesh: Path) -> None:
    (mesh / "meshlint.toml").write_text("output-format = ['concise', 'sarif=out.sarif']\n")
    (mesh / "deep").mkdir()
    run = call("..", cwd=mesh / "deep")
    assert run.out.startswith("../route.yaml:")
    assert json.loads((mesh / "out.sarif").read_text())["version"] == "2.1.0"
    assert call("-o", "json", cwd=mesh).report["version"] == 1


def test_output_file(mesh: Path) -> None:
    run = call("-o", "json", "--output-file", "report.txt", cwd=mesh)
    assert (run.code, run.out) == (1, "")
    assert json.loads((mesh / "report.txt").read_text())["version"] == 1


def test_a_file_from_stdin(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mesh / "meshlint.toml").write_text("")
    text = (mesh / "route.yaml").read_text().replace("v9", "v1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    run = call("-", "--stdin-filename", "route.yaml", "-o", "json", cwd=mesh)
    assert {finding["name"] for finding in run.findings} == {"vs-subset-destination", WARNING}
    assert {finding["file"] for finding in run.findings} == {"route.yaml"}


def test_a_new_file_from_stdin_in_a_subfolder(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (mesh / "meshlint.toml").write_text("")
    (mesh / "deep").mkdir()
    text = (mesh / "route.yaml").read_text()
    (mesh / "route.yaml").unlink()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    run = call("-", "--stdin-filename", "new.yaml", "-o", "json", "--select", ERROR, cwd=mesh / "deep")
    assert run.places() == {("new.yaml", 8, "ML145")}
    assert run.findings[0]["related"][0]["file"] == "../rule.yaml"


def test_stdin_that_is_no_text(mesh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: \xff\xfe")))
    run = call("-", "--stdin-filename", "x.yaml", cwd=mesh)
    assert (run.code, run.out) == (2, "")
    assert "stdin: not text" in run.err


def test_a_reader_that_goes_away_is_no_crash(mesh: Path) -> None:
    command = f"{sys.executable} -m meshlint -o json --color never | head -c 1"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(["sh", "-c", command], cwd=mesh, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


def test_explain(tmp_path: Path) -> None:
    assert "ML145 subset-undefined" in call("rule", "ml145", cwd=tmp_path).out
    assert json.loads(call("rule", ERROR, "-o", "json", cwd=tmp_path).out)[0]["id"] == "ML145"
    assert call("rule", "--all", "-o", "markdown", cwd=tmp_path).out.startswith("# ")
    unknown = call("rule", "subset-undefind", cwd=tmp_path)
    assert (unknown.code, unknown.out) == (2, "")
    assert "did you mean subset-undefined?" in unknown.err


def test_environments(mesh: Path, tmp_path: Path) -> None:
    run = call("environments", "-o", "json", cwd=mesh)
    assert run.code == 0
    assert [row["name"] for row in json.loads(run.out)] == ["."]
    assert call("environments", cwd=mesh).out.startswith(".")


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["check", "--help"], ["--help"]])
def test_help_and_version(tmp_path: Path, arguments: list[str]) -> None:
    run = call(*arguments, cwd=tmp_path)
    assert (run.code, run.err) == (0, "")
    assert "meshlint" in run.out
