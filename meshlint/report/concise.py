"""One line a finding, for grep and editors."""

from __future__ import annotations

from typing import Any, TextIO

from meshlint.model.problem import Finding
from meshlint.report.result import Result
from meshlint.report.visible import one_line, visible


def write(result: Result, out: TextIO, **_options: Any) -> None:
    """`path:line:column: ML101 error message [name]` for each finding."""
    for finding in result.findings:
        out.write(f"{line_of(finding)} [{finding.name}]\n")


def line_of(finding: Finding) -> str:
    """`path:line:column: ML101 error message`, on one line whatever the message holds."""
    where = finding.location
    return f"{visible(where.file)}:{where.line}:{where.column}: {finding.rule} {finding.severity.value} {one_line(finding.message)}"
