"""Markdown for the summary of a job and for a comment on a pull request: counts by rule, then the findings, folded by file.

What comes from files cannot become markup, a link, a mention or a reference. A comment on GitHub holds 65,536 characters, a
step summary 1 MiB; the smaller limit holds for both, and the text says what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, TextIO

from meshlint.model.problem import Finding, Severity
from meshlint.report.inline import code, inline
from meshlint.report.paint import Paint
from meshlint.report.repeats import Block, blocks
from meshlint.report.result import Result
from meshlint.report.summary import listed, plural, summary

_LONGEST = 65_000  # characters; leaves room for what a bot adds to a comment
_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
_LINE = 500  # characters of a line of the summary
_LINES = 12  # of alike findings, named


def write(
    result: Result, out: TextIO, *, verbose: bool = False, quiet: bool = False, limit: int = 5, longest: int = _LONGEST, **_options: Any
) -> None:
    """A heading, a table by rule, a fold for each file, a fold with what was read and what was not. `verbose` lists alike
    findings one by one; the most severe ones come first into a text that cannot hold all."""
    verdict, *rest = (line.strip() for line in summary(result, Paint(False)))
    head = f"### meshlint\n\n{inline(verdict)}\n"
    table = "".join(f"{line}\n" for line in _table(result.findings)) if result.findings else ""
    tail = "" if quiet else "".join(f"{line}\n" for line in _checked(rest))
    said = _Said(longest - len(head) - len(table) - len(tail) - 300)
    rows = _rows(result.findings, len(result.findings) if verbose else limit)
    out.write(head + table + "".join(said.files(rows)) + said.left_out(rows) + tail)


def _checked(lines: Iterable[str]) -> Iterator[str]:
    yield from ("", "<details><summary>What was checked</summary>", "")
    yield from (f"- {inline(line if len(line) <= _LINE else f'{line[:_LINE]} ...')}" for line in lines)
    yield from ("", "</details>")


class _Row:
    """A block as its line of the list; `rank` orders what comes first into the text."""

    def __init__(self, block: Block, remedy: bool) -> None:
        finding = block.finding
        self.file = finding.location.file
        self.rank = -finding.severity.rank
        self.findings = 1 + len(block.more)
        self.text = _line(block, remedy)
        self.severity = finding.severity


class _Said:
    """What a text of `room` characters can hold."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.kept: set[int] = set()

    def files(self, rows: list[_Row]) -> Iterator[str]:
        self._choose(rows)
        numbered = enumerate(rows)
        for file, group in groupby(numbered, key=lambda pair: pair[1].file):
            pairs = list(group)
            shown = [row.text for number, row in pairs if number in self.kept]
            if shown:
                yield _opened(file, [row for _, row in pairs]) + "".join(f"{text}\n" for text in shown) + "\n</details>\n"

    def _choose(self, rows: list[_Row]) -> None:
        by_file: dict[str, list[_Row]] = {}
        for row in rows:
            by_file.setdefault(row.file, []).append(row)
        opened: set[str] = set()
        for number in sorted(range(len(rows)), key=lambda number: (rows[number].rank, number)):
            row = rows[number]
            cost = len(row.text) + 1 + (0 if row.file in opened else len(_opened(row.file, by_file[row.file])) + len("\n</details>\n"))
            if cost <= self.room:
                self.room -= cost
                self.kept.add(number)
                opened.add(row.file)

    def left_out(self, rows: list[_Row]) -> str:
        missing = [row for number, row in enumerate(rows) if number not in self.kept]
        if not missing:
            return ""
        what = f"{plural(sum(row.findings for row in missing), 'finding')} in {plural(len({row.file for row in missing}), 'file')}"
        return f"\n**Left out here:** {what}, as a comment holds only so much; they are counted above. Other formats list all of them.\n"


def _rows(findings: Iterable[Finding], limit: int) -> list[_Row]:
    """A remedy is said once a rule and file."""
    rows = []
    for _, group in groupby(findings, key=lambda finding: finding.location.file):
        said: set[tuple[str, str]] = set()
        for block in blocks(group, limit):
            key = (block.finding.rule, block.finding.remedy)
            rows.append(_Row(block, bool(key[1]) and key not in said))
            said.add(key)
    return rows


def _table(findings: Iterable[Finding]) -> Iterator[str]:
    counts: dict[tuple[int, str, str, str, str], int] = {}
    for finding in findings:
        key = (-finding.severity.rank, finding.rule, finding.name, finding.severity.value, finding.impact.value)
        counts[key] = counts.get(key, 0) + 1
    yield from ("", "| findings | severity | rule | impact |", "|---:|---|---|---|")
    for (_, rule, name, severity, impact), count in sorted(counts.items()):
        yield f"| {count} | {severity} | {rule} {inline(name)} | {impact} |"


def _opened(file: str, rows: list[_Row]) -> str:
    counts = [(severity, sum(row.findings for row in rows if row.severity is severity)) for severity in _SEVERITIES]
    said = listed([plural(number, severity.value) for severity, number in counts if number])
    return f"\n<details><summary>{code(file)}: {said}</summary>\n\n"


def _line(block: Block, remedy: bool) -> str:
    finding = block.finding
    where = finding.location
    text = f"- `{where.line}:{where.column}` **{finding.severity.value}** {finding.rule} {inline(finding.name)}: {inline(finding.message)}"
    if block.more:
        numbers = [str(one.location.line) for one in block.more]
        rest = f" and {len(numbers) - _LINES} more" if len(numbers) > _LINES else ""
        text += f" *And {len(numbers)} more like this at {'line' if len(numbers) == 1 else 'lines'} {', '.join(numbers[:_LINES])}{rest}.*"
    return f"{text}<br>*{inline(finding.remedy)}*" if remedy else text
