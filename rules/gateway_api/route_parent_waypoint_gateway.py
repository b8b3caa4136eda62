"""ML801 route-parent-waypoint-gateway."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML801",
    "route-parent-waypoint-gateway",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=ROUTES,
    reads=[Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.ARGO_APPLICATION, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/conversion.go (GenerateGatewaySupportedKinds)",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/testdata/waypoint.status.yaml.golden",
    ],
    remedy="Name the Services that the waypoint serves as parents instead: one parentRef each, with group \"\" and kind Service.",
)
def route_parent_waypoint_gateway(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route names a waypoint as its parent Gateway; a waypoint's HBONE listener accepts no routes, so no proxy runs it.

    istiod gives the HBONE listener an empty list of supported kinds and does not accept the route. Some guides describe
    this as a way to configure all Services of a waypoint; it is not one up to Istio 1.32-dev. Policies, on the other
    hand, may target the waypoint Gateway.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - group: gateway.networking.k8s.io
          kind: Gateway
          name: waypoint # expect: ML801
      rules:
        - backendRefs:
            - name: reviews
              port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
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
      name: reviews
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ```

    Remedy: one parentRef per Service or ServiceEntry that the route is for; a route can name 32 parents:

        parentRefs:
        - {group: "", kind: Service, name: reviews, port: 9080}

    There is no automatic fix: which of the waypoint's Services the route is meant for is not written here.

    Not reported when: the parent is an ingress Gateway, with or without an HBONE listener beside its others; the target's
    distribution is solo, whose builds may accept such routes.
    """
    if mesh.target.distribution == "solo":
        return
    for ref in route.spec.each("parentRefs"):
        gateway = mesh.parent(route, ref)
        if gateway is None or gateway.kind is not Kind.K8S_GATEWAY or not mesh.is_waypoint(gateway):
            continue
        yield Problem(
            ref.get("name"),
            f"{route.title} has the waypoint {gateway.namespace + '/' if gateway.namespace else ''}{gateway.name} as its parent. "
            "istiod accepts no routes at a waypoint's HBONE listener, so no proxy runs this route.",
            related=((gateway.spec.get("gatewayClassName"), "this Gateway is a waypoint"),),
            remedy=_remedy(gateway, mesh),
            final=True,
        )


def _remedy(gateway: Resource, mesh: Mesh) -> str | None:
    served = [service.name for service in mesh.all(Kind.SERVICE) if mesh.waypoint(service).gateway == gateway]
    if not served:
        return None
    shown = ", ".join(served[:4]) + (f" and {len(served) - 4} more" if len(served) > 4 else "")
    return f'Name the Services as parents instead (group: "", kind: Service); this waypoint serves {shown}.'
