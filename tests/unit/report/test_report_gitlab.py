"""GitLab's Code Quality report, by what its documentation and the code that reads it ask for."""

from __future__ import annotations

import io
import json
from typing import Any

from report_factories import finding, full, result

from meshlint.model.problem import Location, Severity
from meshlint.report.gitlab import write
from meshlint.report.result import Result


def rows(run: Result) -> Any:
    out = io.StringIO()
    write(run, out)
    return json.loads(out.getvalue())


def test_an_entry_has_what_gitlab_requires() -> None:
    """It drops the whole rest of a report from the first entry on that lacks one of these."""
    for row in rows(full()):
        assert all(isinstance(row[key], str) and row[key] for key in ("description", "fingerprint", "severity", "check_name"))
        assert row["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert isinstance(row["location"]["path"], str) and not row["location"]["path"].startswith(("/", "./"))
        assert type(row["location"]["lines"]["begin"]) is int
        assert row["location"]["lines"]["end"] >= row["location"]["lines"]["begin"] > 0


def test_fingerprints_are_those_of_the_findings() -> None:
    """Entries with one fingerprint would be shown once."""
    assert [row["fingerprint"] for row in rows(full())] == [one.fingerprint for one in full().findings]


def test_no_findings_are_an_empty_list() -> None:
    assert rows(result()) == []


def test_an_entry() -> None:
    run = result(finding(Location("a.yaml", 2, 3, 4, 5), message="one\n  two\x1b", severity=Severity.WARNING))
    assert rows(run) == [
        {
            "description": "ML101 vs-subset-destination: one two\u241b",
            "check_name": "vs-subset-destination",
            "fingerprint": "00020003",
            "severity": "major",
            "location": {"path": "a.yaml", "lines": {"begin": 2, "end": 4}},
        }
    ]
