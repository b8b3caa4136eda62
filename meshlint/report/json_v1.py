"""The JSON report, version 1: schemas/meshlint/report.v1.json is its contract.

Layout: one line a finding, environment and skipped file, so that two reports can be compared line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO

from meshlint import __version__
from meshlint.model.problem import Edit, Finding, Fix, Location, Related, Severity
from meshlint.report.encode import Encode, encoder
from meshlint.report.result import Coverage, EnvironmentReport, Result, TargetLike

Json = dict[str, Any]
_SPREAD = {(), ("coverage",), ("coverage", "environments"), ("coverage", "skipped"), ("findings",)}


def write(result: Result, out: TextIO, **_options: Any) -> None:
    """The report; the same result gives the same bytes."""
    out.writelines(_layout(report(result), (), encoder(len(result.findings))))
    out.write("\n")


def report(result: Result) -> Json:
    """The report as plain values, in the order in which it is written; findings are made one at a time."""
    return {
        "version": 1,
        "tool": {"name": "meshlint", "version": __version__},
        "target": _target(result.target),
        "coverage": _coverage(result.coverage),
        "summary": {
            **{severity.value: result.count(severity) for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)},
            "suppressed": result.suppressed,
            "baselined": result.baselined,
            "fixable": result.fixable,
        },
        "findings": (_finding(finding, result) for finding in result.findings) if result.findings else [],
    }


def _layout(value: Any, path: tuple[str, ...], encode: Encode) -> Iterator[str]:
    """The text of a value: objects and lists at a path of _SPREAD over several lines, all others on one."""
    if path not in _SPREAD or not value:
        yield encode(value)
        return
    start, end = "{}" if isinstance(value, dict) else "[]"
    entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    indent = "\n" + "  " * (len(path) + 1)
    separator = start
    for key, item in entries:
        yield f"{separator}{indent}" if key is None else f"{separator}{indent}{encode(key)}: "
        yield from _layout(item, (*path, key or "[]"), encode)
        separator = ","
    yield "\n" + "  " * len(path) + end


def _target(target: TargetLike) -> Json:
    return {
        "istio": str(target.istio),
        "gateway_api": str(target.gateway_api),
        "channel": target.channel,
        "distribution": target.distribution,
        "detected_from": {name.replace("-", "_"): origin for name, origin in target.detected_from.items()},
    }


def _coverage(coverage: Coverage) -> Json:
    return {
        **coverage._asdict(),
        "environments": [_environment(environment) for environment in coverage.environments],
        "skipped": [{"file": skipped.file, "reason": skipped.reason, "kinds": list(skipped.kinds)} for skipped in coverage.skipped],
    }


def _environment(environment: EnvironmentReport) -> Json:
    return {**environment._asdict(), "current": dict(environment.current)}


def _finding(finding: Finding, result: Result) -> Json:
    rule = result.rules.get(finding.rule)
    return {
        "rule": finding.rule,
        "name": finding.name,
        "family": finding.family,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "impact": finding.impact.value,
        "message": finding.message,
        "remedy": finding.remedy,
        **_location(finding.location),
        "exact": finding.exact,
        "resource": finding.resource._asdict() if finding.resource else None,
        "path": finding.path,
        "environments": list(finding.environments),
        "related": [_related(related) for related in finding.related],
        "fix": _fix(finding.fix) if finding.fix else None,
        "help": rule.help if rule else f"docs/rules/{finding.name}.md",
        "fingerprint": finding.fingerprint,
    }


def _location(where: Location) -> Json:
    file, line, column, end_line, end_column = where
    return {"file": file, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


def _related(related: Related) -> Json:
    where = related.location
    return {"file": where.file, "line": where.line, "column": where.column, "message": related.message}


def _fix(fix: Fix) -> Json:
    return {
        "title": fix.title,
        "safe": fix.safe,
        "edits": [_edit(edit) for edit in fix.edits],
        "new_files": [{"file": new.path, "text": new.text} for new in fix.new_files],
    }


def _edit(edit: Edit) -> Json:
    return {**_location(Location.of(edit.file, edit.span)), "text": edit.text}
