"""Does a listener of a Kubernetes Gateway or ListenerSet take a route, and a Gateway a ListenerSet? (Istio: referenceAllowed,
GenerateGatewaySupportedKinds, NamespaceAcceptedByAllowListeners.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.index.routes import Routes
from meshlint.model.kind import Kind
from meshlint.model.mesh import Refusal
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.selectors import selects_namespace
from meshlint.model.target import Target

_SETS = (Kind.LISTENER_SET, Kind.X_LISTENER_SET)
_HTTP = frozenset({Kind.HTTP_ROUTE, Kind.GRPC_ROUTE})
_KINDS = {
    "HTTP": _HTTP,
    "HTTPS": _HTTP,
    "TCP": frozenset({Kind.TCP_ROUTE}),
    "TLS": frozenset({Kind.TLS_ROUTE}),
    "UDP": frozenset({Kind.UDP_ROUTE}),
    "HBONE": frozenset[Kind](),
}
_Refused = tuple[Node, str, Node]  # as in Refusal


class Listeners:
    def __init__(self, dataplane: Dataplane, routes: Routes, target: Target) -> None:
        self._dataplane = dataplane
        self._routes = routes
        self._target = target
        self._by_name: dict[Resource, dict[str | None, list[Node]]] = {}

    def refusal(self, route: Resource, ref: Node) -> Refusal | None:
        """Of several copies of a Gateway in plain folders one may be the one that is meant: all have to refuse."""
        holder = self._routes.holder(route, ref)
        if holder is None:
            return None
        refuses = self._unadmitted if route.kind in _SETS else self._untaken
        first = refuses(route, ref, holder)
        if first is None or any(refuses(route, ref, one) is None for one in self._routes.copies(holder)):
            return None
        return Refusal(*first, holder)

    def _unadmitted(self, added: Resource, ref: Node, gateway: Resource) -> _Refused | None:
        """Why a Gateway does not admit a ListenerSet: it admits none unless it says so."""
        allowed = gateway.spec.get("allowedListeners", "namespaces")
        if self._admits(allowed, "None", gateway, added):
            return None
        said = f"from: {allowed.get('from').text}" if allowed.get("from").text else "not set, which admits none"
        why = f"it admits no ListenerSets of namespace {added.namespace} (allowedListeners.namespaces {said})"
        return ref.get("name"), why, allowed or gateway.spec

    def _untaken(self, route: Resource, ref: Node, holder: Resource) -> _Refused | None:
        listeners = self._listeners(holder)
        if not listeners:
            return None
        chosen, refused = _chosen(listeners, ref)
        if refused is not None or not chosen:
            return refused
        at = ref.get("sectionName") or ref.get("port") or ref.get("name")
        kinds = [listener for listener in chosen if self._takes_kind(listener, route.kind)]
        if not kinds:
            said = ", ".join(_protocol(listener) for listener in chosen)
            return at, f"none of its listeners takes {route.kind.kind}s ({said})", chosen[0]
        admitting = [one for one in kinds if self._admits(one.get("allowedRoutes", "namespaces"), "Same", holder, route)]
        if not admitting:
            origin = kinds[0].get("allowedRoutes", "namespaces", "from").text or "Same"
            why = f"its listener does not admit routes of namespace {route.namespace} (allowedRoutes.namespaces.from: {origin})"
            return at, why, kinds[0]
        hosts = list(route.spec.each("hostnames"))
        if hosts and not any(_meets(hosts, listener) for listener in admitting):
            names = ", ".join(dict.fromkeys(listener.get("hostname").text or "" for listener in admitting))
            return route.spec.get("hostnames"), f"none of the route's hostnames fits that of its listener ({names})", admitting[0]
        return None

    def _listeners(self, holder: Resource) -> Mapping[str | None, Sequence[Node]]:
        """By name, under None all of them; nothing where one of them is not clear."""
        if holder not in self._by_name:
            listeners = list(holder.spec.each("listeners"))
            named = self._by_name[holder] = {}
            for listener in listeners if not any(map(_unclear, listeners)) else ():
                for name in dict.fromkeys((None, listener.get("name").text)):
                    named.setdefault(name, []).append(listener)
        return self._by_name[holder]

    def _takes_kind(self, listener: Node, kind: Kind) -> bool:
        protocol = listener.get("protocol").text or ""
        if protocol not in _KINDS:
            return True  # a protocol of an implementation: nothing is known of it
        allowed = [node.get("kind").text for node in listener.each("allowedRoutes", "kinds")]
        if allowed and kind.kind not in allowed and None not in allowed:
            return False
        tls, mode = listener.get("tls"), listener.get("tls", "mode")
        if protocol != "TLS" or kind not in (Kind.TLS_ROUTE, Kind.TCP_ROUTE):
            return kind in _KINDS[protocol]
        if tls.unknown or mode.unknown:
            return True
        ends = mode.text == "Terminate" or (tls.present and not mode.present)  # the default of the CRD
        return ends if kind is Kind.TCP_ROUTE else not ends or self._target.terminated_tls_takes_tls_routes

    def _admits(self, allowed: Node, default: str, gateway: Resource, route: Resource) -> bool:
        """`allowed`: the namespaces that a listener, or a Gateway for ListenerSets, is open to; `default`: what nothing means."""
        origin = allowed.get("from")
        said = origin.text or default
        if allowed.unknown or origin.unknown or said == "All" or not gateway.namespace or not route.namespace:
            return True
        if said == "Selector":
            labels, holder = self._dataplane.namespace_labels(route.namespace)
            return selects_namespace(allowed.get("selector"), route.namespace, None if holder is None else labels) is not False
        return said != "None" and gateway.namespace == route.namespace


def _unclear(listener: Node) -> bool:
    return not listener or any(listener.get(field).unknown for field in ("name", "port", "protocol", "hostname"))


def _chosen(listeners: Mapping[str | None, Sequence[Node]], ref: Node) -> tuple[Sequence[Node], _Refused | None]:
    """The listeners that sectionName and port name."""
    section, port = ref.get("sectionName"), ref.get("port")
    if section.unknown or port.unknown:
        return (), None
    named = listeners.get(section.text or None, ())
    if not named:
        names = ", ".join(listener.get("name").text or "" for listener in listeners[None])
        return (), (section, f"it has no listener {section.text} (it has {names})", listeners[None][0])
    found = [listener for listener in named if port.value is None or listener.get("port").value == port.value]
    if not found:
        ports = ", ".join(str(listener.get("port").value) for listener in named)
        return (), (port, f"it has no such listener on port {port.value} (it has {ports})", named[0])
    return found, None


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
