"""Rules as data: what they find and where, what is said of files that are none, and that hostile ones harm nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from meshlint.check.declared import declared
from meshlint.check.declared_form import flaws
from meshlint.check.registry import scan
from meshlint.facts import table
from meshlint.read.file import read_file
from meshlint.semantics.json_keywords import KEYWORDS
from meshlint.semantics.patterns import Budget
from meshlint.testing import call, check_example, lint

ROOT = Path(__file__).parent.parent
BUNDLED = sorted((ROOT / "rules/declared").glob("*.yaml"))
RULE = """id: ACME201
name: acme-retries
severity: error
impact: differs
kind: networking.istio.io/VirtualService
require:
  properties:
    spec:
      properties:
        http:
          items:
            properties:
              retries:
                properties:
                  attempts: {maximum: 3}
message: "{title} retries {value} times ({path} {wants}); its host is {spec.hosts[0]}."
remedy: Retry three times at most.
documentation: |
  A route retries more than three times.

  Remedy: less. Not reported when it does less.
examples:
  - |
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: a, namespace: b}
    spec:
      hosts: [a]
      http:
        - retries: {attempts: 4}  # expect: ACME201
          route: [{destination: {host: a}}]
"""
ROUTE = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example]
  http:
  - retries: {attempts: 3}
  - retries:
      attempts: 9
"""
SELECT = ("--select", "ACME2")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "meshlint.toml").write_text('declared-rules = ["policies"]\n', "utf-8")
    (tmp_path / "route.yaml").write_text(ROUTE, "utf-8")
    rule(tmp_path, RULE)
    return tmp_path


def rule(folder: Path, text: str, name: str = "retries.yaml") -> None:
    (folder / "policies" / name).write_text(text, "utf-8")


def refused(folder: Path, *arguments: str) -> str:
    run = lint(folder, *arguments)
    assert (run.code, run.out) == (2, "") and "Traceback" not in run.err
    return run.err


# what they find


def test_a_repository_may_bring_rules_as_data(repository: Path) -> None:
    (found,) = lint(repository, *SELECT).findings
    assert (found["file"], found["line"], found["column"], found["end_column"]) == ("route.yaml", 9, 17, 18)
    assert found["path"] == "spec.http[1].retries.attempts"
    assert found["message"] == (
        "VirtualService shop/shop retries 9 times (spec.http[1].retries.attempts must be at most 3); its host is shop.example."
    )
    assert (found["rule"], found["family"], found["severity"], found["impact"]) == ("ACME201", "declared", "warning", "differs")
    assert [one["rule"] for one in lint(repository, "--select", "declared").findings] == ["ACME201"]
    jsonschema.Draft202012Validator(table("meshlint/report.v1")).validate(lint(repository).report)


def test_final_errors_stay_errors(repository: Path) -> None:
    rule(repository, RULE.replace("impact:", "final: true\nimpact:"))
    assert [one["severity"] for one in lint(repository, *SELECT).findings] == ["error"]


def test_they_are_explained_and_shown(repository: Path) -> None:
    text = call("rule", "acme-retries", cwd=repository).out
    assert "A route retries more than three times." in text and "Retry three times at most." in text
    assert call("rule", "ML101", cwd=repository).code == 0
    assert "# rules of policies/retries.yaml: ACME201" in call("config", cwd=repository).out


def test_where_and_versions_and_several_kinds(repository: Path) -> None:
    selected = RULE.replace("networking.istio.io/VirtualService", "[networking.istio.io/v1beta1/VirtualService, v1/Service]")
    rule(repository, selected)
    assert lint(repository, *SELECT).findings == []
    where = "where: {properties: {metadata: {properties: {namespace: {const: other}}}}}\nrequire:"
    rule(repository, RULE.replace("require:", where, 1))
    assert lint(repository, *SELECT).findings == []


