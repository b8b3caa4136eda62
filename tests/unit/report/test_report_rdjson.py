"""The Reviewdog Diagnostic Format, by its schema: types, names of fields, byte columns, suggestions."""

from __future__ import annotations

import io
import json
from typing import Any

from report_factories import finding, full, result

from meshlint.model.position import Position, Source
from meshlint.model.problem import Edit, Fix, Location, NewFile
from meshlint.report.rdjson import write
from meshlint.report.result import Result

POSITION = {"line": int, "column": int}
RANGE = {"start": POSITION, "end": POSITION}
LOCATION = {"path": str, "range": RANGE}
DIAGNOSTIC = {
    "message": str,
    "location": LOCATION,
    "severity": str,
    "code": {"value": str, "url": str},
    "original_output": str,
    "suggestions": [{"range": RANGE, "text": str}],
    "related_locations": [{"message": str, "location": LOCATION}],
}
RESULT = {"source": {"name": str, "url": str}, "diagnostics": [DIAGNOSTIC]}


def report(run: Result) -> dict[str, Any]:
    out = io.StringIO()
    write(run, out)
    return dict(json.loads(out.getvalue()))


def misfits(value: Any, form: Any, path: str = "") -> list[str]:
    """Where a value has a field or a type that the form does not know."""
    if isinstance(form, list):
        return [] if isinstance(value, list) and not [m for one in value for m in misfits(one, form[0], path)] else [path]
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return [path]
        return [m for key, one in value.items() for m in (misfits(one, form[key], f"{path}.{key}") if key in form else [f"{path}.{key}"])]
    return [] if type(value) is form else [path]


def test_only_fields_and_types_of_the_format() -> None:
    for run in (full(), result()):
        assert misfits(report(run), RESULT) == []
    assert {row["severity"] for row in report(full())["diagnostics"]} == {"ERROR", "WARNING", "INFO"}


def test_columns_count_bytes() -> None:
    source = Source("a.yaml", "k: \u00e4\U0001f600 value # x\n")
    run = result(finding(Location("a.yaml", 1, 7, 1, 12)), sources=(source,))
    assert report(run)["diagnostics"][0]["location"]["range"] == {"start": {"line": 1, "column": 11}, "end": {"line": 1, "column": 16}}


def test_a_place_behind_the_text_is_kept() -> None:
    source = Source("a.yaml", "ab\n")
    run = result(finding(Location("a.yaml", 1, 5, 9, 3)), sources=(source,))
    assert report(run)["diagnostics"][0]["location"]["range"] == {"start": {"line": 1, "column": 5}, "end": {"line": 9, "column": 3}}


def edit(file: str, first: int, last: int) -> Edit:
    source = Source("a.yaml", "subset: v1\nother: x\n")
    return Edit(file, source.span(first, last), "new")


def suggestions(*edits: Edit, **facts: Any) -> list[Any]:
    source = Source("a.yaml", "subset: v1\nother: x\n")
    run = result(finding(Location("a.yaml", 1, 9, 1, 11), fix=Fix("Do it", edits, **facts)), sources=(source,))
    return list(report(run)["diagnostics"][0].get("suggestions", []))


def test_a_fix_of_one_edit_is_a_suggestion() -> None:
    span = {"start": {"line": 1, "column": 9}, "end": {"line": 1, "column": 11}}
    assert suggestions(edit("a.yaml", 8, 10)) == [{"range": span, "text": "new"}]
    assert Position(0, 8, 8) in edit("a.yaml", 8, 10).span


def test_a_fix_that_must_be_applied_whole_is_none() -> None:
    assert suggestions(edit("a.yaml", 8, 10), edit("a.yaml", 11, 16)) == []
    assert suggestions(edit("b.yaml", 0, 1)) == []
    assert suggestions(edit("a.yaml", 8, 10), new_files=(NewFile("c.yaml", "x"),)) == []
