"""ML801 route-parent-waypoint-gateway."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ROUTES, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule


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
    points_to=[Kind.K8S_GATEWAY],
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

    meshlint can write it where the waypoint serves one Service, or the route sends to one of them only; it needs a look, because
    the route begins to work. There is no automatic fix otherwise: which Services the route is meant for is not written here.

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
            fix=partial(_fix, route, ref, gateway, mesh),
            final=True,
        )


def _remedy(gateway: Resource, mesh: Mesh) -> str | None:
    served = [service.name for service in mesh.all(Kind.SERVICE) if mesh.waypoint(service).gateway == gateway]
    if not served:
        return None
    shown = ", ".join(served[:4]) + (f" and {len(served) - 4} more" if len(served) > 4 else "")
    return f'Name the Services as parents instead (group: "", kind: Service); this waypoint serves {shown}.'


def _fix(route: Resource, ref: Node, gateway: Resource, mesh: Mesh) -> Fix | None:
    """The Service that is meant: the only one that the waypoint serves, else the only one of them that the route sends to."""
    served = [service for service in mesh.all(Kind.SERVICE) if mesh.waypoint(service).gateway == gateway]
    sent = [one for one in mesh.backends(route) if one.host.service in served]
    found = served if len(served) == 1 else list(dict.fromkeys(one.host.service for one in sent if one.host.service is not None))
    if len(found) != 1 or not route.namespace:
        return None
    service = found[0]
    ports = [port.get("port").scalar for port in service.spec.each("ports")]
    named = {one.at.get("port").scalar for one in sent if one.host.service is service} & set(ports)
    port = ports[0] if len(ports) == 1 else named.pop() if len(named) == 1 else None
    if port is None:
        return None
    made = changes()
    if _is_there(route, ref, service, port):
        return made.remove(ref).fix("Remove the parent")
    made.set_key(ref, "group", "", before="name").set_key(ref, "kind", "Service", before="name")
    made.set_key(ref, "name", service.name).set_key(ref, "port", port)
    if ref.get("sectionName").present:
        made.remove(ref.get("sectionName"))
    if service.namespace != route.namespace:
        made.set_key(ref, "namespace", service.namespace)
    elif ref.get("namespace").present:
        made.remove(ref.get("namespace"))
    return made.fix(f"Make {service.title} the parent")


def _is_there(route: Resource, ref: Node, service: Resource, port: bool | int | float | str) -> bool:
    """Is the Service a parent already, with the port or for all of them?"""
    for one in route.spec.each("parentRefs"):
        named = (one.get("kind").text, one.get("name").text, one.get("namespace").text or route.namespace)
        if one != ref and named == ("Service", service.name, service.namespace) and one.get("port").value in (None, port):
            return True
    return False
