"""What ztunnel is given of an AuthorizationPolicy, and so what it can enforce.

istiod sends it the layer 4 attributes and leaves the others out. It skips an alternative that has none left, so a clause of
which nothing is left never matches (istio pilot/pkg/serviceregistry/ambient/authorization.go, ztunnel src/rbac.rs):

- an ALLOW rule with any layer 7 attribute is left out whole;
- a DENY rule is sent without them: a clause that has only them makes the rule one that never fires.
"""

from __future__ import annotations

from enum import Enum

from meshlint.model.tuples import NamedTuple
from meshlint.semantics.authz_policy import (
    ALLOW,
    DENY,
    Alternative,
    Attribute,
    Authorization,
    AuthzRule,
    Clause,
    once,
)

WHEN_AT_L4 = frozenset({"source.ip", "source.namespace", "source.principal", "destination.ip", "destination.port"})
FIELDS_AT_L4 = frozenset({"principals", "namespaces", "serviceAccounts", "ipBlocks", "ports"})
_UNREAD = frozenset({"trustDomains"})  # in the API since 1.30; istiod's conversion neither takes it over nor objects


class Fate(Enum):
    KEPT = "kept"
    REMOVED = "removed"  # layer 7: known as such, an ALLOW rule dies of it
    UNREAD = "unread"  # left out without a word


class Converted(NamedTuple):
    """A rule at ztunnel. `kept` is what is left of it, None where it never matches.

    `lost`: attributes that are gone with their whole alternative, beside others that are left: the rule matches less.
    `widened`: attributes that are gone from an alternative which is left: it matches more.
    `removed`: every attribute that ztunnel does not get; `deciding` the one to look at.
    """

    rule: AuthzRule
    kept: AuthzRule | None
    removed: tuple[Attribute, ...]
    lost: tuple[Attribute, ...]
    widened: tuple[Attribute, ...]
    deciding: Attribute | None

    @property
    def never(self) -> bool:
        return self.kept is None


def fate(attribute: Attribute) -> Fate:
    if attribute.clause == "when":
        return Fate.KEPT if attribute.key in WHEN_AT_L4 else Fate.REMOVED
    plain = attribute.field
    if attribute.negated:
        plain = plain[3].lower() + plain[4:]
    if plain in _UNREAD:
        return Fate.UNREAD
    return Fate.KEPT if plain in FIELDS_AT_L4 else Fate.REMOVED


def layer7(rule: Converted) -> tuple[Attribute, ...]:
    """The attributes that are gone because ztunnel cannot see HTTP."""
    return tuple(attribute for attribute in rule.removed if fate(attribute) is Fate.REMOVED)


def at_ztunnel(rule: AuthzRule, action: str) -> Converted:
    removed = tuple(attribute for attribute in rule.attributes() if fate(attribute) is not Fate.KEPT)
    layer7 = [attribute for attribute in removed if fate(attribute) is Fate.REMOVED]
    if action == ALLOW and layer7:
        return Converted(rule, None, removed, (), (), layer7[0])
    clauses: list[Clause] = []
    lost: list[Attribute] = []
    widened: list[Attribute] = []
    for clause in rule.clauses:
        left = _left(clause)
        if not left.alternatives:
            gone = [a for alternative in clause.alternatives for a in alternative.attributes]
            return Converted(rule, None, removed, (), (), gone[0] if gone else None)
        clauses.append(left)
        for alternative in clause.alternatives:
            gone = [a for a in alternative.attributes if fate(a) is not Fate.KEPT]
            (lost if len(gone) == len(alternative.attributes) else widened).extend(gone)
    deciding = next(iter([*widened, *lost]), None)
    return Converted(rule, AuthzRule(tuple(clauses), rule.at), removed, tuple(lost), tuple(widened), deciding)


def _left(clause: Clause) -> Clause:
    """The clause with what ztunnel gets; alternatives without any attribute are skipped there."""
    kept = [(tuple(a for a in alternative.attributes if fate(a) is Fate.KEPT), alternative.at) for alternative in clause.alternatives]
    return Clause(clause.kind, tuple(Alternative(attributes, at) for attributes, at in kept if attributes), clause.at)


@once
def converted(policy: Authorization) -> tuple[Converted, ...]:
    """Every rule of an ALLOW or DENY policy; ztunnel gets nothing of any other action."""
    return tuple(at_ztunnel(rule, policy.action) for rule in policy.rules) if policy.action in (ALLOW, DENY) else ()


@once
def left_over(policy: Authorization) -> Authorization | None:
    """The policy that ztunnel enforces; None: it gets none. An ALLOW policy without rules is left and denies all."""
    if policy.action not in (ALLOW, DENY) or policy.dry_run:
        return None
    return policy._replace(rules=tuple(rule.kept for rule in converted(policy) if rule.kept is not None))
