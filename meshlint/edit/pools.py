"""Connection pools of a Sidecar as settings of DestinationRules: who takes them, and what is missing there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain, same
from meshlint.edit.emit import Plain
from meshlint.edit.operations import RefusedError
from meshlint.edit.waypoints import bind, is_headless, namespace_of
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, Mesh, Workload
from meshlint.model.node import Node, Step
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

_POOL: Final = "connectionPool"
_PER_PORT: Final = ("loadBalancer", "outlierDetection", "tls")
_NAME: Final = "connection-pool"


class Pool(NamedTuple):
    """A pool of a Sidecar: for all ports, or for the one that an ingress listener is for. `listeners`: the container ports whose
    listeners have pools of their own, for which the one for all does not count (Istio merges the two nowhere)."""

    at: Node
    port: int | None
    whole: Node
    listeners: tuple[int, ...]


class Taker(NamedTuple):
    """A Service that selects the pods, the ports of it that the pool is for, and the DestinationRule that takes its settings, or
    the one for a wider host which a new one has to repeat."""

    service: Resource
    ports: tuple[int, ...]  # of a pool for all ports: those that it is not for
    rule: Resource | None
    wider: Resource | None


class Missing(NamedTuple):
    """A value that a DestinationRule lacks: below a node, at a path; `item` of a list."""

    node: Node
    path: tuple[Step, ...]
    value: Plain
    item: bool = False


def pool_of(sidecar: Resource, at: Node) -> Pool | None:
    """A pool of a Sidecar by its node. None: its listener has no port that is told."""
    whole = sidecar.spec.get("inboundConnectionPool")
    limited = [(one.get(_POOL), one.get("port", "number").value) for one in sidecar.spec.each("ingress") if any(one.get(_POOL).items())]
    listeners = tuple(port for _, port in limited if isinstance(port, int))
    port = next((port for pool, port in limited if pool == at and isinstance(port, int)), None)
    return Pool(at, port, whole, listeners) if at == whole or port is not None else None


def takers(pool: Pool, pods: Sequence[Workload], mesh: Mesh) -> list[Taker] | None:
    """Who takes a pool: the Services that select the pods, without headless ones, which no waypoint serves. None: one cannot be told."""
    out: list[Taker] = []
    services = dict.fromkeys(service for pod in pods for service in mesh.services_of(pod))
    for service in services:
        governed = (pool.port,) if pool.port is not None else pool.listeners
        ports = _ports(service, governed, [pod for pod in pods if service in mesh.services_of(pod)])
        if ports is None:
            return None
        if is_headless(service) or (pool.port is not None and not ports):
            continue
        found = [_taker(service, ports, host, mesh) for host in mesh.hosts_of(service)]
        if len(found) != 1 or found[0] is None:
            return None
        out.append(found[0])
    return out


def _ports(service: Resource, containers: Sequence[int], pods: Sequence[Workload]) -> tuple[int, ...] | None:
    """The ports of a Service that lead to ports of its containers. None: a name or a template does not tell."""
    out = []
    for port in service.spec.each("ports") if containers else ():
        number, target = port.get("port"), port.get("targetPort")
        reached = {number.value} if not target.present else {target.value} if isinstance(target.value, int) else _named(target, pods)
        if not isinstance(number.value, int) or len(reached) != 1 or not all(isinstance(one, int) for one in reached):
            return None
        if reached & set(containers):
            out.append(number.value)
    return tuple(out)


def _named(target: Node, pods: Sequence[Workload]) -> set[Any]:
    found: set[Any] = set()
    for pod in pods:
        ports = pod.template.each("spec", "containers", "ports")
        named = {one.get("containerPort").value for one in ports if target.text and one.get("name").text == target.text}
        found |= named if all(isinstance(one, int) for one in named) else {None}
    return found


def _taker(service: Resource, ports: tuple[int, ...], host: Host, mesh: Mesh) -> Taker | None:
    rules = [rule for rule in mesh.destination_rules(host) if not rule.spec.get("workloadSelector").is_map]
    near = [rule for rule in rules if rule.namespace == service.namespace]
    own = [rule for rule in near if mesh.host(rule.spec.get("host"), rule).fqdn == host.fqdn]
    if len(own) > 1:  # Istio merges them: the first trafficPolicy counts
        own = [rule for rule in own if rule.spec.get("trafficPolicy").present]
        if len(own) != 1:
            return None
    if own:
        edited = any(editor.kind is Kind.CANARY for editor in mesh.editors(own[0]))
        return None if own[0].partial or edited else Taker(service, ports, own[0], None)
    wider = near or [rule for rule in rules if rule.namespace == mesh.settings.root_namespace]
    if len(wider) > 1 or any(rule.spec.get("subsets").present or rule.partial for rule in wider):
        return None
    return Taker(service, ports, None, wider[0] if wider else None)


def missing(pool: Pool, taker: Taker) -> list[Missing] | None:
    """What the DestinationRule of a Service lacks of a pool. None: it says something else in its place, so that there are two."""
    rule = taker.rule or taker.wider
    if rule is None:
        return [Missing(pool.at, (), None)]
    policy = rule.spec.get("trafficPolicy")
    return _for_all(pool, taker, rule, policy) if pool.port is None else _for_ports(pool, taker, policy)


def _for_all(pool: Pool, taker: Taker, rule: Resource, policy: Node) -> list[Missing] | None:
    """The policy itself; and what inherits nothing from it: its ports, subsets with a pool, and their ports."""
    subsets = [subset.get("trafficPolicy") for subset in rule.spec.each("subsets")]
    places = [*_of_ports(policy, taker.ports), *(one for one in subsets if one.get(_POOL).is_map)]
    places += [entry for one in subsets for entry in _of_ports(one, taker.ports)]
    top = _lacking(policy, pool.at) if policy.is_map else [Missing(rule.root, ("spec", "trafficPolicy", _POOL), plain(pool.at))]
    return _joined([top, *(_lacking(place, pool.at) for place in places)])


def _of_ports(policy: Node, but: Sequence[int]) -> Iterator[Node]:
    return (entry for entry in policy.each("portLevelSettings") if entry.get("port", "number").value not in but)


def _for_ports(pool: Pool, taker: Taker, policy: Node) -> list[Missing] | None:
    """An entry for each port; a new one repeats what it would inherit no more."""
    rule = taker.rule or taker.wider
    assert rule is not None
    for subset in rule.spec.each("subsets", "trafficPolicy"):
        if subset.get(_POOL).is_map or subset.get("portLevelSettings").is_list:
            return None
    parts: list[list[Missing] | None] = []
    for port in taker.ports:
        there = [entry for entry in policy.each("portLevelSettings") if entry.get("port", "number").value == port]
        if there:
            parts += [_lacking(entry, pool.at) for entry in there]
            continue
        merged = _merged(_without(plain(policy.get(_POOL)), plain(pool.whole)), plain(pool.at))
        if merged is None:
            return None
        kept = {key: plain(policy.get(key)) for key in _PER_PORT if policy.get(key).present}
        entry = {"port": {"number": port}, **kept, _POOL: merged}
        parts.append([Missing(rule.root, ("spec", "trafficPolicy", "portLevelSettings"), entry, True)])
    return _joined(parts)


def _joined(parts: Sequence[list[Missing] | None]) -> list[Missing] | None:
    return None if any(part is None for part in parts) else [one for part in parts for one in part or ()]


def _lacking(policy: Node, pool: Node) -> list[Missing] | None:
    held = policy.get(_POOL)
    if not held.value:
        return [Missing(policy, (_POOL,), plain(pool))]
    out = []
    for path, leaf in _leaves(pool):
        there = held.get(*path)
        if there.present and not same(there.value, leaf.value):
            return None
        if not there.present:
            out.append(Missing(policy, (_POOL, *path), plain(leaf)))
    return out


def _leaves(node: Node, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Node]]:
    for key, below in node.items():
        if below.is_map:
            yield from _leaves(below, (*path, key))
        else:
            yield (*path, key), below


def _merged(one: Any, other: Any) -> Any:
    """Two pools in one. None: they contradict each other."""
    out = dict(one or {})
    for key, value in other.items():
        held = out.get(key)
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            out[key] = _merged(held, value)
            if out[key] is None:
                return None
        elif held is None or same(held, value):
            out[key] = value
        else:
            return None
    return out


def _without(pool: Any, whole: Any) -> Any:
    """A pool without what the Sidecar's own pool for all ports put there: it is not for a listener that has one."""
    if not isinstance(pool, Mapping) or not isinstance(whole, Mapping):
        return pool or {}
    out = {}
    for key, value in pool.items():
        if isinstance(value, Mapping):
            value = _without(value, whole.get(key))
        elif same(value, whole.get(key)):
            continue
        if value != {}:
            out[key] = value
    return out


