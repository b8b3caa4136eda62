"""What fixes made of the findings: those that they leave, and those that they would bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from meshlint.model.problem import Confidence, Finding, Fix, Impact, Severity
from meshlint.model.tuples import NamedTuple

Key = tuple[object, ...]
_HOLES = (Impact.BREAKS, Impact.UNENFORCED)


class Repair(NamedTuple):
    """A finding and what is to be done about it."""

    finding: Finding
    fix: Fix

    @property
    def key(self) -> Key:
        """What stays the same when lines move."""
        finding = self.finding
        return (finding.rule, finding.location.file, finding.resource, finding.path, self.fix.title)

    @property
    def files(self) -> set[str]:
        return {*(edit.file for edit in self.fix.edits), *(new.path for new in self.fix.new_files)}


class Objection(NamedTuple):
    """Why repairs cannot stay, and which of them may be to blame (by their number)."""

    reason: str
    suspects: frozenset[int]


def objections(
    batch: Sequence[Repair],
    told: tuple[Sequence[Finding], Sequence[Finding]],
    all: tuple[Sequence[Finding], Sequence[Finding]],
    yields: Callable[[str], Sequence[str]] = lambda _: (),
) -> list[Objection]:
    """What speaks against a batch. `told`: the findings that are fixed and their like, before and after; `all`: those of
    every rule. `yields`: the names of the rules to which one, by its number, gives way in the same object."""
    return [*_left(batch, *told), *_brought(batch, *all, yields)]


def connected(against: Iterable[Objection]) -> list[list[int]]:
    """The suspects, those of one objection together: groups that nothing connects are looked at side by side."""
    groups: list[set[int]] = []
    for one in against:
        near = [group for group in groups if not group.isdisjoint(one.suspects)]
        groups = [group for group in groups if group.isdisjoint(one.suspects)] + [set(one.suspects).union(*near)]
    return sorted(sorted(group) for group in groups)


def worse(before: Sequence[Finding], after: Sequence[Finding]) -> list[str]:
    """Why what rules say afterwards is worse: errors and holes of files that have more of them than before. What is only likely if
    another repository holds nothing (a low confidence) was as likely before."""
    out: list[str] = []
    before, after = ([one for one in said if one.confidence is not Confidence.LOW] for said in (before, after))
    for what, holds in (("a new error", _is_error), ("a hole", _is_hole)):
        was, now = (Counter(one.location.file for one in said if holds(one)) for said in (before, after))
        more = (one for one in _more(before, after, holds) if now[one.location.file] > was[one.location.file])
        out += [_brings(what, finding) for finding in more]
    return out


def _left(batch: Sequence[Repair], before: Sequence[Finding], after: Sequence[Finding]) -> Iterator[Objection]:
    """Every fix takes its finding away: of its rule, the object has one less for each."""
    was, now = Counter(map(_place, before)), Counter(map(_place, after))
    alike_was, alike_now = Counter(one.alike for one in before), Counter(one.alike for one in after)
    by_place: dict[Key, list[int]] = {}
    for number, repair in enumerate(batch):
        by_place.setdefault(_place(repair.finding), []).append(number)
    for place, numbers in by_place.items():
        if now[place] > was[place] - len(numbers):
            fixed = Counter(batch[number].finding.alike for number in numbers)
            sure = [n for n in numbers if alike_now[a := batch[n].finding.alike] > alike_was[a] - fixed[a]]
            for suspects in [[number] for number in sure] or [numbers]:
                yield Objection("its finding would still be there", frozenset(suspects))


def _brought(
    batch: Sequence[Repair], before: Sequence[Finding], after: Sequence[Finding], yields: Callable[[str], Sequence[str]]
) -> Iterator[Objection]:
    for what, holds in (("a new error", _is_error), ("a hole", _is_hole)):
        for finding in _more(before, after, holds):
            if any(_came_to_light(finding, repair.finding, yields) for repair in batch):
                continue
            yield Objection(_brings(what, finding), _suspects(batch, finding))


def _brings(what: str, finding: Finding) -> str:
    place = f"{finding.location.file}:{finding.location.line}"
    return f"it would bring {what}, {finding.rule} {finding.name} at {place}: {finding.message}"


def _came_to_light(finding: Finding, fixed: Finding, yields: Callable[[str], Sequence[str]]) -> bool:
    """Had a finding given way to one of the same object that is fixed, and is no worse than that? Or does it only say, of an object
    that an error is taken from, what could not be seen behind that error, and is none itself?"""
    if finding.location.file != fixed.location.file or finding.resource is None or finding.resource[1:] != (fixed.resource or ())[1:]:
        return False
    gave_way = fixed.name in yields(finding.rule) and finding.severity.rank <= fixed.severity.rank
    return gave_way or finding.severity.rank < fixed.severity.rank == Severity.ERROR.rank


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _is_hole(finding: Finding) -> bool:
    return finding.impact in _HOLES


def _more(before: Iterable[Finding], after: Iterable[Finding], holds: Callable[[Finding], bool]) -> Iterator[Finding]:
    """The findings of places that have more of them than before; of alike ones, those that were not there."""
    was = Counter(_place(one) for one in before if holds(one))
    known = Counter(one.alike for one in before if holds(one))
    found: dict[Key, list[Finding]] = {}
    for one in after:
        if holds(one):
            found.setdefault(_place(one), []).append(one)
    for place, ones in found.items():
        if len(ones) > was[place]:
            new = [one for one in ones if not known[one.alike]]
            yield (new or ones)[-1]


def _place(finding: Finding) -> Key:
    """The rule and the object (its version may change), or the file of what is no object."""
    return (finding.rule, finding.location.file, finding.resource[1:] if finding.resource is not None else None)


def _suspects(batch: Sequence[Repair], finding: Finding) -> frozenset[int]:
    """The fixes that change the very object that a finding is about, else what is called like it, else files that the finding names;
    all, where none does."""
    files = {finding.location.file, *(related.location.file for related in finding.related)}
    same = {n for n, one in enumerate(batch) if finding.resource is not None and one.finding.resource == finding.resource}
    here = {n for n in same if finding.location.file in batch[n].files}
    return frozenset(here or same or {n for n, one in enumerate(batch) if files & one.files} or range(len(batch)))
