"""Destinations as backendRefs: which object stands for a host, and by which port."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, HostKind, Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.stay import Stay, known, only
from meshlint.semantics.convert.subsets import Subsets

_HEAVIEST = 1_000_000
_NOT_HTTP = ("tcp", "udp", "sctp", "tls", "https", "mongo", "mysql", "redis", "hbone")


class Port(NamedTuple):
    """A port of a Service or ServiceEntry; `protocol` as it declares it, empty where it does not."""

    number: int
    protocol: str


class Backend(NamedTuple):
    """`group`, `kind` (both empty: a Service), name and port of a backendRef; namespace empty where it is not known."""

    group: str
    kind: str
    name: str
    namespace: str
    port: int

    def document(self, beside: str) -> dict[str, Any]:
        """As a route in the namespace `beside` names it."""
        out: dict[str, Any] = {"group": self.group, "kind": self.kind} if self.kind else {}
        out["name"] = self.name
        if self.namespace and self.namespace != beside and not self.kind:
            out["namespace"] = self.namespace
        return {**out, "port": self.port}


def ports_of(host: Host) -> list[Port]:
    """The ports of a host, as its Service or ServiceEntry says them."""
    out: dict[int, str] = {}
    held = host.resource
    for port in held.spec.each("ports") if held is not None else ():
        known(port)
        number = port.get("number" if held is not None and held.kind is Kind.SERVICE_ENTRY else "port").value
        if isinstance(number, int):
            out.setdefault(number, _protocol(port))
    return [Port(*one) for one in out.items()]


def _protocol(port: Node) -> str:
    """What Istio takes for the protocol: appProtocol, the beginning of the name, `protocol` of a ServiceEntry (of a Service it is
    the transport)."""
    entry = port.get("number").present
    for word in (
        port.get("appProtocol").text,
        (port.get("name").text or "").partition("-")[0],
        port.get("protocol").text if entry else None,
    ):
        known_as = (word or "").lower()
        if known_as in (*_NOT_HTTP, "http", "http2", "grpc"):
            return known_as
        if known_as.startswith("kubernetes.io/"):
            return "http2" if known_as.endswith("h2c") else "http"
    return "udp" if port.get("protocol").text == "UDP" else ""


def http_ports(host: Host) -> list[Port]:
    """The ports that http rules act on: all that do not say that they are something else."""
    return [port for port in ports_of(host) if port.protocol not in _NOT_HTTP]


def needs_listener(destination: Node, owner: Resource, mesh: Mesh) -> bool:
    """Does the port of a destination depend on the port that the request came in by?"""
    if destination.get("port", "number").value:
        return False
    host = mesh.host(destination.get("host"), owner)
    return host.resource is not None and len(ports_of(host)) != 1


class Backends:
    def __init__(self, mesh: Mesh, subsets: Subsets) -> None:
        self._mesh = mesh
        self._subsets = subsets

    def backend(self, destination: Node, owner: Resource, listener: int | None) -> Backend:
        """What a destination of a VirtualService stands for. `listener`: the port that requests come in by, where it is one."""
        only(destination, frozenset({"host", "subset", "port"}), "destination")
        host = self._mesh.host(destination.get("host"), owner)
        subset = destination.get("subset")
        if host.kind is HostKind.ENTRY:
            if subset.text:
                raise Stay(subset, f"sends to a subset of the ServiceEntry host {host.title}, and a Service cannot select its endpoints")
            if host.fqdn not in {one.fqdn for entry in host.entries for one in self._mesh.hosts_of(entry)}:
                raise Stay(destination.get("host"), f"sends to {host.title}, which only a wildcard ServiceEntry holds")
            return Backend("networking.istio.io", "Hostname", host.fqdn, "", self._port(destination, host, listener))
        name, namespace = self._service(destination.get("host"), host)
        port = self._port(destination, host, listener)
        if subset.text:
            name = self._subsets.service_for(subset, host, owner, port)
        return Backend("", "", name, namespace, port)

    def _service(self, at: Node, host: Host) -> tuple[str, str]:
        if host.kind is HostKind.PARTIAL:
            raise Stay(at, f"sends to {host.written}, which Istio does not complete", "Write the full name of the Service.")
        if host.kind not in (HostKind.SERVICE, HostKind.ASSUMED) or host.wildcard:
            raise Stay(
                at, f"sends to {host.title or 'a host that is not known'}, which is neither a Service nor a ServiceEntry of the repository"
            )
        if host.external_name:
            raise Stay(at, f"sends to {host.title}, a Service of type ExternalName, which no route may have as a backend")
        return host.fqdn.split(".")[0], host.namespace

    def _port(self, destination: Node, host: Host, listener: int | None) -> int:
        number = destination.get("port", "number").value
        held = ports_of(host)
        if isinstance(number, int) and not isinstance(number, bool):
            if held and number not in {port.number for port in held}:
                raise Stay(destination.get("port", "number"), f"sends to port {number} of {host.title}, which has no such port")
            return number
        if len(held) == 1:
            return held[0].number
        if listener is not None and any(port.number == listener for port in held):
            return listener
        why = "whose ports the repository does not tell"
        if held:
            why = f"which has no port {listener}" if listener else "which has several"
        said = f"names no port of {host.title}, {why}; a backendRef needs one"
        raise Stay(destination.get("host"), said, "Write destination.port.number.")


def weighted(routes: Sequence[Node], at: Node) -> list[tuple[Node, int | None]]:
    """The destinations with their weights. One alone gets everything, whatever its weight; of several, those without one get nothing."""
    if len(routes) == 1:
        return [(routes[0], None)]
    out: list[tuple[Node, int | None]] = []
    for route in routes:
        weight = route.get("weight").value or 0
        if not isinstance(weight, int) or not 0 <= weight <= _HEAVIEST:
            raise Stay(route.get("weight"), f"has the weight {weight}, and a backendRef has one from 0 to {_HEAVIEST}")
        out.append((route, weight))
    if not sum(weight or 0 for _, weight in out):
        raise Stay(at, "has several destinations of which none has a weight, which Istio refuses")
    if len(out) > 16:
        out = [(route, weight) for route, weight in out if weight]
    return out
