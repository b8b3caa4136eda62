"""Does a rule admit an identity, whatever else it asks: the waypoint's, which ztunnel sees in place of the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.policy import Peer
from meshlint.semantics.authz_match import is_peer
from meshlint.semantics.authz_policy import Alternative, Attribute, AuthzRule, Clause

IDENTITY = frozenset({"source.principal", "source.namespace", "source.serviceAccount"})


def admits(rule: AuthzRule, peers: Sequence[Peer], namespace: str) -> bool:
    """May the rule match a request of one of the peers? Attributes that are not about identity are taken as met,
    values that a template fills in as fitting. `namespace` is the policy's."""
    return any(all(_clause(clause, peer, namespace) for clause in rule.clauses) for peer in peers)


def _clause(clause: Clause, peer: Peer, namespace: str) -> bool:
    return any(_alternative(alternative, peer, namespace) for alternative in clause.alternatives)


def _alternative(alternative: Alternative, peer: Peer, namespace: str) -> bool:
    return all(_fits(attribute, peer, namespace) for attribute in alternative.attributes)


def _fits(attribute: Attribute, peer: Peer, namespace: str) -> bool:
    if attribute.key not in IDENTITY:
        return True
    if None in attribute.values:
        return True
    named = any(_names(attribute.key, value or "", peer, namespace) for value in attribute.values)
    return named is not attribute.negated


def _names(key: str, value: str, peer: Peer, namespace: str) -> bool:
    if peer.account:
        return is_peer(key, value, peer, namespace)
    if key == "source.namespace":
        return is_peer(key, value, peer, namespace)
    return names_some_waypoint(value, peer.namespace)


def names_some_waypoint(value: str, namespace: str) -> bool:
    """Where the waypoint's account is not known: could this principal or account be that of one?"""
    if "/ns/" in value:
        where, _, account = value.partition("/ns/")[2].partition("/sa/")
        if where in (namespace, "*") and (account == "*" or "waypoint" in account):
            return True
        return value.endswith(("/ns/*", f"/ns/{namespace}/*"))
    return "waypoint" in value or value == "*" or value.endswith("/*")


def identities(rules: Iterable[AuthzRule], negated: bool | None = None) -> list[Attribute]:
    """The attributes of rules that are about the peer's identity; only the negated ones, or only the others, if asked."""
    found = [attribute for rule in rules for attribute in rule.attributes() if attribute.key in IDENTITY]
    return found if negated is None else [attribute for attribute in found if attribute.negated is negated]