def test_the_example_is_checked_by_the_public_helper(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made,) = declared(str(repository / "policies/retries.yaml"), "retries.yaml", Budget())
    (repository / "mine.toml").write_text('declared-rules = ["policies"]\n', "utf-8")
    monkeypatch.chdir(repository)
    check_example(made, *SELECT, "--config", str(repository / "mine.toml"))
    with pytest.raises(AssertionError, match=r"missing     example.yaml:7 ACME201"):
        check_example(made, "--ignore", "ACME2", "--config", str(repository / "mine.toml"))


def test_what_is_applied_counts_not_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "meshlint.toml").write_text('declared-rules = ["policies"]\n', "utf-8")
    (tmp_path / "policies").mkdir()
    owned = """require:
  properties:
    metadata:
      required: [labels]
      properties:
        namespace: {const: shop}
        labels: {required: [owner]}
message: "{metadata.namespace} {wants}"
"""
    head, rest = RULE[: RULE.index("require:")], RULE[RULE.index("remedy:") :]
    rule(tmp_path, head.replace("networking.istio.io/VirtualService", "Service") + owned + rest)
    (tmp_path / "base").mkdir()
    (tmp_path / "base/service.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: b\n", "utf-8")
    (tmp_path / "base/kustomization.yaml").write_text("resources: [service.yaml]\n", "utf-8")
    for name, text in {
        "good": "resources: [../base]\nnamespace: shop\nlabels: [{pairs: {owner: us}}]\n",
        "bad": "resources: [../base]\nnamespace: other\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "kustomization.yaml").write_text(text, "utf-8")
    found = lint(tmp_path, *SELECT, "--render", "never").findings
    assert {(one["message"], *one["environments"]) for one in found} == {
        ('other "labels" is missing', "bad"),
        ('other must be "shop"', "bad"),
    }


def test_templates_and_partial_objects_are_left_alone(repository: Path) -> None:
    (repository / "route.yaml").write_text(ROUTE.replace("attempts: 9", 'attempts: "{{ .Values.attempts }}"'), "utf-8")
    assert lint(repository, *SELECT).findings == []
    (repository / "route.yaml").write_text(ROUTE, "utf-8")
    (repository / "patch.yaml").write_text(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: shop, namespace: shop}\nspec: {http: []}\n", "utf-8"
    )
    (repository / "kustomization.yaml").write_text("resources: [route.yaml]\npatches: [{path: patch.yaml}]\n", "utf-8")
    assert lint(repository, *SELECT, "--render", "never").findings == []


