"""ML817 route-empty-backends."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ANSWERS = frozenset({"RequestRedirect", "ExtensionRef"})


@rule(
    "ML817",
    "route-empty-backends",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=(Kind.HTTP_ROUTE, Kind.GRPC_ROUTE),
    reads=[Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE, Kind.SERVICE_ENTRY],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (convertHTTPRoute)",
        "istio@86c9f01:releasenotes/notes/59356.yaml",
        "istio@86c9f01:releasenotes/notes/60787.yaml",
    ],
    remedy="Add a backend, or keep the VirtualService if it answered by itself (directResponse).",
    points_to=[],
)
def route_empty_backends(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A rule of a route has no backend that gets traffic, and no redirect: every request is answered with an error.

    A converted `directResponse` typically ends here, because a route cannot answer by itself. The answer is 500; in Istio
    1.30 an HTTPRoute's rule without any backendRefs gets 404.

    ```yaml
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
      name: health
      namespace: shop
    spec:
      parentRefs:
        - name: edge
      rules:
        - matches: # expect: ML817
            - path:
                type: Exact
                value: /healthz
    ```

    Remedy: a backend; for a fixed answer a VirtualService, or a small service of its own. There is no automatic fix.

    Not reported when: the rule redirects or has an ExtensionRef filter (route-unsupported-filter); one weight is above 0; a
    template decides; the route is not Istio's to run. To block paths on purpose, say so in an ignore comment.
    """
    if not mesh.istio_runs(route):
        return
    for entry in route.spec.each("rules"):
        answered = any(node.text in _ANSWERS or node.unknown for node in entry.each("filters", "type"))
        if not entry or answered or entry.get("backendRefs").unknown:
            continue
        refs = list(entry.each("backendRefs"))
        if not refs:
            status = 404 if route.kind is Kind.HTTP_ROUTE and _early(mesh) else 500
            message = f"{route.title} has a rule without backendRefs and without a redirect: Istio {mesh.target.istio} answers {status}."
            yield Problem(_place(entry), message)
        elif all(ref.get("weight").value == 0 for ref in refs):
            yield Problem(entry.get("backendRefs"), f"{route.title} has a rule whose backends all have weight 0: its requests get 500.")


def _early(mesh: Mesh) -> bool:
    """Istio 1.30 alone."""
    return mesh.target.istio_at_least("1.30.0") and not mesh.target.istio_at_least("1.31.0")


def _place(entry: Node) -> Node:
    """The first key of the rule."""
    return next((node for _, node in entry.items()), entry)
