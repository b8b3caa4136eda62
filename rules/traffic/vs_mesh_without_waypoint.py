"""ML105 vs-mesh-without-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import (
    WORKLOADS,
    Confidence,
    Fix,
    Host,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    Waypoint,
    WaypointState,
    changes,
    rule,
)

_WHY = {
    WaypointState.NONE: "has no waypoint",
    WaypointState.OPTED_OUT: "is kept off waypoints by istio.io/use-waypoint: none",
    WaypointState.WRONG_TYPE: "has a waypoint that does not take traffic to Services",
}

_REMEDY = {
    WaypointState.OPTED_OUT: "The opt-out is deliberate: delete the VirtualService, or bind the host to a waypoint after all.",
    WaypointState.WRONG_TYPE: "Set istio.io/waypoint-for: service (or all) on the waypoint, or bind the host to another one.",
}


@rule(
    "ML105", "vs-mesh-without-waypoint", Severity.ERROR, impact=Impact.IGNORED, each=Kind.VIRTUAL_SERVICE, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=[
        "istio pilot/pkg/networking/core/listener_waypoint.go", "istio pilot/pkg/serviceregistry/ambient/waypoints.go",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Deploy a waypoint in the namespace of the host and bind the host to it with istio.io/use-waypoint before the sidecars go.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY],
)  # fmt: skip
def vs_mesh_without_waypoint(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService of the mesh is for a host that has no waypoint.

    ztunnel works on layer 4 and never reads a VirtualService: routing, timeouts, retries, mirrors and header rules vanish
    without a status or an event. Callers that still have a sidecar go on applying them, so the loss only shows as the
    clients move.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ```

    Remedy: a waypoint (a Gateway of class `istio-waypoint`) in the namespace of the host, and the label
    `istio.io/use-waypoint` on the Service, the ServiceEntry or the namespace, before the sidecars are removed.
    meshlint can write both, or delete a VirtualService that does nothing. It needs a look: a waypoint is a deployment to be
    planned. There is no automatic fix for a host that another repository holds or that opted out, and where several waypoints
    could be meant, or one that the namespace names and the repository does not hold.

    One finding for each VirtualService: at its first host that is ambient now, else at the first one that will be.

    A wildcard for the Services of a namespace is judged by those that the repository holds.

    Severity: a VirtualService that does nothing (one rule without match, to the host itself, no other field) needs no
    waypoint: a note that it can be deleted. Not reported when it is for gateways only, for hosts outside of the mesh, when
    the label names a waypoint that another repository may hold (waypoint-missing), for the Services of gateways, and when
    the namespace of the host stays out of the mesh. Where another repository holds the Service, its labels cannot be seen:
    the confidence is low. With `--goal gateway-api` only namespaces that are ambient now count.
    """
    rules = mesh.mesh_rules(service)
    losing = list(_losing(service, mesh)) if rules else []
    if not losing:
        return
    chosen = next((one for one in losing if mesh.ambient_now(one[2])), losing[0])
    at, host, subject = chosen
    if _does_nothing(service, host, mesh):
        message = f"{service.title} routes {host.title} to itself and does nothing else, so nothing is lost without a waypoint."
        yield Problem(at, message, Severity.NOTE, Impact.ADVICE, remedy=_needless(service), fix=partial(_without, service))
        return
    waypoint = mesh.waypoint(host)
    confidence = Confidence.LOW if host.resource is None else None  # its labels stand in another repository
    others = tuple((node, f"{other.title} {_WHY[mesh.waypoint(other).state]}") for node, other, _ in losing if node != at)
    message = _message(service, rules, host, waypoint)
    if others:
        message += f" The same holds for {len(others)} more of its hosts."
    remedy = _REMEDY.get(waypoint.state) or _by_another_name(host)
    related, fix = (*_related(waypoint), *others), partial(_fix, losing, mesh)
    yield Problem(at, message, confidence=confidence, related=related, remedy=remedy, fix=fix, subject=subject)


