"""ML104 vs-on-waypoint-alpha."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    GATEWAY_API_KINDS,
    ISTIO_KINDS,
    Host,
    Impact,
    Kind,
    Mesh,
    Problem,
    Resource,
    Severity,
    Waypoint,
    WaypointState,
    converted,
    rule,
)


@rule(
    "ML104", "vs-on-waypoint-alpha", Severity.WARNING, impact=Impact.UNSTABLE, each=Kind.VIRTUAL_SERVICE, evidence="docs",
    reads=[Kind.SERVICE, Kind.NAMESPACE, *ISTIO_KINDS, *GATEWAY_API_KINDS],
    sources=["https://istio.io/latest/docs/releases/feature-stages/", "https://istio.io/latest/docs/ambient/usage/l7-features/"],
    remedy="Translate it to a route with a Service parent; where a field has no equivalent, keep it and suppress this with the reason.",
    yields_in_object=[
        "vs-subset-destination", "vs-and-httproute-same-host", "vs-mesh-without-waypoint", "vs-outside-service-or-waypoint-namespace",
        "vs-source-match", "vs-tls-sni-match", "vs-export-to-hides-from-waypoint", "vs-host-not-a-service", "vs-mesh-and-gateway-bound",
        "vs-multiple-same-host", "vs-delegate", "vs-fault-injection", "vs-retries", "vs-cors", "vs-match-no-equivalent",
        "vs-rewrite-redirect-no-equivalent", "vs-direct-response", "vs-prefix-semantics", "vs-route-order-semantics", "vs-l4-route",
        "subset-undefined", "egress-gateway-classic",
    ],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def vs_on_waypoint_alpha(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService acts on a host that has a waypoint, and VirtualService at a waypoint is alpha.

    The routes of the Gateway API are the supported interface there. Nothing breaks today, but there is no promise for the
    next upgrade, and no status tells whether the waypoint took the object.

    ```yaml
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
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService  # expect: ML104
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ```

    Remedy: an HTTPRoute (GRPCRoute, TCPRoute, TLSRoute) with the Service as its parent, when every field that is used has
    an equivalent there: the fix. Otherwise keep the VirtualService (`meshlint convert` says what keeps it) and suppress this
    finding with a comment that gives the reason.

    One finding for each VirtualService, and none where a more precise rule has something to say about it.
    Not reported when it is for gateways only, when its hosts have no waypoint (vs-mesh-without-waypoint) or a label for one
    that is missing in a namespace with others (waypoint-missing), when it has no effect there since the host is a headless or
    ExternalName Service (service-headless-waypoint, service-externalname), and when their namespace stays out of the mesh.
    """
    if not mesh.mesh_rules(service):
        return
    for _, host in mesh.hosts(service):
        waypoint = mesh.waypoint(host)
        subject = mesh.moves(host, service)
        acts = waypoint.bound and waypoint.label is not None and not _is_missing(waypoint, mesh)
        if subject is not None and acts and not _never_enters(host, service, mesh):
            name = f"{waypoint.namespace}/{waypoint.name}" if waypoint.namespace else waypoint.name
            message = f"{service.title} acts at waypoint {name} of {host.title}, where VirtualService is alpha."
            label = (waypoint.label or service.root, "this label binds the host to its waypoint")
            fix = partial(converted, [service], mesh) if mesh.settings.to_gateway_api else None
            yield Problem(service.root, message, related=(label,), fix=fix, subject=subject)
            return


def _is_missing(waypoint: Waypoint, mesh: Mesh) -> bool:
    """Does the namespace hold waypoints, and none of this name?"""
    gateways = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.namespace == waypoint.namespace]
    return waypoint.state is WaypointState.MISSING and any(mesh.is_waypoint(gateway) for gateway in gateways)


def _never_enters(host: Host, service: Resource, mesh: Mesh) -> bool:
    """Do requests to the host enter no waypoint, whatever its labels say, so that the rules do not act?"""
    of = host.service
    return of is not None and (host.headless or host.external_name) and any(user is service for user, _ in mesh.waypoint_work(of))
