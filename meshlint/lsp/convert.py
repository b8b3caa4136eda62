"""Between places as meshlint counts them (code points) and as editors do (units of an encoding), and findings as diagnostics."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from meshlint import HOME
from meshlint.model.position import Source, Span
from meshlint.model.problem import Finding, Impact, Location, Severity
from meshlint.model.rule import is_own

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_UNUSED = frozenset({"unused-suppression", "subset-unused"})

Lines = Callable[[str], "Source | None"]  # the text of a file
Uris = Callable[[str], str]


def width(text: str, encoding: str) -> int:
    """How many units of an encoding (utf-8, utf-16, utf-32) a text takes."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text) + sum(character > "\uffff" for character in text)


def code_points(line: str, units: int, encoding: str) -> int:
    """How many characters of a line so many units are; in the middle of a character, those before it."""
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    taken = 0
    for number, character in enumerate(line):
        taken += width(character, encoding)
        if taken > units:
            return number
    return len(line)


def position(source: Source | None, line: int, column: int, encoding: str) -> types.Position:
    """A place by line and column from zero, in code points, as an editor counts it."""
    text = "" if source is None else source.line(line)
    return types.Position(line, width(text[:column], encoding) + max(0, column - len(text)) * (source is None))


def span_range(source: Source | None, span: Span, encoding: str) -> types.Range:
    return types.Range(*(position(source, at.line, at.column, encoding) for at in span))


def location_range(source: Source | None, place: Location, encoding: str) -> types.Range:
    start = position(source, place.line - 1, place.column - 1, encoding)
    return types.Range(start, position(source, place.end_line - 1, place.end_column - 1, encoding))


def offset_of(source: Source, at: types.Position, encoding: str) -> int:
    """The offset of an editor's place; behind a line it is its end, behind the text the text's."""
    starts = source.line_starts
    if at.line >= len(starts):
        return len(source.text)
    return starts[at.line] + code_points(source.line(at.line), at.character, encoding)


def page_of(number: str, name: str) -> str | None:
    """The address of a rule's page; of rules of others, nothing is known."""
    return f"{HOME}/blob/main/docs/rules/{name}.md" if is_own(number) else None


def diagnostic(finding: Finding, lines: Lines, uri: Uris, encoding: str) -> types.Diagnostic:
    page = page_of(finding.rule, finding.name)
    message = f"{finding.message}\n{finding.remedy}" if finding.remedy else finding.message
    return types.Diagnostic(
        range=location_range(lines(finding.location.file), finding.location, encoding),
        message=message,
        severity=_SEVERITIES[finding.severity],
        code=finding.name,
        code_description=None if page is None else types.CodeDescription(page),
        source="meshlint",
        tags=_tags(finding) or None,
        related_information=[_related(finding, other.location, other.message, lines, uri, encoding) for other in finding.related] or None,
        data={
            "rule": finding.rule,
            "fingerprint": finding.fingerprint,
            "impact": finding.impact.value,
            "environments": list(finding.environments),
        },
    )


def _tags(finding: Finding) -> list[types.DiagnosticTag]:
    if finding.impact is Impact.IGNORED or finding.name in _UNUSED:
        return [types.DiagnosticTag.Unnecessary]
    return [types.DiagnosticTag.Deprecated] if "deprecated" in finding.name else []


def _related(
    finding: Finding, place: Location, message: str, lines: Lines, uri: Uris, encoding: str
) -> types.DiagnosticRelatedInformation:
    where = types.Location(uri(place.file), location_range(lines(place.file), place, encoding))
    return types.DiagnosticRelatedInformation(where, message or finding.message)
