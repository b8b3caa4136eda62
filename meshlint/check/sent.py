"""What rules found, on its way from one process or run to another. How a fix is made cannot travel."""

from __future__ import annotations

from collections.abc import Callable

from meshlint.index.store import SubsetUse
from meshlint.model.problem import Confidence, Finding, Fix, Impact, Location, Related, Repair, ResourceName, Severity
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple

Order = tuple[int, int, int, int]
"""Where in the order of one process a finding is: environment, rule, object of the rule's, finding of that."""
Found = tuple[Order, Finding]


class Sent(NamedTuple):
    """A finding, without what its rule says anyway. `repair`: a fix could be made; `number`: its own among those alike."""

    order: Order
    rule: str
    severity: Severity
    impact: Impact
    confidence: Confidence
    message: str
    remedy: str | None
    location: Location
    exact: bool
    resource: ResourceName | None
    path: str | None
    environments: tuple[str, ...]
    related: tuple[Related, ...]
    fix: Fix | None
    repair: bool
    fingerprint: str = ""
    alike: str = ""
    number: int = 0


class Hung(NamedTuple):
    """What the rules' answers in an environment hung on, beside its own objects. `open`: and on more than is noted here."""

    sought: frozenset[str] = frozenset()
    uses: frozenset[tuple[SubsetUse, bool]] = frozenset()
    open: bool = False

    def also(self, other: Hung) -> Hung:
        """With what they hung on in another process."""
        return Hung(self.sought | other.sought, self.uses | other.uses, self.open or other.open)


class Shared(NamedTuple):
    """What all processes found, in order; whether a rule failed; what the answers in each environment hung on."""

    found: list[Found]
    broken: bool
    hung: dict[int, Hung]


def sent(found: Found, rule: Callable[[str], Rule]) -> Sent:
    order, finding = found
    remedy = None if finding.remedy == rule(finding.rule).remedy else finding.remedy
    return Sent(
        order, finding.rule, finding.severity, finding.impact, finding.confidence, finding.message, remedy, finding.location,
        finding.exact, finding.resource, finding.path, finding.environments, finding.related, finding.fix, finding.repair is not None,
    )  # fmt: skip


def received(one: Sent, rule: Callable[[str], Rule], repair: Repair) -> Found:
    """The finding again. `repair` makes its fix, if it has one."""
    of = rule(one.rule)
    return one.order, Finding(
        of.id, of.name, of.family, one.severity, one.impact, one.confidence, one.message,
        of.remedy if one.remedy is None else one.remedy, one.location, one.exact, one.resource, one.path,
        one.environments, one.related, one.fix, one.fingerprint, one.alike, repair if one.repair else None,
    )  # fmt: skip
