"""Does a request match: at the sidecar of its destination, at the destination's ztunnel, at a waypoint.

Who asks, and which port counts, differ: ztunnel sees the pod's port and, behind a waypoint, the waypoint's identity;
a waypoint sees the caller and the port of the Service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshlint.model.policy import Peer
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.authz_policy import ALLOW, CUSTOM, DENY, Attribute, Authorization, AuthzRule
from meshlint.semantics.authz_ztunnel import left_over

_ADDRESSES = frozenset({"source.ip", "remote.ip", "destination.ip"})


class Request(NamedTuple):
    """One request over HTTP. `peer` is None for plain text. `http` holds host, method, path, and what `when` calls by its
    key (request.headers[x], request.auth.principal ...); a key that is absent is an attribute that the request lacks.
    `vouched`: the external authorizer would say yes."""

    peer: Peer | None
    port: int
    service_port: int
    address: str
    http: Mapping[str, str]
    vouched: bool = True


def at_sidecar(policies: Sequence[Authorization], request: Request) -> bool:
    """What the destination's sidecar decides; `policies` are those that take its pod."""
    return _decided([p for p in policies if not p.dry_run], request, request.port)


def at_ztunnel_of_pod(policies: Sequence[Authorization], request: Request, through: Peer | None = None) -> bool:
    """What the destination's ztunnel decides; `through` is the waypoint that passed the request on."""
    left = [policy for policy in map(left_over, policies) if policy is not None]
    seen = request if through is None else request._replace(peer=through)
    return _decided(left, seen, seen.port)


def at_waypoint(policies: Sequence[Authorization], request: Request) -> bool:
    """What a waypoint decides; `policies` are those whose targetRefs act on the Service."""
    return _decided([p for p in policies if not p.dry_run], request, request.service_port)


def _decided(policies: Sequence[Authorization], request: Request, port: int) -> bool:
    """CUSTOM first, then DENY, then ALLOW; without any ALLOW policy all is allowed."""

    def fits(action: str) -> bool:
        return any(matches(rule, request, port, p.namespace) for p in policies if p.action == action for rule in p.rules)

    if (fits(CUSTOM) and not request.vouched) or fits(DENY):
        return False
    return fits(ALLOW) or not any(policy.action == ALLOW for policy in policies)


def matches(rule: AuthzRule, request: Request, port: int, namespace: str) -> bool:
    """`namespace` is the policy's: a service account without a namespace is of that."""
    return all(
        any(all(_fits(attribute, request, port, namespace) for attribute in alternative.attributes) for alternative in clause.alternatives)
        for clause in rule.clauses
    )


def _fits(attribute: Attribute, request: Request, port: int, namespace: str) -> bool:
    found = any(_one(attribute.key, value, request, port, namespace) for value in attribute.values if value is not None)
    return found is not attribute.negated


def _one(key: str, value: str, request: Request, port: int, namespace: str) -> bool:
    if key == "destination.port":
        return value == str(port)
    if key in _ADDRESSES:
        return key == "source.ip" and in_block(request.address, value)
    if key.startswith("source."):
        return request.peer is not None and is_peer(key, value, request.peer, namespace)
    actual = request.http.get(key)
    return actual is not None and is_like(value, actual)


def is_peer(key: str, value: str, peer: Peer, namespace: str) -> bool:
    """Does a value of an identity attribute name the peer?"""
    if key == "source.principal":
        return is_like(value, peer.principal)
    if key == "source.namespace":
        return _is_of(value, peer.namespace)
    if key == "source.serviceAccount":
        where, slash, account = value.partition("/")
        return (where, account) == (peer.namespace, peer.account) if slash else (namespace, value) == (peer.namespace, peer.account)
    if key == "source.trustDomain":
        return is_like(value, peer.trust_domain)
    return False


def _is_of(pattern: str, namespace: str) -> bool:
    """With any number of stars, each of which takes as little as it can."""
    first, *parts = pattern.split("*")
    if not parts or not namespace.startswith(first):
        return pattern == namespace
    at = len(first)
    for part in parts[:-1]:
        found = namespace.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(namespace) - at >= len(parts[-1]) and namespace.endswith(parts[-1])


def is_like(pattern: str, actual: str) -> bool:
    """Istio's string match: `*` is any non-empty value, `*x` a suffix, `x*` a prefix, anything else exact."""
    if pattern == "*":
        return bool(actual)
    if pattern.startswith("*"):
        return actual.endswith(pattern[1:])
    return actual.startswith(pattern[:-1]) if pattern.endswith("*") else actual == pattern


def in_block(address: str, block: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(address) in ip_network(block, strict=False)
    except ValueError:
        return False
