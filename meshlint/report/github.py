"""Workflow commands that GitHub Actions shows as annotations.

Syntax and escaping: "Workflow commands for GitHub Actions" and `@actions/core`'s command module. GitHub shows at most
10 annotations a severity and step; SARIF has no such limit.
"""

from __future__ import annotations

from typing import Any, TextIO

from meshlint.model.problem import Finding, Severity
from meshlint.report.concise import line_of
from meshlint.report.result import Result
from meshlint.report.visible import one_line, visible

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(result: Result, out: TextIO, **_options: Any) -> None:
    """One workflow command a finding; its text repeats the place, for those who read the log."""
    for finding in result.findings:
        out.write(_command(finding) + "\n")


def _command(finding: Finding) -> str:
    properties = ",".join(f"{name}={_property(value)}" for name, value in _properties(finding).items())
    return f"::{_LEVELS[finding.severity]} {properties}::{_data(_text(finding))}"


def _properties(finding: Finding) -> dict[str, str]:
    """Columns only where the place is on one line: GitHub's check annotations refuse them otherwise."""
    where = finding.location
    lines = {"file": where.file, "line": str(where.line), "endLine": str(where.end_line)}
    columns = {"col": str(where.column), "endColumn": str(where.end_column)} if where.line == where.end_line else {}
    return {**lines, **columns, "title": f"{finding.rule} {finding.name}"}


def _text(finding: Finding) -> str:
    text = line_of(finding)
    return f"{text}\nhelp: {one_line(finding.remedy)}" if finding.remedy else text


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")
