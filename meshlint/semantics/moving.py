"""A policy for pods becomes one for a waypoint: the Services that it is for, its copy, and its companion at the pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain
from meshlint.edit.emit import Plain
from meshlint.edit.operations import RefusedError
from meshlint.edit.waypoints import bind, is_headless, namespace_of
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh, Reach
from meshlint.model.node import Node
from meshlint.model.policy import Peer, Scope
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource
from meshlint.semantics.authz_peer import admits, identities
from meshlint.semantics.authz_pods import Guard, is_for, stands_at_the_waypoint
from meshlint.semantics.authz_policy import ALLOW, AUDIT, CUSTOM, DENY, authorization, item
from meshlint.semantics.authz_ztunnel import converted, left_over

_MOST: Final = 16  # targetRefs of a policy
_PORT: Final = "destination.port"


def services_for(policy: Resource, mesh: Mesh) -> tuple[Resource, ...]:
    """The Services whose waypoint can take over a policy with a selector: all of their pods are the policy's, and they stand in its
    namespace. Empty: the policy is for more than that, or one of the Services has other pods too."""
    reach = mesh.reach(policy)
    if reach.scope is not Scope.WORKLOAD:
        return ()
    found = [service for service in reach.services if not is_headless(service)]
    fits = all(service.namespace == policy.namespace and _only_its_pods(service, policy, reach, mesh) for service in found)
    return tuple(found) if fits and len({service.name for service in found}) <= _MOST else ()


def _only_its_pods(service: Resource, policy: Resource, reach: Reach, mesh: Mesh) -> bool:
    chosen = service.spec.get("selector").strings()
    wanted = policy.spec.get("selector", "matchLabels").strings()
    if all(chosen.get(key) == value for key, value in wanted.items()):
        return True
    mine = {workload.resource for workload in reach.workloads}
    pods = mesh.workloads(chosen, service.namespace)
    return bool(pods) and all(workload.resource in mine for workload in pods)


def target_refs(services: Iterable[Resource]) -> Plain:
    """Copies of a Service, alternatives in plain folders, are one."""
    return [{"group": "", "kind": "Service", "name": name} for name in dict.fromkeys(service.name for service in services)]


def to_waypoint(made: Changes, policy: Resource, services: Sequence[Resource], mesh: Mesh) -> list[Peer] | None:
    """Make a policy itself one for the waypoints of the Services, and bind them. None: it cannot be."""
    peers = bind(made, services, mesh, ingress=True) if services else None
    return peers if peers is not None and _retarget(made, policy, services) else None


def _retarget(made: Changes, policy: Resource, services: Sequence[Resource]) -> bool:
    ports = _ports(policy, services)
    if ports is None:
        return False
    made.set_key(policy.root, ("spec", "targetRefs"), target_refs(services), before=_first_key(policy, "selector"))
    made.remove(policy.spec.get("selector"))
    for node, number in ports:
        made.set(node, number)
    return made.refused is None


def _first_key(policy: Resource, key: str) -> str | None:
    return key if policy.spec.get(key).present else next((name for name, _ in policy.spec.items()), None)


def copy(policy: Resource, services: Sequence[Resource], mesh: Mesh, refs: Plain = None) -> dict[str, Plain] | None:
    """The same policy for the waypoints of the Services (or for `refs`), named alike. None: a template fills in a part of it, its
    ports cannot be told as ports of the Services, or the name is taken."""
    ports = _ports(policy, services)
    metadata = _metadata(policy.kind, policy, f"{_written_name(policy)}-waypoint", mesh)
    if ports is None or metadata is None or policy.partial:
        return None
    try:
        spec = plain(policy.spec) if policy.spec else {}
    except RefusedError:
        return None
    if not isinstance(spec, dict) or not known(spec):
        return None
    for node, number in ports:
        _put(spec, node.path[len(policy.spec.path) :], number)
    rest = {key: value for key, value in spec.items() if key not in ("selector", "targetRefs", "targetRef")}
    return {
        "apiVersion": policy.api_version, "kind": policy.kind.kind, "metadata": metadata,
        "spec": {"targetRefs": target_refs(services) if refs is None else refs, **rest},
    }  # fmt: skip


def _put(spec: Any, path: Sequence[Any], value: Plain) -> None:
    for step in path[:-1]:
        spec = spec[step]
    spec[path[-1]] = value


def _metadata(kind: Kind, policy: Resource, name: str, mesh: Mesh) -> dict[str, Plain] | None:
    """Metadata of a new policy beside another one; None: there is one of that name."""
    if not name.strip("-") or mesh.find(kind, policy.namespace, name) is not None:
        return None
    return {"name": name, **namespace_of(policy)}


def _written_name(policy: Resource) -> str:
    return policy.root.get("metadata", "name").origin.text or policy.name


def _ports(policy: Resource, services: Sequence[Resource]) -> list[tuple[Node, Plain]] | None:
    """The ports that a policy names, by those of the Services: what changes. None: it cannot be told for each of them."""
    acting = authorization(policy) if policy.kind is Kind.AUTHORIZATION_POLICY else None
    if acting is None:
        return None if policy.kind is Kind.AUTHORIZATION_POLICY else []
    out: list[tuple[Node, Plain]] = []
    for one in acting.rules:
        for attribute in one.attributes():
            if attribute.key == _PORT:
                for number, value in enumerate(attribute.values):
                    found = {_service_port(service, value) for service in services}
                    if len(found) != 1 or None in found:
                        return None
                    port = found.pop()
                    if port != value:
                        out.append((item(attribute, number), port))
    return out


def _service_port(service: Resource, port: str | None) -> str | None:
    """The port of a Service behind which its pods listen on another; None: not told, or none."""
    for entry in service.spec.each("ports"):
        target = entry.get("targetPort")
        if str((target if target.present else entry.get("port")).value) == port:
            return str(entry.get("port").value)
    return None


def principals(peers: Iterable[Peer]) -> Plain:
    return [{"source": {"principals": [peer.principal for peer in peers]}}]


def only_from(
    policy: Resource, selector: Mapping[str, str] | None, peers: Sequence[Peer], mesh: Mesh, rules: Sequence[Plain] = (), name: str = ""
) -> dict[str, Plain] | None:
    """The companion of a policy at a waypoint: an ALLOW policy at the pods that admits the waypoint, and what else `rules` say.
    Without a `selector` it is for all pods of the namespace or mesh. It is called after `name`, or after the policy."""
    kind = Kind.AUTHORIZATION_POLICY
    names = dict.fromkeys(f"{found}-from-waypoint" for found in (name, _written_name(policy)) if found)
    found = [_metadata(kind, policy, one, mesh) for one in names] if policy.namespace else []
    metadata = next((one for one in found if one is not None), None)
    if metadata is None or selector == {}:
        return None
    version = policy.api_version if policy.kind is kind else "security.istio.io/v1"
    taken: dict[str, Plain] = {} if selector is None else {"selector": {"matchLabels": dict(selector)}}
    spec: dict[str, Plain] = {**taken, "action": ALLOW, "rules": [{"from": principals(peers)}, *rules]}
    return {"apiVersion": version, "kind": kind.kind, "metadata": metadata, "spec": spec}


def close(
    made: Changes, leaving: Sequence[Resource], services: Sequence[Resource], selector: Mapping[str, str], peers: Sequence[Peer],
    mesh: Mesh, rules: Sequence[Plain] = (),
) -> bool:  # fmt: skip
    """Let only the waypoint, and whom `rules` name, get to the pods, beside the first of the policies that leave these. False: what
    stands there lets others in all the same."""
    guard = Guard(services, mesh, leaving)
    if not guard.told or guard.admits_strangers:
        return False
    if not rules and guard.admits_only(peers):
        return True
    name = _written_name(services[0]) if len(services) == 1 else ""
    companion = only_from(leaving[0], selector, peers, mesh, rules, name)
    if companion is None:
        return False
    made.add_object(leaving[0], companion)
    return made.refused is None


def move(policy: Resource, mesh: Mesh) -> Fix | None:
    """A policy with a selector, for the waypoints of its Services. Where the pods are ambient all policies of these pods that only a
    waypoint can enforce are made such, in one fix, with a companion at the pods; as long as they have sidecars, which go on enforcing
    it, the policy gets a copy for the waypoint."""
    services = services_for(policy, mesh)
    if not services:
        return None
    if not is_ambient(policy, mesh):
        return _with_copy(Changes(), policy, services, mesh)
    made = Changes()
    peers = bind(made, services, mesh, ingress=True)
    moved = None if peers is None else _moved(made, services, peers, mesh)
    if peers is None or not moved or policy not in moved:
        return None
    selector = policy.spec.get("selector", "matchLabels").strings()
    if any(other.spec.get("selector", "matchLabels").strings() != selector for other in moved):
        return None
    rules = [] if any(not _allows(other) for other in moved) else _layer4(moved)
    if rules is None or not close(made, moved, services, selector, peers, mesh, rules):
        return None
    return made.fix("Move it to the waypoint, and let only that reach the pods")


def _moved(made: Changes, services: Sequence[Resource], peers: Sequence[Peer], mesh: Mesh) -> list[Resource] | None:
    """The policies of the Services' pods that are made ones for the waypoint; of the others, what is about callers is copied. None:
    one of them cannot be, or would be missed there."""
    moved, checked = list[Resource](), [is_checked(service, mesh) for service in services]
    default = any(checked)
    if default and not all(checked):
        return None
    for other in _over(services, mesh):
        part = _part(other, peers)
        if part is _Part.STAYS or (part is _Part.COPIED and _allows(other) and default):
            continue
        if set(services_for(other, mesh)) != set(services):
            return None
        if part is _Part.MOVES:
            moved.append(other)
            done = _retarget(made, other, services)
        else:
            done = _copied(made, other, services, peers, mesh)
        if not done:
            return None
    if any(_denies_still(other) for other in moved) and any(_allows(o) and _part(o, peers) is _Part.COPIED for o in _over(services, mesh)):
        return None
    default = default or any(_allows(other) and _part(other, peers) is not _Part.STAYS for other in _over(services, mesh))
    return moved if default or not any(refuses_by_default(service, mesh) for service in services) else None


def _denies_still(policy: Resource) -> bool:
    """Is there a rule of a DENY policy that ztunnel enforces, so that callers whom others admit at the pods miss it there?"""
    acting = authorization(policy) if policy.kind is Kind.AUTHORIZATION_POLICY else None
    return acting is not None and acting.action == DENY and any(not found.never for found in converted(acting))


def _copied(made: Changes, policy: Resource, services: Sequence[Resource], peers: Sequence[Peer], mesh: Mesh) -> bool:
    if not _allows(policy) and all(stands_at_the_waypoint(policy, service, mesh) for service in services):
        return True
    new = copy(policy, services, mesh)
    if new is None or made.add_object(policy, new).refused is not None:
        return False
    return _allows(policy) or spare(made, policy, peers)


class _Part(Enum):
    STAYS = "ztunnel enforces it, or nothing ever did"
    COPIED = "ztunnel enforces it, but sees the waypoint instead of the caller"
    MOVES = "only a waypoint can enforce all of it"


def _part(policy: Resource, peers: Sequence[Peer]) -> _Part:
    if policy.kind is not Kind.AUTHORIZATION_POLICY:
        return _Part.MOVES if policy.spec.get("jwtRules") else _Part.STAYS
    acting = authorization(policy)
    if acting is None:
        return _Part.MOVES
    if acting.dry_run or not acting.rules or acting.action == AUDIT:
        return _Part.STAYS
    if acting.action == CUSTOM or any(found.removed for found in converted(acting)):
        return _Part.MOVES
    if acting.action == ALLOW:
        return _Part.STAYS if all(is_for(one, peers) for one in acting.rules) else _Part.COPIED
    return _Part.COPIED if identities(acting.rules) else _Part.STAYS


def _over(services: Sequence[Resource], mesh: Mesh) -> list[Resource]:
    kinds = (Kind.REQUEST_AUTHENTICATION, Kind.AUTHORIZATION_POLICY)
    return list(dict.fromkeys(found for service in services for kind in kinds for found in mesh.policies_over(service, kind)))


def missed(services: Sequence[Resource], peers: Sequence[Peer], mesh: Mesh, handled: Sequence[Resource] = ()) -> bool:
    """Is there a DENY or CUSTOM policy or a RequestAuthentication of the pods that cannot act on what comes through the waypoint, and
    does not stand there as well? Then the waypoint must not be admitted at the pods."""
    for service in services:
        for other in _over([service], mesh):
            needs = _part(other, peers) is not _Part.STAYS and not _allows(other)
            if needs and other not in handled and not stands_at_the_waypoint(other, service, mesh):
                return True
    return False


def spare(made: Changes, policy: Resource, peers: Sequence[Peer]) -> bool:
    """Leave the waypoint out of whom a DENY policy refuses at the pods. False: it is not told by whom."""
    acting = authorization(policy)
    for one in acting.rules if acting is not None else ():
        if not identities([one]) or not admits(one, peers, policy.namespace):
            continue
        sources = [found.at.get("source") for clause in one.clauses if clause.kind == "from" for found in clause.alternatives]
        for source in sources:
            for peer in peers:
                made.append(source, peer.principal, ("notPrincipals",))
        if not sources:
            return False
    return acting is not None and made.refused is None


def _with_copy(made: Changes, policy: Resource, services: Sequence[Resource], mesh: Mesh) -> Fix | None:
    new, peers = copy(policy, services, mesh), bind(made, services, mesh)
    if new is None or peers is None or (_allows(policy) and not carry(made, policy, services, peers, mesh)):
        return None
    return made.add_object(policy, new).fix("Add its copy for the waypoint")


def carry(made: Changes, policy: Resource, services: Sequence[Resource], peers: Sequence[Peer], mesh: Mesh) -> bool:
    """Where the waypoint checks no callers yet: let it admit those whom other policies than this one admit at the pods, which ztunnel
    cannot tell apart once they come through it. False: it cannot be done, or the waypoint would let in whom the pods refuse."""
    checked = [is_checked(service, mesh) for service in services]
    if any(checked):
        return all(checked)
    there = _allows(policy)
    for other in dict.fromkeys(found for service in services for found in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)):
        acting = authorization(other)
        left = left_over(acting) if acting is not None else None
        if other is policy or (acting is not None and (left is None or left.action != ALLOW)):
            continue
        if left is not None and all(is_for(one, peers) for one in left.rules):
            continue
        new = copy(other, services, mesh) if set(services) <= set(services_for(other, mesh)) else None
        if new is None or made.add_object(other, new).refused:
            return False
        there = True
    return there or not any(refuses_by_default(service, mesh, policy) for service in services)


def is_checked(service: Resource, mesh: Mesh, leaving: Resource | None = None) -> bool:
    """Does an ALLOW policy act at the Service's waypoint, one that is about to leave it left out?"""
    return any(policy is not leaving and _allows(policy) for policy, _ in mesh.attached(service, Kind.AUTHORIZATION_POLICY))


