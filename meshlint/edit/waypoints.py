"""The waypoint that a fix gives to Services: its Gateway, and the labels that bind them to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Union

from meshlint.edit.changes import Changes
from meshlint.edit.emit import Plain
from meshlint.edit.lately import Lately
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh, WaypointState
from meshlint.model.policy import WAYPOINT_CLASS, Peer
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

USE: Final = "istio.io/use-waypoint"
INGRESS: Final = "istio.io/ingress-use-waypoint"
FOR: Final = "istio.io/waypoint-for"
LISTENER: Final[dict[str, Plain]] = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
_ACCOUNT: Final = "gateway.istio.io/service-account"
_DEFAULT: Final = "waypoint"
_METADATA_NAME: Final = "kubernetes.io/metadata.name"


class Chosen(NamedTuple):
    """The waypoint of a Service. `bound`: the Service has it already. `beside`: what its Gateway is to be added beside;
    None: there is a Gateway of it, here or in another repository."""

    name: str
    peer: Peer
    bound: bool
    beside: Resource | None = None


_given_lately: Final = Lately[Union[Fix, None]](64)
"""Rules on routes, policies and Services propose the same for one."""
_chosen_lately: Final = Lately[Union[Chosen, None]](64)


def manifest(name: str, metadata: dict[str, Plain], serves: str = "service", admits: Sequence[str] = ()) -> dict[str, Plain]:
    """The Gateway of a waypoint. `serves`: service, workload or all. `admits`: the namespaces of what is bound to it, where one of
    them is another than its own."""
    listener: dict[str, Plain] = {**LISTENER, "allowedRoutes": {"namespaces": admitting(admits)}} if admits else dict(LISTENER)
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, **metadata, "labels": {FOR: serves}},
        "spec": {"gatewayClassName": WAYPOINT_CLASS, "listeners": [listener]},
    }


def admitting(namespaces: Sequence[str]) -> Plain:
    """allowedRoutes.namespaces of a listener for some namespaces; one that is not named is not admitted, not even the Gateway's own."""
    expression: Plain = {"key": _METADATA_NAME, "operator": "In", "values": list(namespaces)}
    return {"from": "Selector", "selector": {"matchExpressions": [expression]}}


def namespace_of(beside: Resource) -> dict[str, Plain]:
    """The namespace of an object beside another one, as metadata: left out where that one leaves it to Kustomize or kubectl."""
    if beside.kind is Kind.NAMESPACE:
        return {"namespace": beside.name}
    held = beside.root.origin if beside.root.origin.get("metadata").present else beside.root
    written = held.get("metadata", "namespace")
    return {"namespace": written.text} if written.text and written.exact else {}


def anchor(namespace: str, mesh: Mesh) -> Resource | None:
    """What a new waypoint of a namespace stands beside, the same for every fix: its Namespace, else its first Service, else its
    first ServiceEntry."""
    for one in mesh.all(Kind.NAMESPACE):
        if one.name == namespace:
            return one
    beside = (one for kind in (Kind.SERVICE, Kind.SERVICE_ENTRY) for one in mesh.all(kind))
    return next((one for one in beside if one.namespace == namespace), None)


def is_headless(service: Resource) -> bool:
    return service.spec.get("clusterIP").text == "None"


def choose(service: Resource, mesh: Mesh) -> Chosen | None:
    """The waypoint that a Service has; else the only one of its namespace that can serve it; else a new one called waypoint. None:
    it cannot have one, keeps off waypoints, is bound to one that refuses it, several could be meant, or what stands beside it names
    one that another repository holds."""
    waypoint = mesh.waypoint(service)
    if waypoint.bound:
        return Chosen(waypoint.name, mesh.waypoint_peers(service)[0], True) if waypoint.name else None
    alias = service.spec.get("type").text == "ExternalName"  # which ambient does not know
    if waypoint.state is not WaypointState.NONE or not service.namespace or is_headless(service) or alias:
        return None
    namespace = service.namespace
    return _chosen_lately.of((namespace, id(mesh)), mesh, lambda: _for_namespace(namespace, mesh))


