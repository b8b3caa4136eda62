"""What acts today against what acts after the move, by policy: what is lost, what is cut, and the attribute that decides.

Today the destination's sidecar enforces every policy whose selector takes the pod. After the move its ztunnel does, without
layer 7; and for what comes through a waypoint, with the waypoint as the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum

from meshlint.model.node import Node
from meshlint.model.policy import Peer
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.authz_peer import admits, identities
from meshlint.semantics.authz_policy import ALLOW, CUSTOM, DENY, Attribute, Authorization
from meshlint.semantics.authz_ztunnel import Converted, converted


class Effect(Enum):
    OPENS = "opens"  # a request that is refused today may pass
    CUTS = "cuts"  # a request that passes today may be refused


class Cause(Enum):
    ALLOW_DEAD = "allow-dead"  # an ALLOW rule that never matches any more
    ALLOW_WIDER = "allow-wider"  # an ALLOW rule that lost a condition without a word
    ALLOW_NARROWER = "allow-narrower"  # an ALLOW rule that lost an alternative
    DENY_DEAD = "deny-dead"  # a DENY rule that never fires any more
    DENY_WIDER = "deny-wider"  # a DENY rule that lost a condition
    DENY_NARROWER = "deny-narrower"  # a DENY rule that lost an alternative
    ACTION = "action"  # CUSTOM, AUDIT: ztunnel gets none
    WAYPOINT_REFUSED = "waypoint-refused"  # the waypoint's identity is not allowed, or denied
    CALLER_UNSEEN = "caller-unseen"  # a condition on the caller that the waypoint's identity passes by


class Change(NamedTuple):
    policy: Authorization
    effect: Effect
    cause: Cause
    rule: int | None  # index of the rule; None: the policy as a whole
    at: Node
    attribute: Attribute | None = None  # the one that decides


def changes(policies: Iterable[Authorization], through: Sequence[Peer] = ()) -> Iterator[Change]:
    """`policies`: those whose selector takes the pod. `through`: who the pod's waypoint may be, if traffic comes through one."""
    listed = [policy for policy in policies if not policy.dry_run]
    for policy in listed:
        yield from _converted(policy)
    if through:
        yield from _behind(listed, through)


def _converted(policy: Authorization) -> Iterator[Change]:
    if policy.action not in (ALLOW, DENY):
        if policy.action == CUSTOM and policy.rules:
            yield Change(policy, Effect.OPENS, Cause.ACTION, None, policy.resource.spec.get("action"))
        return
    for number, rule in enumerate(converted(policy)):
        if rule.removed:
            yield from _of_rule(policy, number, rule)


def _of_rule(policy: Authorization, number: int, rule: Converted) -> Iterator[Change]:
    allow = policy.action == ALLOW
    if rule.kept is None:
        effect, cause = (Effect.CUTS, Cause.ALLOW_DEAD) if allow else (Effect.OPENS, Cause.DENY_DEAD)
        yield Change(policy, effect, cause, number, _place(rule.deciding, rule), rule.deciding)
        return
    if rule.widened:
        effect, cause = (Effect.OPENS, Cause.ALLOW_WIDER) if allow else (Effect.CUTS, Cause.DENY_WIDER)
        yield Change(policy, effect, cause, number, rule.widened[0].at, rule.widened[0])
    if rule.lost:
        effect, cause = (Effect.CUTS, Cause.ALLOW_NARROWER) if allow else (Effect.OPENS, Cause.DENY_NARROWER)
        yield Change(policy, effect, cause, number, rule.lost[0].at, rule.lost[0])


def _place(attribute: Attribute | None, rule: Converted) -> Node:
    return attribute.at if attribute is not None else rule.rule.at


def _behind(policies: Sequence[Authorization], through: Sequence[Peer]) -> Iterator[Change]:
    """What the waypoint's identity changes, of what ztunnel can enforce at all."""
    for policy in policies:
        for number, rule in enumerate(converted(policy)):
            if rule.kept is not None:
                yield from _identity(policy, number, rule, through)


def _identity(policy: Authorization, number: int, rule: Converted, through: Sequence[Peer]) -> Iterator[Change]:
    """One rule that asks for the caller: it now gets the waypoint, for which it matches or not."""
    assert rule.kept is not None
    asked = identities([rule.kept])
    if not asked:
        return
    fits = admits(rule.kept, through, policy.namespace)
    if fits == (policy.action == ALLOW):  # an ALLOW rule lets everybody through the waypoint, a DENY rule nobody's identity stops
        yield Change(policy, Effect.OPENS, Cause.CALLER_UNSEEN, number, asked[0].at, asked[0])
    else:
        yield Change(policy, Effect.CUTS, Cause.WAYPOINT_REFUSED, number, asked[0].at, asked[0])
