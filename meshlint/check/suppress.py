"""Findings that somebody decided to live with: which suppression takes which finding, and which were used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from meshlint.check.registry import Registry
from meshlint.check.runner import RULE_FAILED
from meshlint.model.problem import Finding, Fix, Location, Suppressed
from meshlint.model.tuples import NamedTuple


class Suppression:
    """One comment, line of an annotation or entry of the configuration. `used` are the words that took a finding.

    `what` names it in messages. `flaw` is why it does not count at all. `watched`: if nothing comes of it, that is told.
    `without` gives the fix that leaves only some of its words; None where there is none.
    """

    __slots__ = ("covers", "flaw", "in_source", "place", "reason", "used", "watched", "what", "without", "words")

    def __init__(
        self,
        what: str,
        words: Sequence[str],
        reason: str,
        place: Location,
        covers: Callable[[Finding], bool],
        *,
        in_source: bool = True,
        flaw: str = "",
        watched: bool = True,
        without: Callable[[Sequence[str]], Fix] | None = None,
    ) -> None:
        self.what = what
        self.words = tuple(words)
        self.reason = reason
        self.place = place
        self.covers = covers
        self.in_source = in_source
        self.flaw = flaw
        self.watched = watched
        self.without = without
        self.used: set[str] = set()


class Configured(NamedTuple):
    """An entry of the configuration: `covers` is what its paths and resources say."""

    rules: tuple[str, ...]
    reason: str
    place: Location
    covers: Callable[[Finding], bool]


class Words:
    """What the words of suppressions mean: ids, names, old names, families and prefixes of rules."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._ids: dict[str, frozenset[str]] = {}

    def ids(self, word: str) -> frozenset[str]:
        if word not in self._ids:
            self._ids[word] = frozenset(entry.id for entry in self._registry.entries if entry.answers_to(word))
        return self._ids[word]

    def known(self, word: str) -> bool:
        return not any(self._registry.unknown((word,)))

    def near(self, word: str) -> str | None:
        from difflib import get_close_matches

        return next(iter(get_close_matches(word.lower(), self._registry.words(), 1)), None)


class Suppressions:
    """All of a project. Those of a line are found by file and line, so that many of them cost no more than a few."""

    def __init__(self, words: Words, require_reason: bool) -> None:
        self.words = words
        self.all: list[Suppression] = []
        self._require_reason = require_reason
        self._at: dict[tuple[str, int], list[Suppression]] = {}
        self._others: list[Suppression] = []

    def add(self, suppression: Suppression, at: tuple[str, int] | None = None) -> None:
        """`at`: the file and line (from 1) that it speaks of; None: `covers` alone decides."""
        if self._require_reason and not suppression.reason and not suppression.flaw:
            suppression.flaw = "it gives no reason, and require-reason asks for one"
        self.all.append(suppression)
        if suppression.flaw:
            return
        if at is None:
            self._others.append(suppression)
        else:
            self._at.setdefault(at, []).append(suppression)

    def apply(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[Suppressed]]:
        """Findings that are left, and those that are suppressed. A rule that failed is always told."""
        left: list[Finding] = []
        taken: list[Suppressed] = []
        for finding in findings:
            by = self._by(finding) if finding.name != RULE_FAILED else []
            if by:
                first = max(by, key=lambda one: bool(one.reason))
                taken.append(Suppressed(finding, first.in_source, first.reason))
            else:
                left.append(finding)
        return left, taken

    def _by(self, finding: Finding) -> list[Suppression]:
        """The suppressions that take a finding, all of which are used then."""
        out = []
        for suppression in self._near(finding):
            meant = [word for word in suppression.words if finding.rule in self.words.ids(word)]
            if meant and suppression.covers(finding):
                suppression.used.update(meant)
                out.append(suppression)
        return out

    def _near(self, finding: Finding) -> Iterator[Suppression]:
        if self._at:
            where = finding.location
            last = where.end_line - (where.end_column == 1 and where.end_line > where.line)
            for line in range(where.line, last + 1):
                yield from self._at.get((where.file, line), ())
        yield from self._others
