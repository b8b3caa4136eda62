"""ML804 route-consumer-namespace."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML804",
    "route-consumer-namespace",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=ROUTES,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go (getVirtualServiceForWaypoint)",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go",
        "https://gateway-api.sigs.k8s.io/mesh/",
    ],
    remedy="Move the route to the namespace of the Service, where it holds for all clients.",
    points_to=[],
)  # fmt: skip
def route_consumer_namespace(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route has a Service of another namespace as its parent (a consumer route); the waypoint of that Service ignores it.

    A consumer route acts in the proxy of the caller, for callers of its namespace. A waypoint belongs to the producer's
    side: it reads routes of the Service's namespace and of its own. In ambient no proxy of the caller is left.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
        istio.io/use-waypoint: waypoint
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
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        app: cart
      ports:
        - name: http
          port: 80
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: cart-timeout
      namespace: web # expect: ML804
    spec:
      parentRefs:
        - group: ""
          kind: Service
          name: cart
          namespace: shop
          port: 80
      rules:
        - timeouts:
            request: 2s
          backendRefs:
            - name: cart
              namespace: shop
              port: 80
    ```

    Remedy: the route in the Service's namespace, as a producer route:

        metadata: {name: cart, namespace: shop}

    There is no automatic fix: it then holds for all clients, not for those of one namespace only.

    Not reported when: the route stands in the namespace of the Service or of its waypoint; the clients' namespace stays out
    of ambient, where sidecars go on executing it; one of the namespaces is not known; the route is not Istio's to run.
    """
    if not route.namespace or not mesh.istio_runs(route) or not mesh.candidate(route.namespace):
        return
    for ref in route.spec.each("parentRefs"):
        host = mesh.parent_host(route, ref)
        subject = mesh.moves(host, route) if host is not None else None
        if host is None or subject is None:
            continue
        read = mesh.route_namespaces(host)
        if not read or route.namespace in read:
            continue
        yield Problem(
            route.root.get("metadata", "namespace") or ref.get("namespace") or ref.get("name"),
            f"{route.title} is for {host.title}, but stands in namespace {route.namespace}: the waypoint of the Service reads routes of "
            f"{' and '.join(sorted(read))} only and ignores this one.",
            related=((ref.get("name"), "the parent"),),
            subject=subject,
        )
        return
