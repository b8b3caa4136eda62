"""Every rule: its cases, its documented example, its facts."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from meshlint import facts
from meshlint.check.registry import scan
from meshlint.model.kind import Kind
from meshlint.model.rule import Rule
from tests.asking import asked_by
from tests.door import call
from tests.pointing import Watch
from tests.rules_harness import CASES, Case, Expected, arguments_in, cases, example_of, expected_in, expected_of, judge

RULES = scan()
CHECKED = [rule for rule in RULES if rule.check is not None]
ALL_CASES = cases()
BY_RULE: dict[str, list[Case]] = defaultdict(list)
for _case in ALL_CASES:
    BY_RULE[_case.rule].append(_case)
CATALOGUE = {row[0]: row for row in json.loads((Path(__file__).parent / "catalogue.json").read_text(encoding="utf-8"))}
# what the data plane of a namespace, and who runs a Gateway or Ingress, are answered from; the runner asks for these itself
IMPLIED = {Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.GATEWAY_CLASS, Kind.INGRESS_CLASS}


def _id(of: Rule | Case) -> str:
    return of.name if isinstance(of, Rule) else of.id


def _of(rule: Rule) -> list[Case]:
    return BY_RULE[rule.name]


@cache
def _expected(case: Case) -> list[Expected]:
    return case.expected()


@pytest.fixture
def points_where_it_may(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    watch = Watch()
    monkeypatch.setattr("meshlint.check.runner.stamp", watch.stamp)
    yield
    assert not watch.astray


@pytest.mark.usefixtures("points_where_it_may")
@pytest.mark.parametrize("case", ALL_CASES, ids=_id)
def test_case(case: Case, tmp_path: Path) -> None:
    assert judge(case.copy(tmp_path), _expected(case), *case.arguments) == ""


@pytest.mark.parametrize("rule", RULES, ids=_id)
def test_documented_example(rule: Rule, tmp_path: Path) -> None:
    example = example_of(rule)
    if example is None:
        assert rule.check is None, "the documentation has no example"
        return
    (tmp_path / "example.yaml").write_text(example, encoding="utf-8")
    expected = expected_of(example, "example.yaml")
    assert rule.id in {one.rule for one in expected}, "the example does not show the rule"
    assert judge(tmp_path, expected, *arguments_in(example)) == ""


@pytest.mark.parametrize("rule", CHECKED, ids=_id)
def test_has_a_case_that_fires_and_one_that_does_not(rule: Rule) -> None:
    fires = [rule.id in {one.rule for one in _expected(case)} for case in _of(rule)]
    assert any(fires), "no case fires"
    assert not all(fires), "no case stays silent"


@pytest.mark.parametrize("rule", CHECKED, ids=_id)
def test_has_a_case_on_both_sides_of_each_release_that_it_asks_for(rule: Rule) -> None:
    text = (CASES.parent.parent / "rules" / f"{rule.family.replace('-', '_')}/{rule.name.replace('-', '_')}.py")
    asked = re.findall(r'istio_at_least\("(\d+)\.(\d+)\.(\d+)"\)', text.read_text(encoding="utf-8")) if text.is_file() else []
    targets = [_istio(arguments) for arguments in (*(case.arguments for case in _of(rule)), arguments_in(example_of(rule) or ""))]
    for bound in {tuple(map(int, one)) for one in asked}:
        assert {target >= bound for target in targets} == {True, False}, f"no case on one side of {bound}"


def _istio(arguments: Sequence[str]) -> tuple[int, ...]:
    """The release that a case is for: its last patch where none is named."""
    found = re.search(r"istio=([\d.]+)", " ".join(arguments))
    told = tuple(map(int, (found[1] if found else facts.compat()["newest"]).split(".")))
    return told if len(told) > 2 else (*told, 99)


@pytest.mark.parametrize("rule", RULES, ids=_id)
def test_facts(rule: Rule) -> None:
    code, name, severity = CATALOGUE[rule.id]
    assert (rule.id, rule.name, rule.severity.value) == (code, name, severity)
    assert rule.summary.endswith((".", ":")) and len(rule.summary) < 400
    assert rule.remedy.endswith(".")
    assert "Remedy" in rule.doc and "Not reported when" in rule.doc
    assert rule.sources or rule.check is None


@pytest.mark.parametrize("rule", CHECKED, ids=_id)
def test_stands_in_the_file_of_its_name(rule: Rule) -> None:
    if rule.module.startswith("declared/"):
        assert rule.module == f"declared/{rule.name.replace('-', '_')}.yaml"
        return
    assert rule.module.rpartition(".")[2] == rule.name.replace("-", "_")
    assert rule.check is not None and rule.check.__name__ == rule.name.replace("-", "_")
    assert rule.module.split(".")[-2] == rule.family.replace("-", "_")


@pytest.mark.parametrize("rule", CHECKED, ids=_id)
def test_asks_only_for_kinds_that_it_declares(rule: Rule, tmp_path: Path) -> None:
    asked: set[Kind] = set()
    for folder in _repositories(rule, tmp_path):
        asked |= asked_by(rule, folder)
    undeclared = sorted(kind.name for kind in asked - set(rule.reads) - IMPLIED)
    assert not undeclared, f"{rule.module} asks for more than its reads say"


def _repositories(rule: Rule, tmp_path: Path) -> Iterator[Path]:
    example = tmp_path / "example"
    example.mkdir()
    (example / "example.yaml").write_text(example_of(rule) or "", encoding="utf-8")
    yield example
    for number, case in enumerate(_of(rule)):
        yield case.copy(tmp_path / str(number))


def test_the_list_of_all_rules_is_complete() -> None:
    listed = json.loads(call("rule", "--all", "-o", "json").out)
    assert [one["id"] for one in listed] == sorted(rule.id for rule in RULES)
    for one in listed:
        made_by_engine = one["family"] == "meta"
        assert one["summary"] and one["documentation"] and one["remedy"] and one["since"], one["id"]
        assert one["sources"] or made_by_engine, f"{one['id']} names no source"
        assert one["help"] == f"docs/rules/{one['name']}.md" and (CASES.parent.parent / one["help"]).is_file()
        assert (CASES / one["name"]).is_dir() or made_by_engine, f"{one['id']} has no fixtures"


def test_every_folder_of_cases_is_of_a_rule() -> None:
    assert {case.rule for case in ALL_CASES} <= {rule.name for rule in RULES}
    assert all(path.is_dir() for path in CASES.glob("*"))


def test_comments_say_what_is_expected(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1 # expect: ML101, ML102=note\n# expect: ML103\ny: 2\nz: '# expected: no'\n", encoding="utf-8")
    (tmp_path / "expect.txt").write_text("b.json:3 ML104,ML105=error\n", encoding="utf-8")
    found = [(one.file, one.line, one.rule, one.severity) for one in expected_in(tmp_path)]
    assert found == [
        ("a.yaml", 1, "ML101", ""), ("a.yaml", 1, "ML102", "note"), ("a.yaml", 3, "ML103", ""),
        ("b.json", 3, "ML104", ""), ("b.json", 3, "ML105", "error"),
    ]  # fmt: skip


def test_a_wrong_expectation_is_told(tmp_path: Path) -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n  labels:\n    istio-injection: enabled\n"
    (tmp_path / "a.yaml").write_text(namespace, encoding="utf-8")
    told = judge(tmp_path, expected_of("# expect: ML101\n", "a.yaml"))
    assert "missing     a.yaml:2 ML101" in told
    assert "unexpected  a.yaml:6 ML320 note" in told
