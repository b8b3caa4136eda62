"""ML806 route-hostnames-ignored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_MESH_PARENTS = frozenset({("", "Service"), ("networking.istio.io", "ServiceEntry")})


@rule(
    "ML806",
    "route-hostnames-ignored",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=(Kind.HTTP_ROUTE, Kind.GRPC_ROUTE),
    reads=[Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE, Kind.SERVICE_ENTRY],
    evidence="code",
    needs=["hostnames"],
    sources=["istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go", "https://gateway-api.sigs.k8s.io/mesh/"],
    remedy="Remove the hostnames, or match on the Host header.",
    points_to=[],
)
def route_hostnames_ignored(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh has hostnames, which count at gateways only.

    With Services and ServiceEntries as parents a route takes what is addressed to them, whatever name the client used.
    Whoever meant to restrict it by host gets a wider rule.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector:
        app: cart
      ports:
        - name: http
          port: 80
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
    kind: HTTPRoute
    metadata:
      name: cart
      namespace: shop
    spec:
      parentRefs:
        - group: ""
          kind: Service
          name: cart
          port: 80
      hostnames: # expect: ML806
        - cart.example.com
      rules:
        - backendRefs:
            - name: cart
              port: 80
    ```

    Remedy: without hostnames the route does the same, so that it is safe to remove them, which meshlint can do. To tell hosts
    apart, match on the Host header, or give each host a Service of its own.

    Not reported when: a parent is a Gateway or ListenerSet, which need the field; the route is not Istio's to run.
    """
    refs = list(route.spec.each("parentRefs"))
    hostnames = route.spec.get("hostnames")
    if not refs or not hostnames.value or not mesh.istio_runs(route):
        return
    if all((ref.get("group").text, ref.get("kind").text) in _MESH_PARENTS for ref in refs):
        names = ", ".join(node.text for node in hostnames.each() if node.text)
        yield Problem(
            hostnames,
            f"{route.title} has Services as parents only, where hostnames ({names}) are ignored: it takes every request to them.",
            fix=partial(_fix, hostnames),
        )


def _fix(hostnames: Node) -> Fix | None:
    return changes().remove(hostnames).fix("Remove the hostnames", safe=True)