def _losing(service: Resource, mesh: Mesh) -> Iterator[tuple[Node, Host, Resource | str]]:
    """The hosts that move and have no waypoint."""
    for at, written in mesh.hosts(service):
        subject = mesh.moves(written, service)
        if subject is None or not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
            continue
        for host in _services(written, mesh) or (written,):
            if mesh.waypoint(host).state in _WHY and not _of_gateway(host, mesh):
                yield at, host, subject


def _services(host: Host, mesh: Mesh) -> list[Host]:
    """The Services here that a wildcard for a namespace of the cluster stands for: each has or lacks a waypoint of its own."""
    if not host.wildcard or host.entries or not host.namespace:
        return []
    return [one for service in mesh.all(Kind.SERVICE) if service.namespace == host.namespace for one in mesh.hosts_of(service)]


def _message(service: Resource, rules: Sequence[Node], host: Host, waypoint: Waypoint) -> str:
    lost = ", ".join(dict.fromkeys(key for rule in rules for key, _ in rule.items() if key not in ("name", "route")))
    fields = f" ({lost})" if lost else ""
    why = _WHY[waypoint.state]
    return f"{service.title} is for {host.title}, which {why}: ztunnel reads no VirtualService, so its routing{fields} is lost."


def _by_another_name(host: Host) -> str | None:
    """What helps where no waypoint can serve the host."""
    if host.external_name:
        return "Write it for the real host instead of the alias, which ambient does not know, and bind that one to a waypoint."
    with_address = "Write it for a Service with a cluster IP over the same pods, bound to a waypoint: a headless one has none."
    return with_address if host.headless else None


def _related(waypoint: Waypoint) -> tuple[tuple[Node, str], ...]:
    if waypoint.label is None:
        return ()
    if waypoint.gateway is None:
        return ((waypoint.label, "this label decides"),)
    serves = waypoint.gateway.label("istio.io/waypoint-for")
    return ((waypoint.label, "the waypoint is named here"), (serves if serves else waypoint.gateway.root, "what the waypoint takes"))


def _of_gateway(host: Host, mesh: Mesh) -> bool:
    """The Service of a gateway never has a waypoint."""
    return host.service is not None and mesh.selects_only_gateways(host.service.spec.get("selector").strings(), host.service.namespace)


def _needless(service: Resource) -> str:
    return "Take `mesh` out of its gateways." if service.spec.get("gateways") else "Delete it: the host needs no waypoint for it."


def _does_nothing(service: Resource, host: Host, mesh: Mesh) -> bool:
    """One http rule without match, to the only host itself, and no other field."""
    rules = list(service.spec.each("http"))
    if len(rules) != 1 or len(mesh.hosts(service)) != 1 or service.spec.get("tcp") or service.spec.get("tls"):
        return False
    sent = mesh.destinations(service)
    plain = all(key in ("name", "route") for key, _ in rules[0].items())
    if len(sent) != 1 or not plain or sent[0].host.fqdn != host.fqdn or sent[0].subset.present:
        return False
    entry = sent[0].at.parent
    alone = entry is not None and all(key in ("destination", "weight") for key, _ in entry.items())
    return alone and _own_port(sent[0].at.get("port", "number"), host)


def _own_port(port: Node, host: Host) -> bool:
    """A port changes nothing where it is the only one of the Service."""
    if not port.present:
        return True
    ports = [node.get("port").value for node in host.service.spec.each("ports")] if host.service is not None else []
    return ports == [port.value]


def _fix(losing: Sequence[tuple[Node, Host, Resource | str]], mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    hosts = [host for _, host, _ in losing]
    if any(host.resource is None for host in hosts):
        return None
    found = (one for host in hosts for one in ((host.service,) if host.service is not None else host.entries))
    return waypoints.give(list(dict.fromkeys(found)), mesh)


def _without(service: Resource) -> Fix | None:
    """Take a VirtualService that does nothing in the mesh away, or the mesh out of its gateways."""
    gateways = list(service.spec.each("gateways"))
    if all(one.text == "mesh" for one in gateways):
        return changes().remove_document(service.root).fix("Delete it")
    made = changes()
    for one in gateways:
        if one.text == "mesh":
            made.remove(one)
    return made.fix("Take mesh out of its gateways")
