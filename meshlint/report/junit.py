"""JUnit's XML as Jenkins, GitLab and others read it: a suite for each file, a test case for each rule that speaks of it.

Elements and attributes are those of the xsd of Jenkins' xUnit plugin. A case fails if one of its findings makes the run fail;
what is below that (--fail-on) is output of a case that passed. Suite and case are the same from run to run, so that readers
that compare runs see what is new: lines and columns stand in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TextIO

from meshlint.model.problem import Finding
from meshlint.report.concise import line_of
from meshlint.report.paint import Paint
from meshlint.report.result import Result
from meshlint.report.summary import plural, summary
from meshlint.report.visible import one_line, visible

_FORBIDDEN = re.compile("[\ufffe\uffff]")  # what XML forbids beside the characters that visible() shows


class _Case:
    """The findings of one rule in one file."""

    def __init__(self, findings: list[Finding], result: Result) -> None:
        first = findings[0]
        self.name = f"{first.rule} {first.name}"
        self.file = first.location.file
        self.failing = [finding for finding in findings if result.fails(finding.severity)]
        self.passed = [finding for finding in findings if not result.fails(finding.severity)]

    def lines(self) -> Iterator[str]:
        title = _escaped(self.name)
        head = f'    <testcase name="{title}" classname="{_escaped(visible(self.file))}">'
        if self.failing:
            worst = max(self.failing, key=lambda finding: finding.severity.rank)
            more = f" (and {plural(len(self.failing) - 1, 'more finding')})" if len(self.failing) > 1 else ""
            message = _escaped(one_line(worst.message) + more)
            yield f'{head}\n      <failure type="{worst.severity.value}" message="{message}">{_text(self.failing)}</failure>'
        else:
            yield head
        if self.passed:
            yield f"      <system-out>{_text(self.passed)}</system-out>"
        yield "    </testcase>"


def write(result: Result, out: TextIO, *, quiet: bool = False, **_options: Any) -> None:
    """One testsuites element. Without findings it holds the case of the run itself, which is an error if meshlint failed."""
    suites = [_suite(file, list(findings), result) for file, findings in groupby(result.findings, key=lambda f: f.location.file)]
    errors = int(result.exit_code == 2)
    tests, failures = sum(suite[0] for suite in suites), sum(suite[1] for suite in suites)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<testsuites name="meshlint" tests="{tests + 1}" failures="{failures}" errors="{errors}">\n')
    out.writelines(f"{line}\n" for line in _run(result, errors, quiet))
    for _, _, lines in suites:
        out.writelines(f"{line}\n" for line in lines)
    out.write("</testsuites>\n")


def _suite(file: str, findings: list[Finding], result: Result) -> tuple[int, int, list[str]]:
    """Number of cases, number of those that fail, and the lines."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    cases = [_Case(by_rule[rule], result) for rule in sorted(by_rule)]
    failures = sum(bool(case.failing) for case in cases)
    head = f'  <testsuite name="{_escaped(visible(file))}" tests="{len(cases)}" failures="{failures}" errors="0">'
    return len(cases), failures, [head, *(line for case in cases for line in case.lines()), "  </testsuite>"]


def _run(result: Result, errors: int, quiet: bool) -> Iterable[str]:
    yield f'  <testsuite name="meshlint" tests="1" failures="0" errors="{errors}">'
    yield '    <testcase name="run" classname="meshlint">'
    if errors:
        yield '      <error type="failed" message="meshlint could not do its work (exit code 2)"/>'
    if not quiet:
        said = "\n".join(summary(result, Paint(False)))
        yield f"      <system-out>{_escaped(said)}</system-out>"
    yield "    </testcase>"
    yield "  </testsuite>"


def _text(findings: Iterable[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{line_of(finding)} [{finding.name}]")
        if finding.remedy:
            lines.append(f"  help: {one_line(finding.remedy)}")
    return _escaped("\n".join(lines))


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    return _FORBIDDEN.sub(lambda found: f"(U+{ord(found[0]):04X})", text)