# the form


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_bundled_files_have_the_published_form(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    jsonschema.Draft202012Validator(table("meshlint/declared-rule.v1")).validate(data)
    (document,) = read_file(str(path), path.name).documents
    assert [line for line in flaws(document.root) if "numbers of meshlint's own rules" not in line] == []
    assert data["id"].startswith("ML") and data["id"][3] in "89"  # numbers 80 to 99 of a family are those of rules as data
    for schema in (data["require"], data.get("where", True)):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_at_least_three_are_bundled_and_their_examples_hold() -> None:
    made = [rule for rule in scan() if rule.module.startswith("declared/")]
    assert len(made) == len(BUNDLED) >= 3
    for one in made:
        check_example(one, "--no-cache")


def test_the_published_schema_is_one_and_knows_every_keyword() -> None:
    schema = table("meshlint/declared-rule.v1")
    jsonschema.Draft202012Validator.check_schema(schema)
    annotations = {"title", "description", "$comment", "default", "examples", "$defs"}
    assert set(schema["$defs"]["schema"]["properties"]) == set(KEYWORDS) | annotations


MINIMAL = RULE[: RULE.index("examples:")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL.replace("severity: error", "severity: fatal"), 'retries.yaml:3: severity: must be "error" or "warning" or "note"'),
        (MINIMAL.replace("remedy:", "remedi:"), "retries.yaml:17: remedi: unknown key; did you mean remedy?"),
        (MINIMAL.replace("remedy:", "remedi:"), "retries.yaml:1: remedy is missing"),
        (MINIMAL.replace("maximum", "maxium"), "unknown key; did you mean maximum?"),
        (MINIMAL.replace("{maximum: 3}", "{maximum: three}"), "retries.yaml:15: require.properties.spec"),
        (MINIMAL.replace("ACME201", "acme-1"), "retries.yaml:1: id: must match ^[A-Z]{2,10}[0-9]{3,4}$"),
        (MINIMAL.replace("ACME201", "ML190"), "retries.yaml:1: id ML190: numbers of meshlint's own rules begin with ML"),
        (MINIMAL.replace("ACME201", "ML1900"), "numbers of meshlint's own rules begin with ML"),
        (MINIMAL.replace("VirtualService", "VirtualServices"), "retries.yaml:5: kind: 'networking.istio.io/VirtualServices' is no kind"),
        (MINIMAL.replace("VirtualService", "VirtualServices"), "did you mean networking.istio.io/VirtualService?"),
        (MINIMAL.replace("{spec.hosts[0]}", "{hosts}"), "{hosts} is neither a path such as {spec.hosts} nor one of"),
        (MINIMAL.replace("{maximum: 3}", "{$ref: 'https://example.com/a.json'}"), "must match ^#/\\$defs/."),
        (MINIMAL.replace("{maximum: 3}", "{$ref: '#/$defs/a'}"), "retries.yaml:15: $ref '#/$defs/a': only #/$defs/NAME of this"),
        (MINIMAL.replace("{maximum: 3}", "{pattern: '(a+'}"), "retries.yaml:15: pattern '(a+': a group is not closed"),
        (MINIMAL.replace("Retry three", "Retry {{ .n }}"), "a rule must not hold template expressions"),
        ("a: [", "retries.yaml:1:"),
        ("- id: A\n", "holds no rule"),
        ("", "holds no rule"),
        (RULE + "---\n" + RULE.replace("acme-retries", "other"), "ACME201 is ACME201 acme-retries of policies/retries.yaml and ACME201"),
        (MINIMAL.replace("ACME201", "ACME202").replace("acme-retries", "vs-retries"), "vs-retries is ML115 vs-retries of meshlint and"),
    ],
)
def test_mistakes_say_where_and_what(repository: Path, text: str, said: str) -> None:
    rule(repository, text)
    assert said in refused(repository)


def test_all_mistakes_are_told_at_once(repository: Path) -> None:
    rule(repository, MINIMAL.replace("severity: error", "severity: fatal").replace("impact: differs", "impact: bad"))
    rule(repository, "a: [", "other.yml")
    assert len(refused(repository).splitlines()) == 3


# the boundary


def test_files_outside_of_the_boundary_are_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "retries.yaml").write_text(RULE, "utf-8")
    inside = tmp_path / "repository"
    (inside / "policies").mkdir(parents=True)
    (inside / "route.yaml").write_text(ROUTE, "utf-8")

    def configured(written: str) -> None:
        (inside / "meshlint.toml").write_text(f'declared-rules = ["{written}"]\n', "utf-8")

    configured("../outside")
    assert "declared-rules: '../outside' leads out of" in refused(inside)
    configured(str(tmp_path / "outside" / "retries.yaml"))
    assert "leads out of" in refused(inside)
    (inside / "link").symlink_to(tmp_path / "outside")
    configured("link")
    assert "leads out of" in refused(inside)
    (inside / "policies" / "retries.yaml").symlink_to(tmp_path / "outside" / "retries.yaml")
    configured("policies")
    assert "policies/retries.yaml is a link that leads out of its folder" in refused(inside)
    configured("nothing.yaml")
    assert "nothing.yaml is no file or folder" in refused(inside)
    (tmp_path / "mine.toml").write_text('declared-rules = ["outside"]\n', "utf-8")
    assert [one["rule"] for one in lint(inside, "--config", "../mine.toml", *SELECT).findings] == ["ACME201"]


