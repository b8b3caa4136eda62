"""What stands at the pods of Services beside a policy that is for their waypoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.policy import Peer
from meshlint.model.resource import Resource
from meshlint.semantics.authz_peer import admits
from meshlint.semantics.authz_policy import ALLOW, DENY, Attribute, Authorization, AuthzRule, authorization
from meshlint.semantics.authz_ztunnel import converted, left_over

STRANGER: Final = (Peer("stranger.invalid", "~", "~"),)
_PORT: Final = "destination.port"


class Guard:
    """What the policies at the pods of Services do, those that are about to leave them left out."""

    def __init__(self, services: Iterable[Resource], mesh: Mesh, leaving: Sequence[Resource] = ()) -> None:
        found = [list(mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)) for service in services]
        self._each = [[authorization(policy) for policy in policies if policy not in leaving] for policies in found]

    @property
    def told(self) -> bool:
        """Does a template fill in none of them?"""
        return all(acting is not None for policies in self._each for acting in policies)

    def allowing(self) -> Iterator[Authorization]:
        for policies in self._each:
            for acting in policies:
                left = left_over(acting) if acting is not None else None
                if left is not None and left.action == ALLOW:
                    yield left

    @property
    def admits_strangers(self) -> bool:
        """Does one of them let anybody in, so that one more ALLOW policy keeps nobody away?"""
        return any(admits(one, STRANGER, left.namespace) for left in self.allowing() for one in left.rules)

    def admits_only(self, peers: Sequence[Peer]) -> bool:
        """Do ALLOW policies act on all of them that admit the peers, and no strangers?"""
        every = all(any(a is not None and a.action == ALLOW for a in policies) for policies in self._each)
        there = [left for left in self.allowing() if any(admits(one, peers, left.namespace) for one in left.rules)]
        return every and len(there) >= len(self._each) and not self.admits_strangers


def stands_at_the_pods(policy: Resource, service: Resource, mesh: Mesh) -> bool:
    """Is what a policy says at the waypoint of a Service enforced at its pods as well: by ztunnel, or while they have sidecars by
    these? Ports are left out, for at a waypoint they are the Service's, and so is what is said there of the waypoint itself."""
    sidecars = not mesh.ambient_now(service)
    if policy.kind is not Kind.AUTHORIZATION_POLICY:
        said = _issuers(policy)
        return sidecars and any(said <= _issuers(other) for other in mesh.policies_over(service, policy.kind))
    new = authorization(policy)
    if new is None:
        return False
    waypoint = mesh.waypoint_peers(service)
    for other in mesh.policies_over(service, policy.kind):
        old = authorization(other)
        if old is not None and old.action == new.action and not old.dry_run and _said(old, waypoint) == _said(new, waypoint):
            whole = old.action in (ALLOW, DENY) and not any(found.removed for found in converted(old))
            if sidecars or whole:
                return True
    return False


def stands_at_the_waypoint(policy: Resource, service: Resource, mesh: Mesh) -> bool:
    """The other way round: is what a policy says at the pods of a Service said at its waypoint as well?"""
    there = [other for other, _ in mesh.attached(service, policy.kind)]
    if policy.kind is not Kind.AUTHORIZATION_POLICY:
        return any(_issuers(policy) <= _issuers(other) for other in there)
    old, waypoint = authorization(policy), mesh.waypoint_peers(service)
    found = [new for new in map(authorization, there) if new is not None and not new.dry_run]
    return old is not None and any(new.action == old.action and _said(old, waypoint) == _said(new, waypoint) for new in found)


def is_for(one: AuthzRule, peers: Sequence[Peer]) -> bool:
    """Does a rule name the peers and nobody else?"""
    attributes = list(one.attributes())
    return bool(attributes) and all(not attribute.negated and _names(attribute, peers) for attribute in attributes)


def _names(attribute: Attribute, peers: Sequence[Peer]) -> bool:
    return attribute.key == "source.principal" and {peer.principal for peer in peers}.issuperset(attribute.values)


def _issuers(policy: Resource) -> set[str | None]:
    return {rule.get("issuer").text for rule in policy.spec.each("jwtRules")}


def _said(acting: Authorization, waypoint: Sequence[Peer]) -> list[list[tuple[object, ...]]]:
    return [
        [(a.clause, a.field, () if a.key == _PORT else a.values) for a in one.attributes() if not (a.negated and _names(a, waypoint))]
        for one in acting.rules
        if not is_for(one, waypoint)
    ]