def refuses_by_default(service: Resource, mesh: Mesh, leaving: Resource | None = None) -> bool:
    """Do ALLOW policies act at the pods, so that what none of them admits is refused: the waypoint needs such a default as well
    before it is admitted there. One that is for the waypoint alone is none."""
    peers = mesh.waypoint_peers(service)
    for other in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY):
        acting = authorization(other) if other is not leaving else None
        companion = acting is not None and bool(acting.rules) and all(is_for(one, peers) for one in acting.rules)
        if other is not leaving and (acting is None or _allows(other)) and not companion:
            return True
    return False


def _allows(policy: Resource) -> bool:
    acting = authorization(policy) if policy.kind is Kind.AUTHORIZATION_POLICY else None
    return acting is not None and acting.action == ALLOW and not acting.dry_run


def is_ambient(policy: Resource, mesh: Mesh) -> bool:
    """Are all pods of a policy ambient now, so that no sidecar enforces it any more?"""
    workloads = mesh.reach(policy).workloads
    return all(mesh.ambient_now(workload.resource) for workload in workloads) and mesh.ambient_now(policy)


def _layer4(policies: Sequence[Resource]) -> list[Plain] | None:
    """The rules of ALLOW policies that ztunnel enforces as they are: they admit callers at the pods as well."""
    acting = [found for policy in policies if (found := authorization(policy)) is not None]
    try:
        rules = [plain(found.rule.at) for one in acting for found in converted(one) if not found.removed]
    except RefusedError:
        return None
    return rules if known(rules) else None
