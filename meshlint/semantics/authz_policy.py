"""An AuthorizationPolicy taken apart: rules, their clauses, the alternatives of a clause, the attributes of an alternative.

A rule matches if each of its clauses does (`to`, `from`, and every `when`), a clause if one of its alternatives does, an
alternative if all of its attributes do (istio.io/docs/reference/config/security/authorization-policy).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import TypeVar

from meshlint.model.node import UNKNOWN, Node, scalar_text
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

ALLOW, DENY, CUSTOM, AUDIT = "ALLOW", "DENY", "CUSTOM", "AUDIT"
ACTIONS = (ALLOW, DENY, CUSTOM, AUDIT)
DRY_RUN = "istio.io/dry-run"

KEYS = {  # of a field of `source` or `operation`: the attribute that it is about, as `when` spells it where `when` can
    "principals": "source.principal",
    "namespaces": "source.namespace",
    "serviceAccounts": "source.serviceAccount",
    "ipBlocks": "source.ip",
    "trustDomains": "source.trustDomain",
    "remoteIpBlocks": "remote.ip",
    "requestPrincipals": "request.auth.principal",
    "ports": "destination.port",
    "hosts": "host",
    "methods": "method",
    "paths": "path",
}
_FIELDS = {
    **{field: (key, False) for field, key in KEYS.items()},
    **{f"not{field[0].upper()}{field[1:]}": (key, True) for field, key in KEYS.items()},
}
_Made = TypeVar("_Made")


class Attribute(NamedTuple):
    """One condition: `values` of which one must fit (`negated`: none may). `at` is the list of a field, the `key` of a `when`.
    `field` is the name as written: notPaths, or the key of the `when`. A value that a template fills in is None."""

    clause: str  # to, from, when
    field: str
    key: str
    values: tuple[str | None, ...]
    negated: bool
    at: Node


class Alternative(NamedTuple):
    attributes: tuple[Attribute, ...]
    at: Node


class Clause(NamedTuple):
    kind: str  # to, from, when
    alternatives: tuple[Alternative, ...]
    at: Node


class AuthzRule(NamedTuple):
    """One item of `rules`; without clauses it matches everything."""

    clauses: tuple[Clause, ...]
    at: Node

    def attributes(self) -> Iterator[Attribute]:
        for clause in self.clauses:
            for alternative in clause.alternatives:
                yield from alternative.attributes


class Authorization(NamedTuple):
    """An AuthorizationPolicy. `rules` empty: an ALLOW policy that allows nothing, a DENY policy that denies nothing."""

    action: str
    namespace: str
    rules: tuple[AuthzRule, ...]
    dry_run: bool
    resource: Resource

    @property
    def allows_all(self) -> bool:
        return self.action == ALLOW and any(not rule.clauses for rule in self.rules)


@lru_cache(1 << 16)  # each of many rules asks for all policies of an environment
def authorization(policy: Resource) -> Authorization | None:
    """None where a template decides on its action or its rules."""
    action, rules = policy.spec.get("action"), policy.spec.get("rules")
    if action.unknown or rules.unknown or policy.spec.unknown or any(rule.unknown for rule in rules.each()):
        return None
    written = action.text or ALLOW
    if written not in ACTIONS:
        return None
    dry_run = policy.annotations.get(DRY_RUN, "").lower() in ("1", "t", "true")
    return Authorization(written, policy.namespace, tuple(_rule(node) for node in rules.each()), dry_run, policy)


def once(make: Callable[[Authorization], _Made]) -> Callable[[Authorization], _Made]:
    """Remember what is made of a policy as it is written: several rules ask for it."""

    @lru_cache(1 << 16)
    def of(resource: Resource) -> _Made:
        written = authorization(resource)
        assert written is not None
        return make(written)

    @wraps(make)
    def made(policy: Authorization) -> _Made:
        return of(policy.resource) if authorization(policy.resource) is policy else make(policy)

    return made


def _rule(node: Node) -> AuthzRule:
    clauses = [clause for kind in ("to", "from") if (clause := _clause(kind, node.get(kind))) is not None]
    clauses += [_condition(when) for when in node.each("when")]
    return AuthzRule(tuple(clauses), node)


def _clause(kind: str, node: Node) -> Clause | None:
    inner = "operation" if kind == "to" else "source"
    found = tuple(Alternative(tuple(_fields(kind, item.get(inner))), item) for item in node.each())
    return Clause(kind, found, node) if found else None


def _fields(kind: str, node: Node) -> Iterator[Attribute]:
    for field, values in node.items():
        known = _FIELDS.get(field)
        if known is not None and (listed := _values(values)):
            key, negated = known
            yield Attribute(kind, field, key, listed, negated, values)


def _condition(node: Node) -> Clause:
    key = node.get("key").text or ""
    found = [
        Attribute("when", key, key, listed, field == "notValues", node.get("key"))
        for field in ("values", "notValues")
        if (listed := _values(node.get(field)))
    ]
    return Clause("when", (Alternative(tuple(found), node),), node)


def _values(node: Node) -> tuple[str | None, ...]:
    value, held = node.value, node.table.values
    if value is UNKNOWN:
        return (None,)
    found = [held[row] for row in value] if isinstance(value, list) else [value] if value is not None else []
    return tuple([one if type(one) is str else None if one is None or one is UNKNOWN else scalar_text(one) for one in found])


def item(attribute: Attribute, number: int) -> Node:
    """The node of a value: in the list of a field, or in the values of a `when`, whose place is its key."""
    if attribute.clause != "when":
        return attribute.at.get(number)
    holder = attribute.at.parent
    return holder.get("notValues" if attribute.negated else "values", number) if holder is not None else attribute.at
