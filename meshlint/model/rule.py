"""What a rule is: facts, documentation and logic in one object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.problem import Confidence, Impact, Problem, Severity

FAMILIES = ("meta", "traffic", "security", "workload", "gateway", "egress", "extension", "install", "gateway-api", "schema")
FOREIGN = r"(?!ML[0-9])[A-Z]{2,10}[0-9]{3,4}"
"""Numbers of the rules of others."""
_EVIDENCE = {"code": Confidence.HIGH, "docs": Confidence.MEDIUM, "issue": Confidence.MEDIUM, "inferred": Confidence.LOW}
_SECURITY_IMPACT = {Impact.UNENFORCED: "7.5"}


def family_of(number: str, own: str = "") -> str:
    """The family of a rule: of meshlint's the number tells it, others say it themselves."""
    return FAMILIES[int(number[2])] if is_own(number) else own or "plugin"


def is_own(number: str) -> bool:
    """Is it a number of meshlint's own rules?"""
    return len(number) == 5 and number.startswith("ML") and number[2:].isdigit()


class Rule:
    """A check: `ML` number and name are its contract (schemas/meshlint/catalogue), its docstring is its documentation page."""

    __slots__ = (
        "aliases", "check", "confidence", "doc", "each", "evidence", "family", "id", "impact", "module", "name", "needs", "origin",
        "points_to", "reads", "remedy", "security_severity", "severity", "since", "sources", "yields_in_object", "yields_to",
    )  # fmt: skip

    def __init__(
        self,
        id: str,
        name: str,
        severity: Severity,
        *,
        impact: Impact,
        check: Callable[..., Iterable[Problem]] | None,
        doc: str,
        each: Kind | tuple[Kind, ...] | None = None,
        reads: Sequence[Kind] = (),
        needs: Collection[str] = (),
        points_to: Collection[Kind] | None = None,
        evidence: str = "docs",
        sources: Sequence[str] = (),
        remedy: str = "",
        since: str = "0.1",
        aliases: Sequence[str] = (),
        security_severity: str | None = None,
        yields_to: Sequence[str] = (),
        yields_in_object: Sequence[str] = (),
        module: str = "",
        family: str = "",
        origin: str = "meshlint",
    ) -> None:
        """`origin`: who brings the rule, as messages name it."""
        self.id = id
        self.name = name
        self.severity = severity
        self.impact = impact
        self.check = check
        self.doc = doc
        self.each: tuple[Kind, ...] = (each,) if isinstance(each, Kind) else tuple(each or ())
        self.reads: tuple[Kind, ...] = tuple(dict.fromkeys((*self.each, *reads)))
        self.needs = frozenset(needs)
        self.points_to = None if points_to is None else frozenset(points_to)
        self.evidence = evidence
        self.confidence = _EVIDENCE[evidence]
        self.sources = tuple(sources)
        self.remedy = remedy
        self.since = since
        self.aliases = tuple(aliases)
        self.security_severity = security_severity or _SECURITY_IMPACT.get(impact)
        self.yields_to = tuple(yields_to)
        self.yields_in_object = tuple(yields_in_object)
        self.module = module
        self.family = family_of(id, family)
        self.origin = origin

    @property
    def gives_way_to(self) -> tuple[str, ...]:
        """The names of the rules that say more, on the same place or in the same object."""
        return (*self.yields_to, *self.yields_in_object)

    @property
    def summary(self) -> str:
        """First paragraph of the documentation: what is wrong, in one sentence or two."""
        return " ".join(self.doc.strip().split("\n\n", 1)[0].split())

    @property
    def help(self) -> str:
        """Where the documentation is: a page of the project, or the command that prints it."""
        return f"docs/rules/{self.name}.md" if is_own(self.id) else f"meshlint rule {self.id}"

    def __repr__(self) -> str:
        return f"Rule({self.id} {self.name})"


def rule(
    id: str,
    name: str,
    severity: Severity,
    *,
    impact: Impact,
    each: Kind | tuple[Kind, ...] | None = None,
    reads: Sequence[Kind] = (),
    needs: Collection[str] = (),
    points_to: Collection[Kind] | None = None,
    evidence: str = "docs",
    sources: Sequence[str] = (),
    remedy: str = "",
    since: str = "0.1",
    aliases: Sequence[str] = (),
    security_severity: str | None = None,
    yields_to: Sequence[str] = (),
    yields_in_object: Sequence[str] = (),
    family: str = "",
) -> Callable[[Callable[..., Iterable[Problem]]], Rule]:
    """Turn a generator into a Rule. With `each`, it is called as check(resource, mesh) for every object of
    that kind, and an exception loses one object; without, once as check(mesh).

    `reads` lists every kind the check asks the mesh for; a test holds the rule to it.
    `needs`: keys (or domains of labels: istio.io/) of which an object must hold one, at any depth, for the rule to find anything
    in it; it is not asked of others.
    `points_to`: findings stand in the object that was looked at (without `each`: in objects of these kinds, or in what installs the
    mesh), and their related places in that or in objects of these kinds. None: anywhere. Where only findings about some files are
    wanted, the rule is not asked of what cannot point there.
    One defect, one finding: a finding gives way to one of the rules named in `yields_to` on the same place,
    and to one of those in `yields_in_object` anywhere in the same object.
    `evidence`: code, docs, issue or inferred. `remedy` is one sentence, said where a problem has no more precise one.
    `family` is for rules of others (numbers like ACME101); meshlint's own are in the family of their number's digit.
    """

    def wrap(check: Callable[..., Iterable[Problem]]) -> Rule:
        facts: dict[str, Any] = {"each": each, "reads": reads, "needs": needs, "evidence": evidence, "sources": sources, "remedy": remedy}
        facts.update(points_to=points_to, since=since, aliases=aliases, security_severity=security_severity)
        facts.update(yields_to=yields_to, yields_in_object=yields_in_object, family=family)
        return Rule(id, name, severity, impact=impact, check=check, doc=check.__doc__ or "", module=check.__module__, **facts)

    return wrap


def engine_rule(id: str, name: str, severity: Severity, *, impact: Impact, doc: str, remedy: str = "") -> Rule:
    """A rule whose findings the engine itself makes (syntax errors, limits): facts and documentation only."""
    return Rule(id, name, severity, impact=impact, check=None, doc=doc, evidence="code", remedy=remedy)