def taken_over(pool: Pool, pods: Sequence[Workload], mesh: Mesh) -> bool:
    """Do DestinationRules say all of a pool by now?"""
    found = _takers(pool, pods, mesh)
    try:
        return bool(found) and all(missing(pool, taker) == [] and taker.rule is not None for taker in found)
    except RefusedError:
        return False


def _takers(pool: Pool, pods: Sequence[Workload], mesh: Mesh) -> list[Taker]:
    return takers(pool, pods, mesh) or []


def carry_over(sidecar: Resource, pool: Pool, pods: Sequence[Workload], gone: bool, mesh: Mesh) -> Fix | None:
    """Put a pool into the DestinationRule of every Service that selects the pods, and bind these to a waypoint. With `gone`, no sidecar
    reads it any more, and it leaves the Sidecar. None: a value is there already, or not told, or a Service can have no waypoint."""
    made, found = Changes(), _takers(pool, pods, mesh)
    try:
        lacking = [(taker, missing(pool, taker)) for taker in found]
        if not found or not known(plain(pool.at)):
            return None
        for taker, parts in lacking:
            if parts is None or not _put(made, sidecar, taker, pool, parts, gone, mesh):
                return None
    except RefusedError:
        return None
    if bind(made, [taker.service for taker in found], mesh) is None:
        return None
    if gone:
        _take_out(made, sidecar, pool)
    names = ", ".join(taker.service.name for taker in found[:3]) + (" ..." if len(found) > 3 else "")
    return made.fix(f"{'Move' if gone else 'Copy'} the limits to the DestinationRule of {names}")


