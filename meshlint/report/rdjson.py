"""The Reviewdog Diagnostic Format (`DiagnosticResult` of reviewdog's proto/rdf/reviewdog.proto) as JSON.

Its columns count bytes of UTF-8 from 1, its ends are exclusive.
"""

from __future__ import annotations

from typing import Any, TextIO

from meshlint import HOME
from meshlint.model.problem import Finding, Fix, Location, Severity
from meshlint.report.concise import line_of
from meshlint.report.result import Result
from meshlint.report.visible import decodable, one_line

Json = dict[str, Any]
_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.NOTE: "INFO"}


def write(result: Result, out: TextIO, **_options: Any) -> None:
    """One object, its diagnostics a line each."""
    import json

    rows = [decodable(json.dumps(_diagnostic(finding, result), ensure_ascii=False)) for finding in result.findings]
    source = json.dumps({"name": "meshlint", "url": HOME})
    out.write(f'{{"source": {source}, "diagnostics": [' + ",".join(f"\n{row}" for row in rows) + ("\n]}\n" if rows else "]}\n"))


def _diagnostic(finding: Finding, result: Result) -> Json:
    said = {
        "message": _message(finding),
        "location": _location(finding.location, result),
        "severity": _SEVERITIES[finding.severity],
        "code": {"value": finding.rule},
        "original_output": f"{line_of(finding)} [{finding.name}]",
        "suggestions": _suggestions(finding.fix, finding.location.file, result),
        "related_locations": [
            {"message": one_line(related.message), "location": _location(related.location, result)} for related in finding.related
        ],
    }
    return {key: value for key, value in said.items() if value}


def _message(finding: Finding) -> str:
    text = f"{one_line(finding.message)} [{finding.name}]"
    return f"{text}\nhelp: {one_line(finding.remedy)}" if finding.remedy else text


def _location(where: Location, result: Result) -> Json:
    return {"path": where.file, "range": _range(where, result)}


def _range(where: Location, result: Result) -> Json:
    start = _position(where.file, where.line, where.column, result)
    return {"start": start, "end": _position(where.file, where.end_line, where.end_column, result)}


def _position(file: str, line: int, column: int, result: Result) -> Json:
    """Code points before the column become bytes; of a file whose text is not at hand they are taken as they are."""
    source = result.text_of(file)
    if source is None or line > len(source.line_starts):
        return {"line": line, "column": column}
    before = source.line(line - 1)[: column - 1]
    missing = column - 1 - len(before)  # a place behind the line's end
    return {"line": line, "column": len(before.encode("utf-8", "surrogatepass")) + missing + 1}


def _suggestions(fix: Fix | None, file: str, result: Result) -> list[Json]:
    """A fix of a single edit in the finding's file. Suggestions are taken one by one, a fix is applied whole or not at all."""
    if fix is None or fix.new_files or len(fix.edits) != 1 or fix.edits[0].file != file:
        return []
    edit = fix.edits[0]
    return [{"range": _range(Location.of(edit.file, edit.span), result), "text": edit.text}]
