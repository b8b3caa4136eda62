"""ML802 route-parent-not-found."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, Confidence, Host, HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule, slip_of

_GATEWAY, _ENTRY = ("gateway.networking.k8s.io", "Gateway"), ("networking.istio.io", "ServiceEntry")
_SETS = {
    ("gateway.networking.k8s.io", "ListenerSet"): Kind.LISTENER_SET,
    ("gateway.networking.x-k8s.io", "XListenerSet"): Kind.X_LISTENER_SET,
}
_ADMIT = "Let the Gateway admit it: allowedListeners.namespaces with from: Selector for namespace {} (Same for its own, or All)."


@rule(
    "ML802",
    "route-parent-not-found",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(*ROUTES, Kind.LISTENER_SET, Kind.X_LISTENER_SET),
    reads=[Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (referenceAllowed)",
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/conversion.go (GenerateGatewaySupportedKinds)",
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/gateway_utils.go (NamespaceAcceptedByAllowListeners)",
    ],
    remedy="Correct the parentRef, or let a listener of the Gateway take the route.",
)  # fmt: skip
def route_parent_not_found(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A parentRef of a route finds nothing that takes the route: no such Gateway in that namespace, no such listener, or
    listeners for other kinds of routes, other namespaces or other hostnames. Or a Gateway does not admit a ListenerSet.

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
    Terminate (the default) TCPRoute too, and to Istio 1.29 only that; TCP listeners TCPRoute. `allowedRoutes.namespaces.from`
    is Same by default, `allowedListeners.namespaces.from` of a Gateway None: it takes no ListenerSet unless it says so.

    Remedy: namespace, sectionName and port of the parentRef, allowedRoutes of the listener, or allowedListeners of the Gateway.
    There is no automatic fix: which side is wrong is not written.

    Not reported when: the repository does not hold what is named, unless it looks like a slip: the parentRef names no namespace
    and another one has a Gateway of that name, or one letter of the name or namespace is wrong; one listener takes the route, or
    one of several copies of the Gateway in plain folders does; a template decides; the Gateway is a waypoint
    (route-parent-waypoint-gateway, listenerset-on-waypoint) or of another controller. Of Services and ServiceEntries as parents
    only such slips are said.
    """
    if route.kind is Kind.UDP_ROUTE or not mesh.istio_runs(route):
        return
    for ref in (*route.spec.each("parentRefs"), *route.spec.each("parentRef")):
        name = ref.get("name").text
        if name is None or any(ref.get(field).unknown for field in ("group", "kind", "namespace")):
            continue
        host = mesh.parent_host(route, ref)
        kind = (ref.get("group").text or _GATEWAY[0], ref.get("kind").text or _GATEWAY[1])
        if host is not None:
            yield from _service(route, ref, name, host, mesh)
        elif kind == _GATEWAY:
            yield from _gateway(route, ref, name, mesh)
        elif kind == _ENTRY:
            yield from _entry(route, ref, name, mesh)
        elif kind in _SETS:
            held = mesh.find(_SETS[kind], ref.get("namespace").text or route.namespace, name)
            if held is not None and not mesh.foreign(held):
                yield from _refused(route, ref, mesh)


def _gateway(route: Resource, ref: Node, name: str, mesh: Mesh) -> Iterator[Problem]:
    gateway = mesh.parent(route, ref)
    if gateway is None:
        yield from _elsewhere(route, ref, name, mesh)
    elif not mesh.is_waypoint(gateway) and not mesh.foreign_class(gateway):
        yield from _refused(route, ref, mesh)


def _refused(route: Resource, ref: Node, mesh: Mesh) -> Iterator[Problem]:
    refusal = mesh.refusal(route, ref)
    if refusal is not None:
        yield Problem(
            refusal.at,
            f"{route.title} does not attach to {refusal.holder.title}: {refusal.why}.",
            related=((refusal.listener, "the listener" if route.kind in ROUTES else "what it admits"),),
            remedy=None if route.kind in ROUTES else _ADMIT.format(route.namespace),
            final=True,
        )


def _elsewhere(route: Resource, ref: Node, name: str, mesh: Mesh) -> Iterator[Problem]:
    """The repository does not hold the Gateway, but one that was probably meant."""
    place, written = ref.get("namespace").text or route.namespace, ref.get("namespace")
    held = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.namespace and not mesh.foreign_class(gateway)]
    alike = {gateway.namespace: gateway for gateway in held if gateway.name == name}
    if not place or mesh.find(Kind.K8S_GATEWAY, "", name) is not None:
        return
    at, meant, remedy = ref.get("name"), next(iter(alike.values()), None), ""
    if meant is not None and not written.present:
        remedy = f"Add namespace: {meant.namespace} to the parentRef, and let the listener admit namespace {route.namespace}."
    elif meant is not None and (near := slip_of(place, alike)):
        at, meant, remedy = written, alike[near], f"Did you mean {near}?"
    elif slip := slip_of(name, (gateway.name for gateway in held if gateway.namespace == place)):
        meant, remedy = mesh.find(Kind.K8S_GATEWAY, place, slip), f"Did you mean {slip}?"
    if remedy and meant is not None and (not written.present or not mesh.elsewhere(Kind.K8S_GATEWAY)):
        message = f"{route.title} has the parent Gateway {place}/{name}, which the repository does not hold; it holds {meant.title}."
        related = ((meant.root, "the Gateway that it holds"),)
        yield Problem(at, message, related=related, remedy=remedy, confidence=Confidence.MEDIUM, final=True)


def _entry(route: Resource, ref: Node, name: str, mesh: Mesh) -> Iterator[Problem]:
    place = ref.get("namespace").text or route.namespace
    close = slip_of(name, (entry.name for entry in mesh.all(Kind.SERVICE_ENTRY) if place and entry.namespace == place))
    if close and not mesh.elsewhere(Kind.SERVICE_ENTRY):
        message = f"{route.title} has the parent ServiceEntry {place}/{name}, which the repository does not hold; it holds {close}."
        yield Problem(ref.get("name"), message, confidence=Confidence.MEDIUM, remedy=f"Did you mean {close}?", final=True)


def _service(route: Resource, ref: Node, name: str, host: Host, mesh: Mesh) -> Iterator[Problem]:
    if host.kind is not HostKind.ASSUMED or not host.namespace or mesh.elsewhere(Kind.SERVICE):
        return
    close = slip_of(name, (service.name for service in mesh.all(Kind.SERVICE) if service.namespace == host.namespace))
    if close:
        message = f"{route.title} has the parent Service {host.namespace}/{name}, which the repository does not hold; it holds {close}."
        yield Problem(ref.get("name"), message, confidence=Confidence.MEDIUM, remedy=f"Did you mean {close}?", final=True)
