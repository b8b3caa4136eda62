"""ML802 route-parent-not-found."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, Confidence, Host, HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, close_name, rule

_GATEWAY = ("gateway.networking.k8s.io", "Gateway")


@rule(
    "ML802",
    "route-parent-not-found",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=ROUTES,
    reads=[Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (referenceAllowed)",
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/conversion.go (GenerateGatewaySupportedKinds)",
    ],
    remedy="Correct the parentRef, or let a listener of the Gateway take the route.",
)  # fmt: skip
def route_parent_not_found(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A parentRef of a route finds nothing that takes the route: no such Gateway in that namespace, no such listener, or
    listeners for other kinds of routes, other namespaces or other hostnames.

    A route without an accepted parent is idle. A VirtualService in the mesh needs no such binding, which makes this a
    typical slip of a conversion: often it is the namespace of the shared Gateway that is missing.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: ingress
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
          allowedRoutes:
            namespaces:
              from: All
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: shop
      namespace: shop
    spec:
      parentRefs:
        - name: edge # expect: ML802
      rules:
        - backendRefs:
            - name: cart
              port: 80
    ```

    Which kind takes which route: HTTP and HTTPS listeners HTTPRoute and GRPCRoute; TLS listeners TLSRoute, with mode
    Terminate TCPRoute too; TCP listeners TCPRoute. `allowedRoutes.namespaces.from` is Same by default.

    Remedy: namespace, sectionName and port of the parentRef, or allowedRoutes of the listener. There is no automatic fix:
    which side is wrong is not written.

    Not reported when: the repository does not hold the Gateway, unless the parentRef names no namespace and another one has a
    Gateway of that name; one listener takes the route; a template decides; the Gateway is a waypoint
    (route-parent-waypoint-gateway) or of another controller. Of Services and ServiceEntries as parents only what looks like a
    slip of the pen is said: another one of the namespace has nearly the same name.
    """
    if route.kind is Kind.UDP_ROUTE or not mesh.istio_runs(route):
        return
    for ref in route.spec.each("parentRefs"):
        name = ref.get("name").text
        if name is None or any(ref.get(field).unknown for field in ("group", "kind", "namespace")):
            continue
        host = mesh.parent_host(route, ref)
        if host is not None:
            yield from _service(route, ref, name, host, mesh)
        elif (ref.get("group").text or _GATEWAY[0], ref.get("kind").text or _GATEWAY[1]) == _GATEWAY:
            yield from _gateway(route, ref, name, mesh)


def _gateway(route: Resource, ref: Node, name: str, mesh: Mesh) -> Iterator[Problem]:
    gateway = mesh.parent(route, ref)
    if gateway is None:
        yield from _elsewhere(route, ref, name, mesh)
        return
    if mesh.is_waypoint(gateway) or mesh.foreign_class(gateway):
        return
    refusal = mesh.refusal(route, ref)
    if refusal is not None:
        yield Problem(
            refusal.at,
            f"{route.title} does not attach to {gateway.title}: {refusal.why}.",
            related=((refusal.listener, "the listener"),),
            final=True,
        )


def _elsewhere(route: Resource, ref: Node, name: str, mesh: Mesh) -> Iterator[Problem]:
    """The Gateway is not in the namespace of the route, which the parentRef does not leave, and there is one of that name elsewhere."""
    namespace = route.namespace
    others = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.name == name and gateway.namespace not in (namespace, "")]
    if others and namespace and not ref.get("namespace").present and not mesh.foreign_class(others[0]):
        yield Problem(
            ref.get("name"),
            f"{route.title} has the parent Gateway {namespace}/{name}, which the repository does not hold; it holds {others[0].title}.",
            related=((others[0].root, "the Gateway of that name"),),
            remedy=f"Add namespace: {others[0].namespace} to the parentRef, and let the listener admit namespace {route.namespace}.",
            confidence=Confidence.MEDIUM,
            final=True,
        )


def _service(route: Resource, ref: Node, name: str, host: Host, mesh: Mesh) -> Iterator[Problem]:
    if host.kind is not HostKind.ASSUMED or not host.namespace or mesh.elsewhere(Kind.SERVICE):
        return
    close = close_name(name, (service.name for service in mesh.all(Kind.SERVICE) if service.namespace == host.namespace))
    if close:
        message = f"{route.title} has the parent Service {host.namespace}/{name}, which the repository does not hold; it holds {close}."
        yield Problem(ref.get("name"), message, confidence=Confidence.MEDIUM, remedy=f"Did you mean {close}?", final=True)
