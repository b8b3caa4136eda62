"""ML139 service-port-protocol-undeclared."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    AT_WAYPOINTS,
    GATEWAY_API_KINDS,
    ISTIO_KINDS,
    WORKLOADS,
    Fix,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    Waypoint,
    changes,
    rule,
)

_PROTOCOLS = frozenset({"tcp", "udp", "grpc", "grpc-web", "http", "http_proxy", "http2", "https", "tls", "mongo", "redis", "mysql"})
_KUBERNETES = frozenset({"kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss"})
_TAKEN_AS_TCP = frozenset({25, 53, 3306, 27017})
_SPOKEN = {Kind.HTTP_ROUTE: "http", Kind.GRPC_ROUTE: "grpc", Kind.TCP_ROUTE: "tcp"}
_SERVER_FIRST = {21: "FTP", 110: "POP3", 119: "NNTP", 143: "IMAP", 587: "SMTP", 5900: "VNC"}


@rule(
    "ML139", "service-port-protocol-undeclared", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.SERVICE, evidence="code",
    reads=[*ISTIO_KINDS, *GATEWAY_API_KINDS, *WORKLOADS],
    sources=[
        "istio pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInternal)",
        "istio pkg/config/kube/conversion.go (ConvertProtocol)",
        "https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/",
    ],
    remedy="Set appProtocol of the port: http, http2, grpc or tcp.",
    points_to=[Kind.NAMESPACE, *AT_WAYPOINTS],
)  # fmt: skip
def service_port_protocol_undeclared(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A port of a Service with a waypoint does not say its protocol, so the waypoint guesses it for every connection.

    The waypoint waits for the client's first bytes. What it does not take for HTTP is forwarded as TCP, and HTTP rules do not
    apply to it. Where the server speaks first there are no such bytes, and connections stall. Sidecars guess as well, but
    ports were taken out by annotations of pods (`traffic.sidecar.istio.io/exclude...`), which do nothing in ambient.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: carts
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector: {app: carts}
      ports:
        - name: web  # expect: ML139
          port: 8080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ```

    Remedy: `appProtocol`, or a name of the form `<protocol>[-<suffix>]`:

        ports: [{name: web, port: 8080, appProtocol: http}]

    The port's name can stay. meshlint writes it where something tells the protocol: a server that speaks first, or a route whose
    parent is the port, an HTTPRoute, GRPCRoute or TCPRoute. It needs a look. There is no automatic fix elsewhere: the protocol is
    not in the manifest, so somebody has to say it.

    A waypoint is one that a label names, or that a route with the Service as its parent, or a policy whose targetRefs name it,
    needs. An error for ports whose server speaks first (21, 110, 119, 143, 587, 5900); 25, 53, 3306 and 27017 are TCP without
    being told.

    Not reported when: the Service has no waypoint (ztunnel does not guess; a VirtualService alone is executed as sidecars do
    it); the port is UDP or SCTP; a name or appProtocol tells the protocol, or a template fills it in; the Service is headless
    or of type ExternalName, so that nothing enters a waypoint by it; it is a gateway's; its namespace stays out of the mesh.
    """
    ports = [port for port in service.spec.each("ports") if _undeclared(port)]
    if not ports or not mesh.candidate(service) or not _has_address(service) or _of_gateway(service, mesh):
        return
    waypoint = mesh.waypoint(service)
    if not waypoint.bound and not mesh.waypoint_after(service):
        return
    work = [] if waypoint.bound else [pair for pair in mesh.waypoint_work(service) if pair[0].kind is not Kind.VIRTUAL_SERVICE]
    if not waypoint.bound and not work:
        return
    related = _why(waypoint) if waypoint.bound else ((work[0][1], f"{work[0][0].title} needs a waypoint"),)
    for port in ports:
        yield _problem(service, port, related, mesh)


def _problem(service: Resource, port: Node, related: tuple[tuple[Node, str], ...], mesh: Mesh) -> Problem:
    number, name = port.get("port").value, port.get("name")
    said = f"Port {number} of {service.title} has no appProtocol and "
    said += f'its name "{name.text}" tells no protocol' if name.text else "no name that tells the protocol"
    at = name if name.text else port.get("port")
    spoken = _SERVER_FIRST.get(number) if isinstance(number, int) else None
    if spoken:
        message = f"{said}: the waypoint waits for the client to speak, and with {spoken} the server does so first. Connections stall."
        fix = partial(_fix, port, "tcp")
        return Problem(at, message, Severity.ERROR, Impact.BREAKS, related=related, remedy="Set appProtocol: tcp.", fix=fix)
    message = f"{said}: the waypoint guesses it for every connection, and L7 rules apply only to what it takes for HTTP."
    return Problem(at, message, related=related, fix=partial(_told, service, port, mesh))


def _undeclared(port: Node) -> bool:
    """Does Istio have to guess? A name tells the protocol by what stands before its first hyphen; appProtocol wins over it."""
    transport, chosen, number = port.get("protocol"), port.get("appProtocol"), port.get("port")
    name = chosen if chosen.present else port.get("name")
    if transport.unknown or name.unknown or number.unknown or transport.text not in (None, "TCP") or number.scalar in _TAKEN_AS_TCP:
        return False
    text = (name.text or "").lower()
    told = text.startswith("grpc-web") or text.partition("-")[0] in _PROTOCOLS or (chosen.present and text in _KUBERNETES)
    return isinstance(number.value, int) and not told


def _has_address(service: Resource) -> bool:
    spec = service.spec
    unknown = spec.get("clusterIP").unknown or spec.get("type").unknown
    return not unknown and spec.get("clusterIP").text != "None" and spec.get("type").text != "ExternalName"


def _of_gateway(service: Resource, mesh: Mesh) -> bool:
    return mesh.selects_only_gateways(service.spec.get("selector").strings(), service.namespace)


def _why(waypoint: Waypoint) -> tuple[tuple[Node, str], ...]:
    return ((waypoint.label, "this label binds it to the waypoint"),) if waypoint.label is not None else ()


def _fix(port: Node, protocol: str) -> Fix | None:
    return changes().set_key(port, "appProtocol", protocol).fix(f"Set appProtocol: {protocol}")


def _told(service: Resource, port: Node, mesh: Mesh) -> Fix | None:
    """By the routes of the mesh for this very port, which have to agree."""
    routes = [pair for host in mesh.hosts_of(service) for pair in mesh.mesh_routes(host)]
    alone = len(list(service.spec.each("ports"))) == 1
    fitting = (port.get("port").value, None) if alone else (port.get("port").value,)
    here = [route.kind for route, ref in routes if ref.get("port").value in fitting]
    protocols = {_SPOKEN[kind] for kind in here if kind in _SPOKEN}
    return _fix(port, protocols.pop()) if len(protocols) == 1 else None