def _put(made: Changes, sidecar: Resource, taker: Taker, pool: Pool, parts: Sequence[Missing], gone: bool, mesh: Mesh) -> bool:
    if taker.rule is not None:
        for part in parts:
            if part.item:
                made.append(taker.rule.root, part.value, part.path)
            else:
                made.set_key(part.node, part.path, part.value)
        return True
    rule = _new_rule(sidecar, taker, pool, gone, mesh)
    if rule is None:
        return False
    made.add_object(taker.service if gone else sidecar, rule)
    return True


def _new_rule(sidecar: Resource, taker: Taker, pool: Pool, gone: bool, mesh: Mesh) -> Plain | None:
    """A DestinationRule for the Service, with what one for a wider host has said so far."""
    service, wider = taker.service, taker.wider
    free = (name for name in (service.name, f"{service.name}-{_NAME}") if _is_free(name, service, mesh))
    name = next(free, None)
    policy = plain(wider.spec.get("trafficPolicy")) if wider is not None else {}
    if name is None or not known(policy) or (wider is not None and wider.spec.get("exportTo").present):
        return None
    policy = _with_pool(policy or {}, taker, pool)
    if policy is None:
        return None
    return {
        "apiVersion": sidecar.api_version,
        "kind": "DestinationRule",
        "metadata": {"name": name, **namespace_of(service if gone else sidecar)},
        "spec": {"host": service.name, "trafficPolicy": policy},
    }


def _is_free(name: str, service: Resource, mesh: Mesh) -> bool:
    return mesh.find(Kind.DESTINATION_RULE, service.namespace, name) is None


def _with_pool(policy: dict[str, Any], taker: Taker, pool: Pool) -> dict[str, Any] | None:
    if policy.get("portLevelSettings"):
        return None
    if pool.port is None:
        merged = _merged(policy.get(_POOL), plain(pool.at))
        return None if merged is None else {**policy, _POOL: merged}
    merged = _merged(_without(policy.get(_POOL), plain(pool.whole)), plain(pool.at))
    kept = {key: policy[key] for key in _PER_PORT if key in policy}
    entries = [{"port": {"number": port}, **kept, _POOL: merged} for port in taker.ports]
    return None if merged is None else {**policy, "portLevelSettings": entries}


def _take_out(made: Changes, sidecar: Resource, pool: Pool) -> None:
    """Out of the Sidecar; one that says nothing else goes with it."""
    if {key for key, _ in sidecar.spec.items()} <= {"workloadSelector", pool.at.path[-1]} and pool.port is None:
        made.remove_document(sidecar.root)
    else:
        made.remove(pool.at)
