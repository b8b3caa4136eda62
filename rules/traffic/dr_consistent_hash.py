"""ML128 dr-consistent-hash."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from meshlint.api import WORKLOADS, Confidence, Fix, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_FIXED = "1.31.0"
_INGRESS = "istio.io/ingress-use-waypoint"
_NO_HTTP = frozenset({"tcp", "tls", "https", "mongo", "mysql", "redis", "udp"})


@rule(
    "ML128", "dr-consistent-hash", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["consistentHash"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.INGRESS, Kind.GATEWAY, Kind.K8S_GATEWAY,
        Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE, Kind.LISTENER_SET, Kind.X_LISTENER_SET,
        *WORKLOADS,
    ],
    sources=[
        "https://github.com/istio/istio/issues/61045", "istio releasenotes/notes/61045.yaml",
        "istio pilot/pkg/networking/core/cluster_waypoint.go", "istio pilot/pkg/xds/filters/filters.go",
    ],
    remedy="Add an HTTPRoute or a VirtualService for the host (one rule that sends everything to it), or go to Istio 1.31.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def dr_consistent_hash(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule asks for sticky sessions (`loadBalancer.consistentHash`) that the waypoint of its host does not keep.

    Up to Istio 1.30 a waypoint hashes requests only on routes of a VirtualService or HTTPRoute. On the default route of a host
    without any, the hash has no key and a backend is chosen at random. At any release: with `useSourceIp`, a host that
    ingress traffic reaches by way of its waypoint (`istio.io/ingress-use-waypoint`) sees the gateway's address instead of the
    client's, so each pod of the gateway sends all of it to one backend.

    ```yaml
    # args: --target istio=1.30
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels: {istio.io/use-waypoint: waypoint}
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      host: ratings
      trafficPolicy:
        loadBalancer:
          consistentHash:  # expect: ML128
            httpHeaderName: x-user
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ```

    Remedy: below 1.31 a route for the host that changes nothing is enough:

        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: ratings, namespace: bookinfo}
        spec:
          parentRefs: [{group: "", kind: Service, name: ratings, port: 9080}]
          rules: [{backendRefs: [{name: ratings, port: 9080}]}]

    meshlint can write it for a Service with a waypoint and one port; it needs a look, because some delivery controllers make such a
    route themselves. There is no automatic fix for other Services, and none for `useSourceIp` behind a gateway: what to hash
    instead only the application knows.

    One finding for each DestinationRule. Not reported when the target is 1.31 or later (but for `useSourceIp` behind a
    gateway); when a VirtualService of the mesh or a route with the Service as its parent is there; when all ports of the Service
    are declared as TCP or TLS; when gateways that pass by the waypoint are the only callers that the repository shows; for
    ServiceEntries of resolution DYNAMIC_DNS; for a workloadSelector (dr-workload-selector), in a namespace that the waypoint does
    not look into (dr-client-namespace); when the host is kept off waypoints or stays out of the mesh. `useSourceIp` between pods
    is not: the waypoint knows the caller's address. The confidence is low where another repository holds the host.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    hashes = [one.get("loadBalancer", "consistentHash") for one in mesh.traffic_policies(policy)]
    found = [node for node in hashes if any(True for _ in node.items())]
    if not found or not _applied(policy, host, mesh):
        return
    at, message, remedy = _unkeyed(found, policy, host, mesh) or _gateway_address(found, policy, host, mesh) or (None, "", None)
    if at is not None:
        confidence = Confidence.LOW if host.resource is None else None
        label = mesh.waypoint(host).label
        related = ((label, "this label binds the host to its waypoint"),) if label is not None else ()
        fix = partial(_fix, host, mesh) if remedy is None else None
        yield Problem(at, message, confidence=confidence, related=related, remedy=remedy, fix=fix, subject=mesh.rule_subject(policy))


def _applied(policy: Resource, host: Host, mesh: Mesh) -> bool:
    """Does a waypoint read the rule and balance by it?"""
    if mesh.rule_subject(policy) is None or not mesh.waypoint_after(host) or policy.spec.get("workloadSelector").is_map:
        return False
    if host.wildcard and not host.entries:
        return False
    reads = mesh.route_namespaces(host)
    if reads and policy.namespace not in {*reads, mesh.settings.root_namespace}:
        return False
    return not any(entry.spec.get("resolution").text == "DYNAMIC_DNS" for entry in host.entries)


def _unkeyed(found: list[Node], policy: Resource, host: Host, mesh: Mesh) -> tuple[Node, str, str | None] | None:
    """On the default route, below the release that gives it a hash."""
    if mesh.target.istio_at_least(_FIXED) or mesh.mesh_routes(host) or _tcp_only(host):
        return None
    if any(mesh.mesh_rules(service) for service in mesh.virtual_services(host)):
        return None
    if mesh.ingress_only(host) and not _by_waypoint(host, mesh):
        return None
    message = (
        f"{policy.title} balances {host.title} by consistentHash, and no VirtualService or HTTPRoute of the mesh is for the host: a "
        f"waypoint of Istio {mesh.target.istio} does not hash on its default route (fixed in 1.31), so stickiness is lost."
    )
    return found[0], message, None


def _gateway_address(found: list[Node], policy: Resource, host: Host, mesh: Mesh) -> tuple[Node, str, str | None] | None:
    by_address = [node.get("useSourceIp") for node in found if node.get("useSourceIp").value is True]
    if not by_address or not _by_waypoint(host, mesh) or not mesh.ingress_users(host):
        return None
    message = (
        f"{policy.title} balances {host.title} by the source address, and ingress traffic reaches it through its waypoint "
        f"({_INGRESS}): the address is that of the gateway, so each of its pods sends all requests to one backend."
    )
    return by_address[0], message, "Hash by a header or a cookie (httpHeaderName, httpCookie) instead of the source address."


def _by_waypoint(host: Host, mesh: Mesh) -> bool:
    """Do gateways send to the waypoint of the host?"""
    of = host.resource
    if of is None:
        return False
    own = of.labels.get(_INGRESS)
    namespace = mesh.find(Kind.NAMESPACE, "", of.namespace) if own is None else None
    return (own if namespace is None else namespace.labels.get(_INGRESS)) == "true"


def _tcp_only(host: Host) -> bool:
    """Is every port declared to be of a protocol that is not HTTP?"""
    ports = list(host.resource.spec.each("ports")) if host.resource is not None else []
    return bool(ports) and all(_protocol(port, host) in _NO_HTTP for port in ports)


def _protocol(port: Node, host: Host) -> str:
    if host.entries:
        return (port.get("protocol").text or "").lower()
    return (port.get("appProtocol").text or (port.get("name").text or "").partition("-")[0]).lower()


def _fix(host: Host, mesh: Mesh) -> Fix | None:
    """A route that sends everything to the host itself."""
    from meshlint.api import waypoints

    service = host.service
    ports = [port.get("port").scalar for port in service.spec.each("ports")] if service is not None else []
    if service is None or len(ports) != 1 or ports[0] is None or not mesh.waypoint(service).bound:
        return None
    if mesh.find(Kind.HTTP_ROUTE, service.namespace, service.name) is not None:
        return None
    route: dict[str, Any] = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": service.name, **waypoints.namespace_of(service)},
        "spec": {
            "parentRefs": [{"group": "", "kind": "Service", "name": service.name, "port": ports[0]}],
            "rules": [{"backendRefs": [{"name": service.name, "port": ports[0]}]}],
        },
    }
    return changes().add_object(service, route).fix("Add a route that sends everything to the host")
