"""Runs the chosen rules over every environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from meshlint.check.findings import fingerprinted, give_way, merge, stamp
from meshlint.check.registry import Entry, Registry
from meshlint.check.unread import told
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.document import Trouble
from meshlint.model.problem import Confidence, Finding, Location, Problem, ResourceName, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule

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

    def run(self, troubles: Sequence[Trouble], progress: Callable[[int, int], None] | None = None) -> Checked:
        findings: list[Finding] = []
        environments = self._repository.environments
        for done, environment in enumerate(environments):
            mesh = self._repository.index(environment)
            for entry in self._chosen:
                if not entry.engine and (not entry.each or any(mesh.all(kind) for kind in entry.each)):
                    findings += self._check(self._use(entry), mesh)
            if progress is not None:
                progress(done + 1, len(environments))
        findings += self._from_troubles(troubles)
        merged = give_way(merge(findings), self._rules)
        return Checked(fingerprinted(merged, self._repository), self._rules, self._broken)

    def _use(self, entry: Entry) -> Rule:
        if entry.id not in self._rules:
            self._rules[entry.id] = self._registry.rule(entry)
        return self._rules[entry.id]

    def _check(self, rule: Rule, mesh: MeshIndex) -> Iterator[Finding]:
        if not rule.each:
            yield from self._one(rule, None, mesh)
        for kind in rule.each:
            for resource in mesh.all(kind):
                yield from self._one(rule, resource, mesh)

    def _one(self, rule: Rule, resource: Resource | None, mesh: MeshIndex) -> list[Finding]:
        """An exception loses what this rule says of one object, and is said itself."""
        assert rule.check is not None
        try:
            problems: list[Problem] = list(rule.check(mesh) if resource is None else rule.check(resource, mesh))
            return [stamp(rule, problem, resource, mesh, self._repository, self._forced) for problem in problems]
        except Exception as error:
            self._broken = True
            return [self._failed(rule, resource, mesh, error)]

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
                yield engine_finding(self._use(chosen[said.rule]), self._forced, said.message, said.place)._replace(related=said.related)


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
