"""ML807 route-parent-port-mismatch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import ROUTES, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_HTTP = frozenset({Kind.HTTP_ROUTE, Kind.GRPC_ROUTE})
_RAW = frozenset({"tcp", "tls", "https", "mongo", "mysql", "redis", "udp"})


@rule(
    "ML807",
    "route-parent-port-mismatch",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=ROUTES,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (augmentPortMatch)",
        "istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go",
    ],
    remedy="State the port of the Service in the parentRef.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY],
)  # fmt: skip
def route_parent_port_mismatch(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route names a Service or ServiceEntry as its parent with a port that it does not have or that speaks no HTTP, or a
    Service without a port although it has several.

    The port of a parentRef is the Service's, not the container's. A wrong one makes the route idle; without one the route
    holds for every port of the Service, so that requests to its metrics or admin port go to the route's backend as well.

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
          targetPort: 8080
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
          port: 8080 # expect: ML807
      rules:
        - backendRefs:
            - name: cart
              port: 80
    ```

    Remedy: the Service's port in the parentRef:

        parentRefs: [{group: "", kind: Service, name: cart, port: 80}]

    meshlint writes the port where it is told: the one of which the written number is the targetPort, the only one, the only one
    that speaks HTTP, or the only one to which the route's own backendRefs send traffic of this Service. It needs a look, since
    requests to other ports leave the route. There is no automatic fix where none or several could be meant, and where the port
    is declared to speak no HTTP.

    Not reported when: the Service has one port and the parentRef
    none; the route names each port in a parentRef of its own (the CRDs of the experimental channel let it, the standard ones
    want a route for each); one of several copies of the parent in plain folders has the port; the repository does not hold the
    parent, or a template fills in its ports; the route is not Istio's to run.
    """
    if not mesh.istio_runs(route):
        return
    for ref in route.spec.each("parentRefs"):
        parent = mesh.parent(route, ref)
        if parent is None or parent.kind not in (Kind.SERVICE, Kind.SERVICE_ENTRY) or ref.get("port").unknown:
            continue
        ports = list(parent.spec.each("ports"))
        if not ports or any(not isinstance(_number(port).value, int) for port in ports):
            continue
        yield from _judge(route, ref, parent, ports, mesh)


def _judge(route: Resource, ref: Node, service: Resource, ports: Sequence[Node], mesh: Mesh) -> Iterator[Problem]:
    written = ref.get("port")
    listed = ", ".join(f"{_number(port).value}{_name(port)}" for port in ports)
    if not written.present:
        if len(ports) > 1 and service.kind is Kind.SERVICE:
            message = f"{route.title} names no port of {service.title}, which has several ({listed}): the route holds for each of them."
            fix = partial(_fix, route, ref, service, ports, mesh)
            yield Problem(ref.get("name"), message, related=((service.spec.get("ports"), "the ports"),), fix=fix)
        return
    found = next((port for port in ports if _number(port).value == written.value), None)
    if found is None:
        copies = mesh.copies(service)
        if any(_number(port).value == written.value for one in copies for port in one.spec.each("ports")):
            return
        target = next((port for port in ports if port.get("targetPort").value == written.value), None)
        hint = f"; {written.value} is the targetPort of {_number(target).value}" if target is not None else ""
        yield Problem(
            written,
            f"{route.title} is for port {written.value} of {service.title}, which has {listed}{hint}: the route is idle.",
            impact=Impact.IGNORED,
            related=((service.spec.get("ports"), "the ports"),),
            remedy=f"Write port: {_number(target).value}." if target is not None else None,
            fix=partial(_fix, route, ref, service, ports, mesh) if len(copies) == 1 else None,
        )
    elif route.kind in _HTTP and (protocol := _declared(found)) in _RAW:
        message = f"{route.title} is for port {written.value} of {service.title}, which is declared {protocol}: no HTTP is read there."
        how = "name or appProtocol" if service.kind is Kind.SERVICE else "protocol"
        remedy = f"Declare the port as HTTP ({how}), or use a TCPRoute or TLSRoute."
        yield Problem(written, message, impact=Impact.IGNORED, related=((found, "the port"),), remedy=remedy)


def _number(port: Node) -> Node:
    """Of a Service, or of a ServiceEntry."""
    return port.get("port") or port.get("number")


def _name(port: Node) -> str:
    return f" ({port.get('name').text})" if port.get("name").text else ""


def _declared(port: Node) -> str:
    """The protocol that appProtocol, else the name of the port says (Istio: explicit protocol selection); UDP is never HTTP.
    A ServiceEntry says it in protocol."""
    if port.get("protocol").text == "UDP" or port.get("number").present:
        return (port.get("protocol").text or "tcp").lower()
    return (port.get("appProtocol").text or (port.get("name").text or "").partition("-")[0]).lower()


def _fix(route: Resource, ref: Node, service: Resource, ports: Sequence[Node], mesh: Mesh) -> Fix | None:
    fitting = [port for port in ports if route.kind not in _HTTP or _declared(port) not in _RAW]
    by_target = [port for port in ports if ref.get("port").present and port.get("targetPort").value == ref.get("port").value]
    sent = {one.at.get("port").value for one in mesh.backends(route) if one.host.service is service}
    by_backend = [port for port in fitting if _number(port).value in sent]
    for found in (by_target, ports, fitting, by_backend):
        if len(found) == 1 and found[0] in fitting:
            return _stated(ref, _number(found[0]).scalar)
    return None


def _stated(ref: Node, port: bool | int | float | str | None) -> Fix | None:
    others = [one for one in ref.parent.each() if one != ref] if ref.parent is not None else []
    alike = [one for one in others if all(one.get(key).value == ref.get(key).value for key in ("group", "kind", "name", "namespace"))]
    if any(one.get("port").value == port for one in alike):
        return None
    return changes().set_key(ref, "port", port).fix(f"Write port: {port}")
