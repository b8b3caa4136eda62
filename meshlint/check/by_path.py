"""Settings for findings in some files: what is left out there, and how grave the rest is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from meshlint.check.registry import Registry
from meshlint.check.runner import RULE_FAILED
from meshlint.model.problem import Confidence, Finding, Impact, Severity
from meshlint.model.tuples import NamedTuple


class Filter(NamedTuple):
    """What is reported at all."""

    impacts: frozenset[Impact] | None = None  # None: any
    severity: Severity = Severity.NOTE
    confidence: Confidence = Confidence.LOW

    def holds(self, finding: Finding) -> bool:
        if self.impacts is not None and finding.impact not in self.impacts:
            return False
        return finding.severity.rank >= self.severity.rank and finding.confidence.rank >= self.confidence.rank


def filter_of(impacts: Sequence[str], severity: str | None, confidence: str | None) -> Filter:
    """As a configuration says it."""
    wanted = frozenset(map(Impact, impacts)) if impacts else None
    return Filter(wanted, Severity(severity or "note"), Confidence(confidence or "low"))


class Part(NamedTuple):
    """Settings for the files that `patterns` (git's notation, relative to the root) match; rules by id."""

    patterns: tuple[str, ...]
    ignored: frozenset[str]
    severity: Mapping[str, Severity]
    filter: Filter


def part(patterns: Sequence[str], ignore: Sequence[str], severity: Mapping[str, str], wanted: Filter, registry: Registry) -> Part:
    """Settings as a configuration writes them, with rules by id."""
    ignored = frozenset(entry.id for entry in registry.entries if any(entry.answers_to(word) for word in ignore))
    levels = {number: Severity(level) for number, level in registry.levels(severity).items()}
    return Part(tuple(patterns), ignored, levels, wanted)


def adjusted(findings: Iterable[Finding], parts: Sequence[Part]) -> list[Finding]:
    """The findings that are left, with the severity that the last matching part gives them. A rule that failed is always told."""
    if not parts:
        return list(findings)
    matching = _Matching(parts)
    out = []
    for finding in findings:
        kept = finding if finding.name == RULE_FAILED else _adjusted(finding, matching.of(finding.location.file))
        if kept is not None:
            out.append(kept)
    return out


def _adjusted(finding: Finding, parts: Sequence[Part]) -> Finding | None:
    for one in parts:
        if finding.rule in one.ignored:
            return None
        finding = finding._replace(severity=one.severity.get(finding.rule, finding.severity))
    return finding if all(one.filter.holds(finding) for one in parts) else None


class _Matching:
    """Which parts hold for a file, asked once a file."""

    def __init__(self, parts: Sequence[Part]) -> None:
        from meshlint.read.ignore import parse

        self._parts = parts
        self._matches: list[Callable[[str], bool]] = [parse(one.patterns).match_file for one in parts]
        self._known: dict[str, list[Part]] = {}

    def of(self, file: str) -> list[Part]:
        if file not in self._known:
            self._known[file] = [one for one, matches in zip(self._parts, self._matches, strict=True) if matches(file)]
        return self._known[file]