def _for_namespace(namespace: str, mesh: Mesh) -> Chosen | None:
    """The waypoint of a Service that has none, which is the same for all of a namespace."""
    held = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.namespace == namespace and mesh.is_waypoint(gateway)]
    fitting = [gateway for gateway in held if gateway.labels.get(FOR, "service") in ("service", "all")]
    assumed = [name for name in mesh.settings.assume_waypoints if name.partition("/")[0] == namespace]
    if len(fitting) == 1 and not assumed:
        account = fitting[0].annotations.get(_ACCOUNT) or fitting[0].name
        return Chosen(fitting[0].name, Peer(mesh.trust_domain(), namespace, account), False)
    if fitting or assumed or _awaits_one(namespace, mesh) or mesh.find(Kind.K8S_GATEWAY, namespace, _DEFAULT) is not None:
        return None
    beside = anchor(namespace, mesh)
    peer = Peer(mesh.trust_domain(), namespace, _DEFAULT)
    return None if beside is None else Chosen(_DEFAULT, peer, False, beside)


def _awaits_one(namespace: str, mesh: Mesh) -> bool:
    """Does something of a namespace name a waypoint that the repository does not hold?"""
    kinds = (Kind.NAMESPACE, Kind.SERVICE, Kind.SERVICE_ENTRY)
    near = (one for kind in kinds for one in mesh.all(kind) if namespace == (one.name if kind is Kind.NAMESPACE else one.namespace))
    return any(mesh.waypoint(one).state is WaypointState.MISSING for one in near)


def bind(made: Changes, services: Sequence[Resource], mesh: Mesh, *, ingress: bool = False) -> list[Peer] | None:
    """Give every Service a waypoint, adding Gateways where there is none. With `ingress`, gateways that send to a Service take the
    waypoint too. The answer is whom ztunnel sees for what comes through; None: one of the Services can have no waypoint."""
    peers: list[Peer] = []
    added: set[tuple[str, str]] = set()
    for service in services:
        chosen = choose(service, mesh)
        if chosen is None:
            return None
        if not chosen.bound:
            made.label(service, USE, chosen.name)
        place = (chosen.peer.namespace, chosen.name)
        if chosen.beside is not None and place not in added:
            added.add(place)
            made.add_object(chosen.beside, manifest(chosen.name, namespace_of(chosen.beside)))
        if ingress and passes_by(service, mesh):
            made.label(service, INGRESS, "true")
        if chosen.peer not in peers:
            peers.append(chosen.peer)
    return peers


def passes_by(service: Resource, mesh: Mesh) -> bool:
    """Do gateways of the repository send to a Service, past its waypoint? The Service's label beats its namespace's."""
    if service.label(INGRESS).present or not any(mesh.ingress_users(host) for host in mesh.hosts_of(service)):
        return False
    namespace = mesh.find(Kind.NAMESPACE, "", service.namespace)
    return namespace is None or not mesh.target.istio_at_least("1.25.0") or namespace.labels.get(INGRESS) != "true"


def give(targets: Sequence[Resource], mesh: Mesh, *, safe: bool = False) -> Fix | None:
    """Bind Services and ServiceEntries that have no waypoint to one. Safe only where it stands already, and nothing else waits for
    it: no VirtualService of the mesh for them, no AuthorizationPolicy for their pods, which sees the waypoint as the caller then."""
    key = (tuple(map(id, targets)), id(mesh), safe)
    return _given_lately.of(key, (targets, mesh), lambda: _given(targets, mesh, safe))


def _given(targets: Sequence[Resource], mesh: Mesh, safe: bool) -> Fix | None:
    chosen = [choose(target, mesh) for target in targets]
    if not targets or any(one is None or one.bound for one in chosen):
        return None
    made = Changes()
    if bind(made, targets, mesh) is None:
        return None
    new = any(one is not None and one.beside is not None for one in chosen)
    names = ", ".join(target.title for target in targets[:3]) + (" ..." if len(targets) > 3 else "")
    title = f"Add a waypoint for {names}" if new else f"Bind {names} to a waypoint"
    return made.fix(title, safe=safe and not new and all(_quiet(target, mesh) for target in targets))


def _quiet(target: Resource, mesh: Mesh) -> bool:
    routes = [route for host in mesh.hosts_of(target) for route in mesh.virtual_services(host) if mesh.binding(route).mesh]
    return not routes and not mesh.policies_over(target, Kind.AUTHORIZATION_POLICY)
