"""What the values of objects name: hosts, subsets, gateways, parents, backends, targets, waypoints. The index resolves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from meshlint.index.mesh import MeshIndex
from meshlint.model.kind import ROUTES, Kind
from meshlint.model.mesh import Host, WaypointState
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

_WAYPOINT_USERS = (
    Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.POD, Kind.DEPLOYMENT, Kind.STATEFUL_SET, Kind.DAEMON_SET, Kind.REPLICA_SET,
    Kind.JOB, Kind.CRON_JOB, Kind.ROLLOUT, Kind.WORKLOAD_ENTRY,
)  # fmt: skip
_ATTACHED = (
    Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION,
    Kind.BACKEND_TLS_POLICY, Kind.X_BACKEND_TRAFFIC_POLICY, Kind.ENVOY_FILTER,
)  # fmt: skip


class Link(NamedTuple):
    """A value (`at`) that names something: what kind of name it is, the objects or declarations that it means, and, of a host or
    waypoint, the answer of the index. `targets` is empty where the repository holds nothing of it."""

    at: Node
    what: str
    targets: tuple[Node, ...]
    answer: object = None


def links(resource: Resource, mesh: MeshIndex) -> Iterator[Link]:
    """Everything that an object names."""
    made = _MAKERS.get(resource.kind)
    if made is not None:
        yield from made(resource, mesh)
    if resource.kind in _WAYPOINT_USERS:
        yield from _waypoint(resource, mesh)
    if resource.kind in _ATTACHED:
        for target in mesh.targets(resource):
            found = () if target.resource is None else (target.resource.root,)
            yield Link(target.at, f"{target.kind or 'object'} that the policy is for", found, target)


def _of_host(at: Node, host: Host, what: str) -> Link:
    found = [one.root for one in ((host.service,) if host.service is not None else host.entries)]
    return Link(at, what, tuple(found), host)


def _virtual_service(service: Resource, mesh: MeshIndex) -> Iterator[Link]:
    for node, host in mesh.hosts(service):
        yield _of_host(node, host, "host")
    written = list(service.spec.each("gateways"))
    for ref in mesh.binding(service).gateways:
        found = ref.istio or ref.kubernetes
        if ref.at in written:
            yield Link(ref.at, "gateway", () if found is None else (found.root,))
    for sent in mesh.destinations(service):
        yield _of_host(sent.host_node, sent.host, "host")
        if sent.subset.text:
            subsets = mesh.subsets(sent.host, sent.subset.text, service)
            yield Link(sent.subset, "subset", tuple(subset.at for subset in subsets), tuple(subsets))


def _destination_rule(rule: Resource, mesh: MeshIndex) -> Iterator[Link]:
    at = rule.spec.get("host")
    if at.text:
        yield _of_host(at, mesh.host(at, rule), "host")


def _service_entry(entry: Resource, mesh: MeshIndex) -> Iterator[Link]:
    for at in entry.spec.each("hosts"):
        if at.text:
            yield _of_host(at, mesh.host(at, entry), "host")


def _route(route: Resource, mesh: MeshIndex) -> Iterator[Link]:
    for ref in route.spec.each("parentRefs"):
        parent = mesh.parent(route, ref)
        host = mesh.parent_host(route, ref)
        yield Link(ref, "parent", () if parent is None else (parent.root,), host)
    for sent in mesh.backends(route):
        yield _of_host(sent.at, sent.host, "backend")


def _waypoint(resource: Resource, mesh: MeshIndex) -> Iterator[Link]:
    label = mesh.waypoint_label(resource)
    if (label.text and not resource.kind.cluster_scoped) or label.text:
        found = mesh.waypoint(resource)
        if found.state is not WaypointState.NONE:
            yield Link(label, "waypoint", () if found.gateway is None else (found.gateway.root,), found)


_MAKERS: Mapping[Kind, Callable[[Resource, MeshIndex], Iterator[Link]]] = {
    Kind.VIRTUAL_SERVICE: _virtual_service,
    Kind.DESTINATION_RULE: _destination_rule,
    Kind.SERVICE_ENTRY: _service_entry,
    **dict.fromkeys(ROUTES, _route),
}


def covers(node: Node, path: str, offset: int) -> bool:
    """Does the text of a value, of a mapping with its whole stretch, hold the place?"""
    at = node.origin
    table = at.table
    return at.present and table.source.path == path and table.starts[at.row] <= offset <= table.ends[at.row]


def size(node: Node) -> int:
    at = node.origin
    return at.table.ends[at.row] - at.table.starts[at.row]
