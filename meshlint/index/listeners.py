"""Does a listener of a Kubernetes Gateway take a route? (Istio: referenceAllowed, GenerateGatewaySupportedKinds.)"""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.index.names import takes
from meshlint.index.routes import Routes
from meshlint.model.kind import Kind
from meshlint.model.mesh import Refusal
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_HTTP = frozenset({Kind.HTTP_ROUTE, Kind.GRPC_ROUTE})
_KINDS = {
    "HTTP": _HTTP,
    "HTTPS": _HTTP,
    "TCP": frozenset({Kind.TCP_ROUTE}),
    "TLS": frozenset({Kind.TLS_ROUTE}),
    "UDP": frozenset({Kind.UDP_ROUTE}),
    "HBONE": frozenset[Kind](),
}


class Listeners:
    def __init__(self, dataplane: Dataplane, routes: Routes) -> None:
        self._dataplane = dataplane
        self._routes = routes

    def refusal(self, route: Resource, ref: Node) -> Refusal | None:
        gateway = self._routes.parent(route, ref)
        if gateway is None or gateway.kind is not Kind.K8S_GATEWAY:
            return None
        listeners = list(gateway.spec.each("listeners"))
        if not listeners or any(_unclear(listener) for listener in listeners):
            return None
        chosen, refusal = _chosen(listeners, ref)
        if refusal is not None or not chosen:
            return refusal
        kinds = [listener for listener in chosen if _takes_kind(listener, route.kind)]
        if not kinds:
            said = ", ".join(_protocol(listener) for listener in chosen)
            return Refusal(ref.get("name"), f"none of its listeners takes {route.kind.kind}s ({said})", chosen[0])
        admitting = [listener for listener in kinds if self._admits(listener, gateway, route)]
        if not admitting:
            origin = kinds[0].get("allowedRoutes", "namespaces", "from").text or "Same"
            why = f"its listener does not admit routes of namespace {route.namespace} (allowedRoutes.namespaces.from: {origin})"
            return Refusal(ref.get("name"), why, kinds[0])
        hosts = list(route.spec.each("hostnames"))
        if hosts and not any(_meets(hosts, listener) for listener in admitting):
            names = ", ".join(dict.fromkeys(listener.get("hostname").text or "" for listener in admitting))
            return Refusal(route.spec.get("hostnames"), f"none of the route's hostnames fits that of its listener ({names})", admitting[0])
        return None

    def _admits(self, listener: Node, gateway: Resource, route: Resource) -> bool:
        allowed = listener.get("allowedRoutes", "namespaces")
        origin = allowed.get("from")
        if origin.unknown or origin.text == "All" or not gateway.namespace or not route.namespace:
            return True
        if origin.text == "Selector":
            labels, holder = self._dataplane.namespace_labels(route.namespace)
            selector = allowed.get("selector")
            wanted = selector.get("matchLabels").strings()
            known = {"kubernetes.io/metadata.name": route.namespace, **labels}
            return holder is None or bool(selector.get("matchExpressions")) or selector.unknown or takes(wanted, known)
        return origin.text != "None" and gateway.namespace == route.namespace


def _unclear(listener: Node) -> bool:
    return not listener or any(listener.get(field).unknown for field in ("name", "port", "protocol", "hostname"))


def _chosen(listeners: Sequence[Node], ref: Node) -> tuple[Sequence[Node], Refusal | None]:
    """The listeners that sectionName and port name."""
    section, port = ref.get("sectionName"), ref.get("port")
    if section.unknown or port.unknown:
        return (), None
    named = [listener for listener in listeners if section.text in (None, "", listener.get("name").text)]
    if not named:
        names = ", ".join(listener.get("name").text or "" for listener in listeners)
        return (), Refusal(section, f"it has no listener {section.text} (it has {names})", listeners[0])
    found = [listener for listener in named if port.value is None or listener.get("port").value == port.value]
    if not found:
        ports = ", ".join(str(listener.get("port").value) for listener in named)
        return (), Refusal(port, f"it has no such listener on port {port.value} (it has {ports})", named[0])
    return found, None


def _takes_kind(listener: Node, kind: Kind) -> bool:
    protocol = listener.get("protocol").text or ""
    if protocol not in _KINDS:
        return True  # a protocol of an implementation: nothing is known of it
    taken = kind in _KINDS[protocol]
    if kind is Kind.TCP_ROUTE and protocol == "TLS":
        taken = listener.get("tls", "mode").unknown or listener.get("tls", "mode").text == "Terminate"
    allowed = [node.get("kind").text for node in listener.each("allowedRoutes", "kinds")]
    return taken and (not allowed or kind.kind in allowed or None in allowed)


def _protocol(listener: Node) -> str:
    allowed = [node.get("kind").text or "" for node in listener.each("allowedRoutes", "kinds")]
    return (listener.get("protocol").text or "no protocol") + (f" for {' and '.join(allowed)} only" if allowed else "")


def _meets(hosts: Sequence[Node], listener: Node) -> bool:
    own = listener.get("hostname").text
    return not own or any(node.text is None or _fit(node.text.lower(), own.lower()) for node in hosts)


def _fit(one: str, other: str) -> bool:
    """Do two host names, each of them perhaps a wildcard, have a name in common?"""
    if one == other or "*" in (one, other):
        return True
    return (one.startswith("*.") and other.endswith(one[1:])) or (other.startswith("*.") and one.endswith(other[1:]))
