"""Runs the chosen rules over every environment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING

from meshlint.check.concern import Concerns, Objects
from meshlint.check.findings import fingerprinted, give_way, merge, stamp
from meshlint.check.registry import Entry, Registry
from meshlint.check.unread import told
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.measure import current, phase
from meshlint.model.document import Trouble
from meshlint.model.problem import Confidence, Finding, Fix, Location, Problem, ResourceName, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple

if TYPE_CHECKING:
    from meshlint.check.about import About
    from meshlint.check.forked import Copies
    from meshlint.check.kept import Kept
    from meshlint.check.sent import Found, Hung, Order, Sent

Progress = Callable[[int, int], None]  # environments done, and all
ENOUGH = 1_000  # objects to judge, from which another process pays
_MANY = 10_000  # looks at an object, which take longer than to find out what is known
RULE_FAILED, UNUSED = "rule-failed", "unused-suppression"


class Checked(NamedTuple):
    """What a run of the rules gave."""

    findings: list[Finding]
    rules: dict[str, Rule]
    broken: bool  # a rule raised


class Runner:
    """Runs the chosen rules over every environment; one that raises costs one object."""

    def __init__(self, registry: Registry, chosen: Sequence[Entry], forced: Mapping[str, Severity], repository: Repository) -> None:
        self._registry = registry
        self._chosen = chosen
        self._forced = forced
        self._repository = repository
        self._rules: dict[str, Rule] = {}
        self._broken = False
        self._measure = current()
        self._concerns = Concerns(chosen)
        self._calls: dict[int, dict[int, Objects]] = {}  # of the environment that a fix was made in last

    def run(
        self,
        troubles: Sequence[Trouble],
        progress: Progress | None = None,
        copies: Copies | None = None,
        about: About | None = None,
        kept: Kept | None = None,
    ) -> Checked:
        """`copies`: processes that share the work. `about`: what points to none of these objects may be left out. `kept`: what was
        found before, where nothing has changed."""
        with phase("rules"):
            held = self._held(about, kept)
            if about is not None and held is None:
                findings = self._narrowly(about)
            elif copies is None and kept is None:
                findings = self._alone(progress)
            else:
                findings = self._shared(copies, kept, held or {}, progress, about)
        with phase("findings"):
            findings += self._from_troubles(troubles)
            merged = give_way(merge(findings), self._rules)
            printed = fingerprinted(merged, self._repository, known=None if kept is None else kept.numbers)
            if kept is not None and about is None:
                kept.keep(self._repository, self._rule, printed)
            return Checked(printed, self._rules, self._broken)

    def _held(self, about: About | None, kept: Kept | None) -> Mapping[int, Sequence[Sent]] | None:
        """What is known of environments; None where little has to be looked at anyway."""
        if kept is None or (about is not None and self._concerns.looks(about.kinds, self._repository.count) < _MANY):
            return None
        return kept.find(self._repository, None if about is None else ENOUGH)

    def _alone(self, progress: Progress | None) -> list[Finding]:
        findings: list[Finding] = []
        environments = self._repository.environments
        for number in range(len(environments)):
            findings += (finding for _, finding in self._environment(number))
            if progress is not None:
                progress(number + 1, len(environments))
        return findings

    def _narrowly(self, about: About) -> list[Finding]:
        from meshlint.check.about import Look, Narrow

        narrow = Narrow(about, self._concerns, self._repository.owner)
        one = self._one if self._measure is None else self._timed
        meshes = [self._repository.index(environment) for environment in self._repository.environments]
        found: list[Finding] = []
        for mesh in meshes:
            for row, objects in narrow.calls(mesh):
                rule = self._use(self._chosen[row])
                for resource in objects:
                    problems = None if narrow.is_near(resource, mesh) else self._problems(rule, resource, mesh)
                    if problems is None:
                        found += one(rule, resource, mesh)
                    else:
                        narrow.note(Look(row, resource, mesh), problems)
        pointing = [(self._use(self._chosen[row]), resource, mesh) for row, resource, mesh in narrow.pointing()]
        told = [(rule, finding) for rule, resource, mesh in pointing for finding in one(rule, resource, mesh)]
        found += (finding for _, finding in told)
        more = narrow.saying_more(told)
        for mesh in meshes if more is not None else ():
            for row, objects in self._concerns.calls(mesh, more):
                found += (finding for resource in objects for finding in one(self._use(self._chosen[row]), resource, mesh))
        return found

    def _problems(self, rule: Rule, resource: Resource | None, mesh: MeshIndex) -> list[Problem] | None:
        """What a rule says, not yet as findings: where these stand costs a look at the text. None: it fails."""
        begin = time.process_time() if self._measure is not None else 0.0
        try:
            problems = _said(rule, resource, mesh)
        except Exception:
            return None
        if self._measure is not None:
            self._measure.add_rule(f"{rule.id} {rule.name}", time.process_time() - begin, 0)
        return problems

    def _shared(
        self, copies: Copies | None, kept: Kept | None, held: Mapping[int, Sequence[Sent]], progress: Progress | None, about: About | None
    ) -> list[Finding]:
        """`held`: what is known of environments."""
        from meshlint.check.forked import Piece, Work, pieces, run_here
        from meshlint.check.kept import hung_on

        sizes = [0 if number in held else len(one.resources) for number, one in enumerate(self._repository.environments)]

        def check(piece: Piece) -> list[Found]:
            numbers = [number for number in range(piece.start, piece.stop) if number not in held]
            found = [one for number in numbers for one in self._environment(number, piece.first, piece.of)]
            if progress is not None:
                progress(piece.stop, len(sizes))
            return found

        def hung() -> dict[int, Hung]:
            return {} if kept is None else hung_on(self._repository, (number for number in range(len(sizes)) if number not in held))

        def work(count: int) -> Work:
            return Work(pieces(sizes, count), check, self._again, self._rule, lambda: self._broken, hung)

        if copies is not None and sum(sizes) >= ENOUGH:
            self._prepare()
            shared = copies.run(work(copies.count))
        else:
            shared = run_here(work(1))
        self._broken = self._broken or shared.broken
        found = shared.found
        if kept is not None:
            kept.note(shared, {order[0] for order, one in found if one.name == RULE_FAILED})
            said = [(number, one) for number, some in held.items() for one in some]
            if about is not None:
                counts = about.counting([finding for _, finding in found], (one for _, one in said))
                said = [(number, one) for number, one in said if counts(one)]
            found = sorted(chain(found, kept.found(said, self._rule, self._again)), key=itemgetter(0))
        return [finding for _, finding in found]

    def _rule(self, number: str) -> Rule:
        if number not in self._rules:
            self._rules[number] = self._registry.named(number)
        return self._rules[number]

    def _prepare(self) -> None:
        """What all copies would make for themselves."""
        self._repository.prepare()
        for entry in self._chosen:
            if not entry.engine and (not entry.each or any(kind in self._repository.kinds for kind in entry.each)):
                self._use(entry)

    def _environment(self, number: int, first: int = 0, of: int = 1) -> Iterator[Found]:
        """What the rules say of every `of`-th object of an environment, from number `first` on."""
        environment = self._repository.environments[number]
        mesh = self._repository.index(environment)
        one = self._one if self._measure is None else self._timed
        for row, objects in self._concerns.calls(mesh):
            rule = self._use(self._chosen[row])
            for at, resource in enumerate(objects):
                if of == 1 or (at + (row if resource is None else 0)) % of == first:
                    for count, finding in enumerate(one(rule, resource, mesh)):
                        yield (number, row, at, count), finding

    def _again(self, order: Order) -> Fix | None:
        """The fix of what is found at a place, by finding it once more."""
        number, row, at, count = order
        mesh = self._repository.index(self._repository.environments[number])
        if number not in self._calls:
            self._calls = {number: dict(self._concerns.calls(mesh))}
        fix = _said(self._use(self._chosen[row]), self._calls[number][row][at], mesh)[count].fix
        return fix() if callable(fix) else fix

    def _use(self, entry: Entry) -> Rule:
        if entry.id not in self._rules:
            self._rules[entry.id] = self._registry.rule(entry)
        return self._rules[entry.id]

    def _one(self, rule: Rule, resource: Resource | None, mesh: MeshIndex) -> list[Finding]:
        """An exception loses what this rule says of one object, and is said itself."""
        try:
            said = _said(rule, resource, mesh)
            return [stamp(rule, problem, resource, mesh, self._repository, self._forced) for problem in said]
        except Exception as error:
            self._broken = True
            return [self._failed(rule, resource, mesh, error)]

    def _timed(self, rule: Rule, resource: Resource | None, mesh: MeshIndex) -> list[Finding]:
        begin = time.process_time()
        found = self._one(rule, resource, mesh)
        if self._measure is not None:
            self._measure.add_rule(f"{rule.id} {rule.name}", time.process_time() - begin, len(found))
        return found

    def _failed(self, rule: Rule, resource: Resource | None, mesh: MeshIndex, error: Exception) -> Finding:
        failed = self._registry.named(RULE_FAILED)
        self._rules[failed.id] = failed
        if resource is None:
            about, name = f"environment {mesh.environment.name}", None
            place = Location(mesh.environment.path or ".", 1, 1, 1, 1)
        else:
            about, name = resource.title, ResourceName(resource.api_version, resource.kind.kind, resource.namespace, resource.name)
            place = Location.of(resource.file, resource.root.place)
        message = f"Rule {rule.id} {rule.name} raised {type(error).__name__} on {about}: {error}"
        return engine_finding(failed, self._forced, message, place)._replace(resource=name, environments=(mesh.environment.name,))

    def _from_troubles(self, troubles: Sequence[Trouble]) -> Iterator[Finding]:
        chosen = {entry.name: entry for entry in self._chosen if entry.engine}
        for said in told(troubles, self._repository.skipped):
            if said.rule in chosen:
                finding = engine_finding(self._use(chosen[said.rule]), self._forced, said.message, said.place)
                yield finding._replace(related=said.related, remedy=said.remedy or finding.remedy)


def _said(rule: Rule, resource: Resource | None, mesh: MeshIndex) -> list[Problem]:
    """What a rule says of an object, or of the environment as a whole (None)."""
    assert rule.check is not None
    return list(rule.check(mesh) if resource is None else rule.check(resource, mesh))


def rule_failed(registry: Registry, finding: Finding, error: Exception) -> Finding:
    """What is to be said where the fix of a finding could not be made."""
    message = f"Rule {finding.rule} {finding.name} raised {type(error).__name__} on its fix: {error}"
    said = engine_finding(registry.named(RULE_FAILED), {}, message, finding.location)
    return said._replace(resource=finding.resource, environments=finding.environments, fingerprint=finding.fingerprint[::-1])


def engine_finding(rule: Rule, forced: Mapping[str, Severity], message: str, place: Location) -> Finding:
    """A finding that no rule made: severity and remedy of a rule, message and place of the engine."""
    severity = forced.get(rule.id, rule.severity)
    return Finding(
        rule=rule.id,
        name=rule.name,
        family=rule.family,
        severity=severity,
        impact=rule.impact,
        confidence=Confidence.HIGH,
        message=message,
        remedy=rule.remedy,
        location=place,
        exact=True,
        resource=None,
        path=None,
        environments=(),
        related=(),
        fix=None,
        fingerprint="",
    )
