"""ML137 service-headless-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import AT_WAYPOINTS, GATEWAY_API_KINDS, ISTIO_KINDS, ROUTES, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ROUTING = (Kind.VIRTUAL_SERVICE, *ROUTES)


@rule(
    "ML137", "service-headless-waypoint", Severity.WARNING, impact=Impact.IGNORED, each=Kind.SERVICE, evidence="code",
    needs=["clusterIP"],
    reads=[*ISTIO_KINDS, *GATEWAY_API_KINDS],
    sources=[
        "istio pilot/pkg/serviceregistry/ambient/services.go (getVIPs)",
        "istio pilot/pkg/networking/core/listener_waypoint.go (a Service without an address is left out)",
        "istio ztunnel src/proxy/outbound.rs, src/dns/server.rs (the address of a pod is no Service)",
    ],
    remedy="Give these clients a Service with a cluster IP over the same pods, bind that one to the waypoint, and attach the routes to it.",
    points_to=[*AT_WAYPOINTS],
)  # fmt: skip
def service_headless_waypoint(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Routing is written for a headless Service, whose traffic never enters a waypoint of the Service.

    A Service with `clusterIP: None` has no address of its own: clients get the addresses of its pods. ztunnel takes such
    traffic as traffic to a workload, so that the waypoint of the Service is skipped, and a waypoint makes no listener for a
    Service without an address. VirtualServices and routes for the Service do nothing. Sidecars executed them, as they look
    at the Host header.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: carts
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      clusterIP: None  # expect: ML137
      selector: {app: carts}
      ports: [{name: http, port: 8080}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: carts
      namespace: shop
    spec:
      parentRefs: [{group: "", kind: Service, name: carts}]
      rules:
        - timeouts: {request: 3s}
          backendRefs: [{name: carts, port: 8080}]
    ```

    Remedy: a Service with a cluster IP for what needs L7, beside the headless one for the peers of a StatefulSet. A waypoint
    for the pods (`istio.io/waypoint-for: workload` or `all`, and the label `istio.io/use-waypoint` on the pods) executes
    policies whose targetRefs name that Gateway, and still no route of the Service. There is no automatic fix: clients have to
    use the other name.

    One finding for each Service, with what is written for it. It holds with a waypoint and before there is one. Policies whose
    targetRefs name the Service are lost in the same way: authz-targetref-unbound says so where they stand.

    Not reported when: nothing is written for the Service (a VirtualService that only sends its traffic to itself does
    nothing); the VirtualService is for gateways only, which balance over the pods themselves; the Service has
    `istio.io/use-waypoint: none`; a template fills in clusterIP; its namespace stays out of the mesh. With
    `--goal gateway-api` only what is ambient now counts.
    """
    address = service.spec.get("clusterIP")
    if address.text != "None" or not mesh.waypoint_after(service) or not mesh.candidate(service):
        return
    if not (mesh.settings.to_ambient or mesh.ambient_now(service)):
        return
    work = [pair for pair in mesh.waypoint_work(service) if pair[0].kind in _ROUTING]
    if work:
        yield Problem(
            address,
            f"{service.title} is headless (clusterIP: None), so clients call the addresses of its pods and enter no waypoint of the "
            f"Service: {_listed(work)} {'are' if len(work) > 1 else 'is'} not executed in ambient.",
            related=tuple((node, f"{user.title} is written for it") for user, node in work[:5]),
        )


def _listed(work: Sequence[tuple[Resource, Node]]) -> str:
    titles = list(dict.fromkeys(user.title for user, _ in work))
    shown = ", ".join(titles[:3])
    return f"{shown} and {len(titles) - 3} more" if len(titles) > 3 else shown
