"""From what each rule said of each object to what is told of each file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshlint.check.findings import give_way, merge
from meshlint.check.registry import Entry
from meshlint.check.runner import engine_finding
from meshlint.check.unread import told
from meshlint.lsp.calls import Call, Id, Rules
from meshlint.model.document import Trouble
from meshlint.model.problem import Finding, Severity
from meshlint.model.resource import Environment

Where = tuple[str, Id]  # the name of an environment, and a call in it


class Told:
    """The findings of all calls by the file that they stand in, as the rules said them."""

    def __init__(self, chosen: Sequence[Entry], rules: Rules, forced: Mapping[str, Severity]) -> None:
        self._rules = rules
        self._forced = forced
        self._engine = {entry.name: entry for entry in chosen if entry.engine}
        self._rank = {entry.id: number for number, entry in enumerate(chosen)}
        self._said: dict[str, dict[Where, tuple[Finding, ...]]] = {}
        self._troubles: dict[str, list[Finding]] = {}

    @property
    def files(self) -> set[str]:
        return {*self._said, *self._troubles}

    def note(self, environment: str, one: Id, before: Call | None, now: Call | None) -> set[str]:
        """What a call says now in the place of what it said before. Gives the files about which it says something else."""
        where = (environment, one)
        files: set[str] = set()
        old = () if before is None else before.findings
        new = () if now is None else now.findings
        for file in {finding.location.file for finding in old}:
            self._said.get(file, {}).pop(where, None)
            files.add(file)
        for finding in new:
            held = self._said.setdefault(finding.location.file, {})
            held[where] = (*held.get(where, ()), finding)
            files.add(finding.location.file)
        return files if len(old) != len(new) or any(map(_differ, old, new)) else set()

    def forget(self, environment: str) -> set[str]:
        """Leave out all that was said of an environment."""
        files = set()
        for file, held in self._said.items():
            gone = [where for where in held if where[0] == environment]
            for where in gone:
                del held[where]
            if gone:
                files.add(file)
        return files

    def note_troubles(self, troubles: Iterable[Trouble], skipped: frozenset[str]) -> set[str]:
        """What could not be read. Gives the files about which that says something else."""
        old, self._troubles = self._troubles, {}
        for finding in self._from(troubles, skipped):
            self._troubles.setdefault(finding.location.file, []).append(finding)
        return {file for file in {*old, *self._troubles} if old.get(file) != self._troubles.get(file)}

    def of_troubles(self, troubles: Iterable[Trouble]) -> list[Finding]:
        """What could not be read of one file alone."""
        return list(self._from(troubles, frozenset()))

    def _from(self, troubles: Iterable[Trouble], skipped: frozenset[str]) -> Iterator[Finding]:
        for said in told(tuple(troubles), skipped):
            entry = self._engine.get(said.rule)
            if entry is not None:
                finding = engine_finding(self._rules.rule(entry), self._forced, said.message, said.place)
                yield finding._replace(related=said.related, remedy=said.remedy or finding.remedy)

    def of(self, file: str, environments: Mapping[str, tuple[int, Environment]]) -> list[Finding]:
        """One finding a defect, in no order. `environments`: by name, with their number."""
        held = self._said.get(file, {})
        ordered = sorted(held, key=lambda where: self._order(where, environments)) if len(held) > 1 else held
        return give_way(merge([*(f for where in ordered for f in held[where]), *self._troubles.get(file, ())]), self._rules.used)

    def _order(self, where: Where, environments: Mapping[str, tuple[int, Environment]]) -> tuple[int, int, int]:
        """As a whole run goes through them: environments, rules, objects."""
        name, (rule, resource) = where
        number, environment = environments[name]
        place = -1 if resource is None else environment.resources.index(resource)
        return number, self._rank[rule], place


def _differ(one: Finding, other: Finding) -> bool:
    """Is there anything else to see? How a fix is made is not seen."""
    return one._replace(repair=None) != other._replace(repair=None)
