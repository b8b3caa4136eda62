"""The SARIF log: what GitHub and other readers rely on."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from report_factories import finding, full, result, rule

from meshlint import HOME
from meshlint.model.problem import Location, Severity
from meshlint.report import sarif
from meshlint.report.result import Result
from meshlint.report.sarif import most_severe, uri, write
from meshlint.report.sarif_rules import pascal_case


def log(run: Result, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    write(run, out, **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def run_of(run: Result, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = log(run, **options)["runs"][0]
    return found


def values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from values(item, f"{path}/{key}")


def named(value: Any, name: str) -> list[Any]:
    return [item for path, item in values(value) if path.endswith(f"/{name}")]


def test_the_frame() -> None:
    found = log(full())
    assert found["version"] == "2.1.0"
    assert found["$schema"].endswith("sarif-2.1.0.json")
    run = found["runs"][0]
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["automationDetails"] == {"id": "meshlint/"}
    assert run["tool"]["driver"]["name"] == "meshlint"
    assert run["tool"]["driver"]["version"] == run["tool"]["driver"]["semanticVersion"]
    assert "uri" not in run["originalUriBaseIds"]["%SRCROOT%"]


def test_nothing_is_null_or_empty() -> None:
    empty = [path for path, value in values(log(full())) if value is None or value in ("", [], {})]
    assert empty == []


def test_a_clean_run_has_an_empty_list_of_results() -> None:
    run = run_of(result())
    assert run["results"] == run["tool"]["driver"]["rules"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 0}]


def test_the_project_address() -> None:
    assert run_of(full())["tool"]["driver"]["informationUri"] == HOME
    assert run_of(full(), information_uri="https://example.org/")["tool"]["driver"]["informationUri"] == "https://example.org/"


def test_rules() -> None:
    rules = run_of(full())["tool"]["driver"]["rules"]
    assert [(item["id"], item["name"]) for item in rules] == [("ML101", "VsSubsetDestination"), ("ML612", "OddValue")]
    first, other = rules
    assert first["shortDescription"]["text"] == "A route addresses a subset of a Service; Gateway API has no subsets."
    assert first["help"]["text"].endswith("The waypoint drops the route, and traffic goes to all versions.")
    assert first["help"]["markdown"].startswith("# ML101 vs-subset-destination\n\nA route")
    assert first["defaultConfiguration"] == {"level": "error"}
    assert first["properties"] == {"tags": ["family/traffic", "impact/breaks"], "precision": "high", "problem.severity": "error"}
    assert other["properties"] == {
        "tags": ["family/extension", "impact/unenforced", "security"], "precision": "low",
        "problem.severity": "recommendation", "security-severity": "7.5",
    }  # fmt: skip
    assert other["help"]["text"].endswith("\n\nWrite it.")


def test_a_rule_of_warnings_says_its_level() -> None:
    warn = rule(severity=Severity.WARNING)
    run = run_of(result(finding(Location("a", 1, 1, 1, 2), severity=Severity.WARNING), rules={"ML101": warn}))
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == run["results"][0]["level"] == "warning"


def test_a_long_description_is_cut() -> None:
    long = rule(doc="word " * 600)
    found = run_of(result(finding(Location("a", 1, 1, 1, 2)), rules={"ML101": long}))["tool"]["driver"]["rules"][0]
    assert len(found["fullDescription"]["text"]) <= 1024
    assert len(found["help"]["text"]) > 2900


def test_results_point_at_rules_and_files() -> None:
    run = run_of(full())
    rules, artifacts = run["tool"]["driver"]["rules"], run["artifacts"]
    for item in run["results"]:
        assert rules[item["ruleIndex"]]["id"] == item["ruleId"]
        assert item["message"]["text"]
        assert list(item["partialFingerprints"]) == ["meshlint/v1"]
    for where in named(run, "artifactLocation"):
        assert artifacts[where["index"]]["location"] == where
        assert where["uriBaseId"] == "%SRCROOT%"
        assert re.fullmatch(r"[\w/.%~!$&'()*+,;=@-]+", where["uri"], re.ASCII)
    assert [("roles" in item) for item in artifacts].count(True) == 2


def test_regions_count_from_one_and_end_behind_their_start() -> None:
    regions = [*named(log(full()), "region"), *named(log(full()), "deletedRegion")]
    assert len(regions) == 6
    for region in regions:
        start, end = (region["startLine"], region["startColumn"]), (region["endLine"], region["endColumn"])
        assert (1, 1) <= start <= end


def test_related_places_fixes_and_properties() -> None:
    first, second, note = run_of(full())["results"]
    assert [(item["id"], item["message"]["text"]) for item in first["relatedLocations"]] == [(1, "subset v2 is declared here")]
    changes = first["fixes"][0]["artifactChanges"]
    assert [change["replacements"][0].get("insertedContent") for change in changes] == [None, {"text": "# checked\n"}]
    assert first["properties"]["environments"] == ["prod", "staging"]
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "VirtualService/shop/reviews"
    assert second["properties"]["exact"] is False
    assert "fixes" not in second
    assert "fixes" not in note  # it adds a file, which SARIF cannot say


def test_what_was_not_analysed_is_a_notification() -> None:
    invocation = run_of(full())["invocations"][0]
    said = [(item["level"], item["message"]["text"]) for item in invocation["toolExecutionNotifications"]]
    assert invocation["executionSuccessful"] is True
    assert said == [
        ("warning", "git failed, ignore rules were read by meshlint itself"),
        ("warning", "Environment staging could not be rendered: helm: values.yaml\nis missing"),
        ("note", "Not analysed: a template that no environment renders (holds AuthorizationPolicy)"),
    ]
    where = invocation["toolExecutionNotifications"][2]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert where["uri"] == "charts/app/templates/a%20b.yaml"


@pytest.mark.parametrize(("code", "successful"), [(0, True), (1, True), (2, False), (3, True), (130, False)])
def test_a_run_that_could_not_do_its_work_is_not_successful(code: int, successful: bool) -> None:
    assert run_of(result(exit_code=code))["invocations"][0]["executionSuccessful"] is successful


def test_the_most_severe_are_kept_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "_MOST_RESULTS", 3)
    levels = [Severity.NOTE, Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.ERROR]
    found = [finding(Location("a", line, 1, line, 2), severity=level) for line, level in enumerate(levels, 1)]
    run = run_of(result(*found))
    assert [item["locations"][0]["physicalLocation"]["region"]["startLine"] for item in run["results"]] == [2, 3, 5]
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].startswith("2 findings ")
    assert most_severe(found, 9) == found


def test_names() -> None:
    assert pascal_case("vs-subset-destination") == "VsSubsetDestination"
    assert pascal_case("l7-policy") == "L7Policy"
    assert uri("a b/\u00fc#1%:.yaml") == "a%20b/%C3%BC%231%25%3A.yaml"
