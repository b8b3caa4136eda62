"""GitLab's Code Quality report: a list of degradations, of which GitLab reads description, fingerprint, severity and place.

Format: "Code Quality" in GitLab's documentation, and the schema that GitLab judges each entry by (it drops all entries from the
first invalid one on, and of those with one fingerprint all but the last).
"""

from __future__ import annotations

from typing import Any, TextIO

from meshlint.model.problem import Finding, Severity
from meshlint.report.result import Result
from meshlint.report.visible import decodable, one_line

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def write(result: Result, out: TextIO, **_options: Any) -> None:
    """A JSON list, one finding a line. The paths are relative to the working directory: the report is made at the root."""
    import json

    rows = [decodable(json.dumps(_degradation(finding), ensure_ascii=False)) for finding in result.findings]
    out.write("[" + ",".join(f"\n{row}" for row in rows) + ("\n]\n" if rows else "]\n"))


def _degradation(finding: Finding) -> dict[str, Any]:
    where = finding.location
    return {
        "description": f"{finding.rule} {finding.name}: {one_line(finding.message)}",
        "check_name": finding.name,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": where.file, "lines": {"begin": where.line, "end": where.end_line}},
    }
