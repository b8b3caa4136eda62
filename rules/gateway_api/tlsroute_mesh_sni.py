"""ML816 tlsroute-mesh-sni."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML816",
    "tlsroute-mesh-sni",
    Severity.WARNING,
    impact=Impact.IGNORED,
    each=Kind.TLS_ROUTE,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE, *WORKLOADS],
    evidence="code",
    needs=["hostnames"],
    sources=["istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go"],
    remedy="Give each host a ServiceEntry of its own, with a route for it.",
    points_to=[],
)  # fmt: skip
def tlsroute_mesh_sni(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A TLSRoute of the mesh has a hostname that is not its parent's own; a waypoint honours a TLS match for the host's own name
    only.

    Routes by other server names are idle at a waypoint, though a sidecar executed them.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      hosts:
        - api.example.com
      location: MESH_EXTERNAL
      resolution: DNS
      ports:
        - number: 443
          name: tls
          protocol: TLS
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: TLSRoute
    metadata:
      name: partner
      namespace: shop
    spec:
      parentRefs:
        - group: networking.istio.io
          kind: ServiceEntry
          name: partner
      hostnames:
        - other.example.com # expect: ML816
      rules:
        - backendRefs:
            - group: networking.istio.io
              kind: Hostname
              name: api.example.com
              port: 443
    ```

    Remedy: one ServiceEntry per host, or plain HTTP from the application and TLS from the waypoint. There is no automatic fix.
    Not reported when: the hostname is a host of the parent; a parent is a Gateway, which routes by any name; the parent's
    namespace stays out of the mesh; the route is not Istio's to run.
    """
    hosts = [mesh.parent_host(route, ref) for ref in route.spec.each("parentRefs")]
    known = [host for host in hosts if host is not None and mesh.moves(host, route) is not None]
    if not hosts or len(known) != len(hosts) or not mesh.istio_runs(route):
        return
    own = {name.fqdn for host in known for held in (host.entries or (host.service,)) if held is not None for name in mesh.hosts_of(held)}
    own |= {host.fqdn for host in known}
    for node in route.spec.each("hostnames"):
        if node.text is not None and node.text.lower() not in own:
            message = f"{route.title} is for the server name {node.text}, which is none of its parent: a waypoint never takes this match."
            yield Problem(node, message)
