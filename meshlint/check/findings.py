"""From what a rule says to what a user gets: severity, place, identity, fingerprint, one finding for several environments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from meshlint.index.repository import Repository
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node, dotted
from meshlint.model.problem import Confidence, Finding, Fix, Location, Problem, Related, ResourceName, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule

if TYPE_CHECKING:
    from meshlint.model.digest import Digest


def stamp(
    rule: Rule, problem: Problem, checked: Resource | None, mesh: Mesh, repository: Repository, forced: Mapping[str, Severity]
) -> Finding:
    """A problem as a finding, still without its fingerprint."""
    owner, prefix = repository.owner(problem.at)
    named = owner or checked  # what stands in a patch or a label transformer belongs to no object's text
    environment = mesh.environment.name
    severity = forced.get(rule.id) or _severity(rule, problem, checked, mesh)
    return Finding(
        rule=rule.id,
        name=rule.name,
        family=rule.family,
        severity=severity,
        impact=problem.impact or rule.impact,
        confidence=_confidence(rule, problem),
        message=problem.message,
        remedy=problem.remedy or rule.remedy,
        location=_location(problem.at),
        exact=problem.at.exact,
        resource=_name(named) if named is not None else None,
        path=_path(problem.at, owner, prefix),
        environments=(environment,),
        related=tuple(Related(_location(node), text) for node, text in problem.related),
        fix=problem.fix if isinstance(problem.fix, Fix) and (problem.at.table.origins is None or problem.at.exact) else None,
        fingerprint="",
        repair=None if isinstance(problem.fix, Fix) else problem.fix,
    )


def _confidence(rule: Rule, problem: Problem) -> Confidence:
    """The problem's own, else the rule's; what is only inferred stays so."""
    said = problem.confidence or rule.confidence
    return rule.confidence if rule.evidence == "inferred" and rule.confidence.rank < said.rank else said


def _severity(rule: Rule, problem: Problem, checked: Resource | None, mesh: Mesh) -> Severity:
    """Declared severity holds where the workload is ambient now; ahead of the move an error is a warning.
    What is only inferred is a note at most."""
    declared = problem.severity or rule.severity
    if rule.evidence == "inferred":
        return Severity.NOTE
    subject = problem.subject or checked
    if declared is Severity.ERROR and not problem.final and subject is not None and not mesh.ambient_now(subject):
        return Severity.WARNING
    return declared


def _location(node: Node) -> Location:
    source, start, end = node.marked
    return Location(source.path, *source.region(start, end))


def _name(resource: Resource) -> ResourceName:
    return ResourceName(resource.api_version, resource.kind.kind, resource.namespace, resource.name)


_dotted: Final = lru_cache(4096)(dotted)  # most paths come again in other objects


def _path(at: Node, owner: Resource | None, prefix: str) -> str | None:
    if owner is None:
        return None
    inside = at.path if prefix else at.path[len(owner.root.path) :]
    path = _dotted(inside)
    return (f"{prefix}.{path}" if prefix and path else prefix or path) or None


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """One finding per rule and place: the highest severity and its message, all environments. What the engine itself says
    is merged only if it says the same: two rules may fail on one object."""
    by_place: dict[tuple[str, Location, str], list[Finding]] = {}
    for finding in findings:
        said = finding.message if finding.family == "meta" else ""
        by_place.setdefault((finding.rule, finding.location, said), []).append(finding)
    return [_merged(same) for same in by_place.values()]


def _merged(same: list[Finding]) -> Finding:
    if len(same) == 1:
        return same[0]
    chosen = max(same, key=lambda finding: finding.severity.rank)
    environments = tuple(sorted({name for finding in same for name in finding.environments}))
    return chosen._replace(environments=environments)


def give_way(findings: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """One defect, one finding: leave out what a more precise rule says on the same place or of the same object."""
    places = {name for rule in rules.values() for name in rule.yields_to}
    holders = {name for rule in rules.values() for name in rule.yields_in_object}
    here: dict[tuple[str, Location], Severity] = {(f.name, f.location): f.severity for f in findings if f.name in places}
    objects = {(f.name, f.location.file, f.resource) for f in findings if f.name in holders and f.resource is not None}

    def gives_way(finding: Finding) -> bool:
        rule = rules[finding.rule]
        for name in rule.yields_to:
            other = here.get((name, finding.location))
            if other is not None and other.rank >= finding.severity.rank:
                return True
        return any((name, finding.location.file, finding.resource) in objects for name in rule.yields_in_object)

    return [finding for finding in findings if not gives_way(finding)]


def marks(finding: Finding) -> tuple[object, ...]:
    """All that a fingerprint is made of, the text for its place."""
    return finding.rule, finding.location, finding.resource, finding.path


def fingerprinted(
    findings: list[Finding], repository: Repository, before: Callable[[str], int] = lambda alike: 0, known: dict[str, int] | None = None
) -> list[Finding]:
    """Findings in their order, each with a fingerprint that leaves line numbers out: rule, object as written, path without
    list indices, offending text, and a count of those alike. `before`: how many alike there are in front of all of these.
    `known`: the count in each fingerprint, of those that findings have already and of those that they get."""
    seen: dict[str, int] = {}
    out = []
    for finding in sorted(findings, key=lambda finding: finding.order):
        then = known.get(finding.fingerprint) if known is not None else None
        digest = None if then else _digest(finding, repository)
        alike = finding.alike if digest is None else digest.hexdigest()[:32]
        seen[alike] = number = seen.get(alike, before(alike)) + 1
        if number == then:
            out.append(finding)
            continue
        digest = digest or _digest(finding, repository)
        digest.update(b"\x1f%d" % number)
        out.append(finding.printed(digest.hexdigest()[:32], alike))
        if known is not None:
            known[out[-1].fingerprint] = number
    return out


def _digest(finding: Finding, repository: Repository) -> Digest:
    from meshlint.model.digest import sha256  # of a run without findings it is not asked

    return sha256("\x1f".join(_identity(finding, repository)).encode("utf-8", "backslashreplace"))


def _identity(finding: Finding, repository: Repository) -> Iterable[str]:
    about = finding.resource[1:] if finding.resource is not None else (finding.location.file,)
    text = repository.text_at(finding.location).replace("\r\n", "\n")
    return (finding.rule, *about, without_indices(finding.path or ""), text)


@lru_cache(4096)
def without_indices(path: str) -> str:
    """spec.http.route of spec.http[0].route[1]: what is inserted before it moves nothing."""
    return "".join(part.partition("]")[2] if index else part for index, part in enumerate(path.split("[")))


def shown(finding: Finding, show: Callable[[str], str]) -> Finding:
    """With its paths as users see them."""
    if all(show(file) == file for file in _named(finding)):
        return finding

    def moved(place: Location) -> Location:
        name = show(place.file)
        return place if name == place.file else Location(name, *place[1:])

    fix = finding.fix
    if fix is not None:
        edits = tuple(edit._replace(file=show(edit.file)) for edit in fix.edits)
        fix = fix._replace(edits=edits, new_files=tuple(new._replace(path=show(new.path)) for new in fix.new_files))
    related = tuple(Related(moved(place), said) for place, said in finding.related)
    return finding._replace(location=moved(finding.location), related=related, fix=fix)


def _named(finding: Finding) -> Iterator[str]:
    """The files that a finding names."""
    yield finding.location.file
    for place, _ in finding.related:
        yield place.file
    if finding.fix is not None:
        for edit in finding.fix.edits:
            yield edit.file
        for new in finding.fix.new_files:
            yield new.path
