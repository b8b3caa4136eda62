"""ML503 egress-gateway-classic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import (
    MESH,
    Binding,
    Destination,
    Fix,
    Host,
    HostKind,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    changes,
    rule,
)

_EGRESS_NAME = re.compile(r"(^|[-.])egress-?(gateway|gw)|^egress$")

_INSIDE = "Bind the Service of the host to a waypoint, move routes and policies there, and delete the mesh side of this VirtualService."


@rule(
    "ML503",
    "egress-gateway-classic",
    Severity.ERROR,
    impact=Impact.UNENFORCED,
    each=Kind.VIRTUAL_SERVICE,
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.NAMESPACE, Kind.ARGO_APPLICATION,
           Kind.GATEWAY_CLASS],
    evidence="code",
    sources=[
        "https://istio.io/latest/docs/tasks/traffic-management/egress/egress-gateway/",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
        "https://ambientmesh.io/docs/traffic/mesh-egress/",
    ],
    remedy="Bind the ServiceEntry of the host to a waypoint that acts as the egress gateway (label istio.io/use-waypoint on it or its "
    "namespace), move routes and policies there, and delete the mesh side of this VirtualService.",
    points_to=[Kind.SERVICE_ENTRY, Kind.GATEWAY],
)  # fmt: skip
def egress_gateway_classic(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService redirects calls to an external host from the mesh to an egress gateway; that redirect ran in the
    client's sidecar, and in ambient nobody executes it.

    ztunnel does not read VirtualServices. The traffic leaves directly from the node: a firewall that admits only the
    egress gateway's address drops it or, worse, nothing notices that the policies and logs of the gateway are bypassed.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: api-through-egress
      namespace: shop
    spec:
      hosts:
        - api.example.com
      gateways:
        - mesh
        - egress
      tls:
        - match:
            - gateways:
                - mesh
              port: 443
              sniHosts:
                - api.example.com
          route:
            - destination:
                host: istio-egressgateway.istio-system.svc.cluster.local # expect: ML503
                port:
                  number: 443
        - match:
            - gateways:
                - egress
              port: 443
              sniHosts:
                - api.example.com
          route:
            - destination:
                host: api.example.com
                port:
                  number: 443
    ---
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata:
      name: egress
      namespace: shop
    spec:
      selector:
        istio: egressgateway
      servers:
        - hosts:
            - api.example.com
          port:
            number: 443
            name: tls
            protocol: TLS
          tls:
            mode: PASSTHROUGH
    ---
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: api
      namespace: shop
    spec:
      hosts:
        - api.example.com
      resolution: DNS
      ports:
        - number: 443
          name: tls
          protocol: TLS
    ```

    Remedy: a waypoint becomes the egress gateway. Put a Gateway of class istio-waypoint into the egress namespace, bind
    the ServiceEntry to it, attach routes and AuthorizationPolicies to the ServiceEntry, and delete the mesh side here:

        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: api
          namespace: istio-egress
          labels: {istio.io/use-waypoint: egress}

    The fix is the first step: where the ServiceEntries stand in the namespace of the VirtualService, it binds them to the
    waypoint there (a new one if there is none), which then runs the redirect to the egress gateway, so that policies and the
    firewall see what they saw. It needs a look, as a VirtualService at a waypoint is alpha. There is no automatic fix for the
    second step: where the waypoint runs decides which address the firewall sees.

    Not reported when: the VirtualService is bound to the egress gateway only and clients address the gateway's Service
    themselves; the hosts are bound to a waypoint already, which runs this redirect.
    """
    binding = mesh.binding(route)
    if not binding.mesh:
        return
    sent, own = mesh.destinations(route), {host.fqdn for _, host in mesh.hosts(route)}
    away = [one for one in sent if one.mesh and not one.mirror and one.host.fqdn not in own]
    redirects = [one for one in away if _is_egress_gateway(one.host, route, binding, mesh)]
    if redirects and _acts_for_candidates(route, mesh) and not _waypoint_runs_it(route, mesh):
        yield _problem(redirects[0], route, binding, mesh, sent)


def _problem(redirect: Destination, route: Resource, binding: Binding, mesh: Mesh, sent: Sequence[Destination]) -> Problem:
    hosts = ", ".join(host.written for _, host in mesh.hosts(route) if host.written) or "its hosts"
    inside = all(host.kind in (HostKind.SERVICE, HostKind.ASSUMED) for _, host in mesh.hosts(route))
    return Problem(
        redirect.host_node,
        f"{route.title} sends mesh traffic for {hosts} to the egress gateway {redirect.host.written}. The client's sidecar executed this; "
        f"ztunnel does not read VirtualServices, so ambient clients {'go there' if inside else 'leave the cluster'} directly, past the "
        "gateway.",
        related=tuple(_related(route, binding, mesh, sent)),
        remedy=_INSIDE if inside else None,
        subject=route if _private(route) else MESH,
        fix=partial(_fix, route, mesh),
    )


def _fix(route: Resource, mesh: Mesh) -> Fix | None:
    """Let a waypoint of the hosts run the redirect, in the namespace of the VirtualService."""
    from meshlint.api import waypoints

    entries: list[Resource] = []
    for _, host in mesh.hosts(route):
        if host.kind is not HostKind.ENTRY or len(host.entries) != 1 or host.entries[0].namespace != route.namespace:
            return None
        entries += [entry for entry in host.entries if entry not in entries]
    made = changes()
    return made.fix("Bind the ServiceEntry to a waypoint") if waypoints.bind(made, entries, mesh) else None


def _related(route: Resource, binding: Binding, mesh: Mesh, sent: Sequence[Destination]) -> Iterator[tuple[Node, str]]:
    for _, host in mesh.hosts(route):
        for entry in host.entries:
            yield entry.root, f"ServiceEntry of {host.written}: bind it to an egress waypoint"
    for ref in binding.gateways:
        if ref.istio is not None:
            yield ref.istio.root, "Gateway that receives the redirected traffic"
    for one in sent:
        if not one.mesh:
            yield one.host_node, "the gateway's side: from the egress gateway to the host"
            return


def _is_egress_gateway(host: Host, route: Resource, binding: Binding, mesh: Mesh) -> bool:
    """Is a destination the Service of an egress gateway: by the pods that it selects, or by its name?"""
    if host.kind is HostKind.UNKNOWN:
        return False
    if _EGRESS_NAME.search(host.fqdn.split(".")[0]):
        return True
    selector = host.service.spec.get("selector").strings() if host.service is not None else {}
    if any("egress" in value for key, value in selector.items() if key in ("istio", "app")):
        return True
    wanted = [ref.istio.spec.get("selector").strings() for ref in binding.gateways if ref.istio is not None]
    gateway_pods = any(labels and labels.items() <= selector.items() for labels in wanted)
    return gateway_pods and any(own.kind in (HostKind.ENTRY, HostKind.EXTERNAL) for _, own in mesh.hosts(route))


def _private(route: Resource) -> bool:
    return [node.text for node in route.spec.each("exportTo")] == ["."]


def _acts_for_candidates(route: Resource, mesh: Mesh) -> bool:
    """An exported VirtualService acts for the clients of every namespace."""
    return mesh.candidate(route) if _private(route) else mesh.candidate(MESH)


def _waypoint_runs_it(route: Resource, mesh: Mesh) -> bool:
    """Are all hosts bound to a waypoint that reads VirtualServices of this namespace?"""
    held = [(host, mesh.waypoint(host)) for _, host in mesh.hosts(route)]
    return bool(held) and all(waypoint.bound and route.namespace in (host.namespace, waypoint.namespace) for host, waypoint in held)