def test_what_is_no_regular_file_is_not_waited_for(repository: Path) -> None:
    import os

    os.mkfifo(repository / "policies" / "pipe.yaml")
    assert "not a regular file" in refused(repository)


# hostile rules


def with_pattern(pattern: str) -> str:
    here = "properties:\n        http:"
    return MINIMAL.replace(here, here.replace("http:", f"hosts: {{items: {{pattern: '{pattern}'}}}}\n        http:"))


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(.*a){20}$", r"^(\w+\s?)*$"])
def test_patterns_that_would_take_for_ever(repository: Path, pattern: str) -> None:
    rule(repository, with_pattern(pattern))
    (repository / "route.yaml").write_text(ROUTE.replace("shop.example", "a" * 20_000 + "!"), "utf-8")
    assert lint(repository, *SELECT).code in (0, 1)  # with what re does, this would not end


def test_too_much_work_is_told_and_ends(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget.__init__, "__defaults__", (400_000,))
    chance = random.Random(1)
    rule(repository, with_pattern("a[ab]{900}!"))
    (repository / "route.yaml").write_text(ROUTE.replace("shop.example", "".join(chance.choices("ab", k=200_000))), "utf-8")
    run = lint(repository, *SELECT)
    assert run.code == 2
    assert any("LimitError" in one["message"] and "more work than a run allows" in one["message"] for one in run.findings)


def test_huge_and_deep_files_are_refused(repository: Path) -> None:
    rule(repository, "a: " + "x" * 1_100_000)
    assert "more than the limit" in refused(repository)
    rule(repository, MINIMAL.replace("{maximum: 3}", "{not: " * 80 + "{}" + "}" * 80))
    assert "more than 64 schemas inside of one another" in refused(repository)
    rule(repository, MINIMAL.replace("{maximum: 3}", "{not: " * 900 + "{}" + "}" * 900))
    assert "retries.yaml: nested too deeply" in refused(repository)
    rule(repository, "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]\n" for n in range(30)))
    refused(repository)
    rule(repository, MINIMAL.replace("{maximum: 3}", "{enum: [" + "[" * 500 + "]" * 500 + "]}"))
    assert lint(repository, *SELECT).code in (0, 1, 2)


def test_nothing_is_fetched_or_opened(repository: Path) -> None:
    """An audit hook sees every file and socket that a run opens."""
    rule(repository, MINIMAL.replace("{maximum: 3}", "{$ref: '#/$defs/a'}").replace("require:", "require:\n  $defs: {a: {maximum: 3}}"))
    code = (
        "import sys\nseen = []\n"
        "sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in ('open', 'socket.connect') else None)\n"
        "from meshlint.__main__ import main\nmain(['.', '-o', 'json', '--no-cache', '--select', 'ACME2'])\n"
        "print(); print('SEEN'); print([one for one in seen if one[0] != 'open'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    report, _, seen = done.stdout.rpartition("SEEN\n")
    assert [one["rule"] for one in json.loads(report)["findings"]] == ["ACME201"]
    assert seen.strip() == "[]"


# start-up


def test_rules_as_data_are_loaded_only_where_an_object_is_judged_and_never_import_jsonschema(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\n", "utf-8")
    (tmp_path / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n", "utf-8")

    def imported(file: str) -> set[str]:
        code = f"import sys; from meshlint.__main__ import main; main(['{file}']); print('\\nMODULES', *sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        return set(done.stdout.split("MODULES ")[1].split())

    parts = {"meshlint.check.declared", "meshlint.semantics.json_keywords"}
    assert not imported("service.yaml") & parts
    assert imported("namespace.yaml") & parts == parts
    assert not imported("namespace.yaml") & {"jsonschema", "meshlint.check.declared_form", "meshlint.plugins"}
