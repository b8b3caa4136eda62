"""The JSON report and its published schema."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from report_factories import finding, full, result

from meshlint import bundled
from meshlint.model.problem import Location
from meshlint.report.json_v1 import write
from meshlint.report.result import Result


def said(run: Result) -> str:
    out = io.StringIO()
    write(run, out)
    return out.getvalue()


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    with open(f"{bundled.folder('schemas')}/meshlint/report.v1.json", encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    return found


@pytest.mark.parametrize("run", [full(), result()], ids=["full", "clean"])
def test_the_report_keeps_its_schema(run: Result, schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(json.loads(said(run)))] == []


def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(schema, list):
        for item in schema:
            yield from objects(item, path)


def test_the_schema_is_strict_and_describes_every_field(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    for path, found in objects(schema):
        assert found["additionalProperties"] is False, path
        for name, field in found["properties"].items():
            assert field.get("description"), f"{path}/{name}"


@pytest.mark.parametrize("change", [{"line": 0}, {"severity": "info"}, {"extra": 1}, {"file": ""}, {"message": None}, {"resource": {}}])
def test_the_schema_refuses_other_findings(change: dict[str, Any], schema: dict[str, Any]) -> None:
    report = json.loads(said(full()))
    report["findings"][0].update(change)
    assert not jsonschema.Draft202012Validator(schema).is_valid(report)


def test_every_value_arrives() -> None:
    report = json.loads(said(full()))
    first, second, note = report["findings"]
    assert report["summary"] == {"error": 1, "warning": 1, "note": 1, "suppressed": 2, "baselined": 1, "fixable": 2}
    assert report["target"]["detected_from"] == {"istio": "clusters/prod/istiod.yaml:12", "gateway_api": "default"}
    assert (first["line"], first["column"], first["end_line"], first["end_column"]) == (12, 21, 12, 23)
    assert first["fix"]["edits"][0] == {
        "file": "shop/reviews route,1%.yaml", "line": 12, "column": 13, "end_line": 13, "end_column": 1, "text": "",
    }  # fmt: skip
    assert first["related"] == [{"file": "shop/subsets.yaml", "line": 7, "column": 13, "message": "subset v2 is declared here"}]
    assert first["help"] == "docs/rules/vs-subset-destination.md"
    assert second["exact"] is False
    assert second["message"].endswith("[gone](1)\nsecond line")
    assert note["message"] == "value \x1b[31m of \u202e text"
    assert note["resource"] is None
    assert note["fix"]["new_files"] == [{"file": "shop/policy.yaml", "text": "kind: X\n"}]


def test_one_line_a_finding() -> None:
    run = result(*(finding(Location("a.yaml", line, 1, line, 2)) for line in range(1, 31)))
    lines = said(run).splitlines()
    assert sum(line.startswith('    {"rule": ') for line in lines) == 30
    assert len(lines) < 60


def test_the_order_of_keys_is_fixed() -> None:
    report = json.loads(said(full()))
    assert list(report) == ["version", "tool", "target", "coverage", "summary", "findings"]
    assert list(report["findings"][0])[:6] == ["rule", "name", "family", "severity", "confidence", "impact"]
