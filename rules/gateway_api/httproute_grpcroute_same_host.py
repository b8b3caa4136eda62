"""ML818 httproute-grpcroute-same-host."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML818",
    "httproute-grpcroute-same-host",
    Severity.WARNING,
    impact=Impact.IGNORED,
    each=Kind.GRPC_ROUTE,
    reads=[Kind.HTTP_ROUTE, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE, Kind.SERVICE_ENTRY,
           Kind.VIRTUAL_SERVICE, Kind.DESTINATION_RULE],
    evidence="code",
    sources=["istio@86c9f01:releasenotes/notes/http-grpc-same-hostname.yaml"],
    remedy="Write the gRPC methods as paths of the HTTPRoute, or move to Istio 1.30.",
    points_to=[Kind.HTTP_ROUTE, Kind.GRPC_ROUTE],
)  # fmt: skip
def httproute_grpcroute_same_host(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A GRPCRoute and an HTTPRoute are for the same host of the same parent; Istio before 1.30 uses only one of the two kinds.

    The rules of the other kind are without effect, with no status that says so.

    ```yaml
    # args: --target istio=1.29
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: shop
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: web
      namespace: shop
    spec:
      parentRefs:
        - name: edge
      hostnames:
        - shop.example.com
      rules:
        - backendRefs:
            - name: web
              port: 80
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: GRPCRoute
    metadata:
      name: api
      namespace: shop
    spec:
      parentRefs:
        - name: edge # expect: ML818
      hostnames:
        - shop.example.com
      rules:
        - backendRefs:
            - name: api
              port: 90
    ```

    Remedy: one kind for a host (a gRPC method is the path /package.Service/Method), or the release. There is no automatic fix.
    Not reported when: Istio is 1.30 or later; the hostnames, listeners or ports differ; the parent is not in the repository;
    the route is not Istio's to run.
    """
    if mesh.target.istio_at_least("1.30.0") or not mesh.istio_runs(route):
        return
    for ref in route.spec.each("parentRefs"):
        others = [(one, at) for one in mesh.all(Kind.HTTP_ROUTE) for at in one.spec.each("parentRefs")]
        other = next(((one, at) for one, at in others if _meet(route, ref, one, at, mesh)), None)
        if other is not None:
            end = f"Istio {mesh.target.istio} uses one of the two kinds only (both from 1.30)"
            message = f"{route.title} and {other[0].title} are for the same host; {end}."
            yield Problem(ref.get("name"), message, related=((other[1].get("name"), "the HTTPRoute's parent"),))
            return


def _meet(route: Resource, ref: Node, other: Resource, at: Node, mesh: Mesh) -> bool:
    """The same parent, the same listener or port, and a hostname in common?"""
    parent = mesh.parent(route, ref)
    if parent is None or mesh.parent(other, at) != parent or mesh.is_waypoint(parent):
        return False
    if any(ref.get(field).value != at.get(field).value for field in ("sectionName", "port")):
        return False
    if parent.kind is not Kind.K8S_GATEWAY:
        return True
    hosts, others = ({node.text for node in one.spec.each("hostnames")} for one in (route, other))
    return hosts == others if not hosts or not others else bool(hosts & others - {None})
