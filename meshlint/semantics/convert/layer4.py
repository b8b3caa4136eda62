"""TCPRoutes and TLSRoutes for the tcp and tls entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.target import Target
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.backends import Backends, weighted
from meshlint.semantics.convert.stay import Stay, only

_KINDS = {"tcp": Kind.TCP_ROUTE, "tls": Kind.TLS_ROUTE}
_SOURCE = ("sourceLabels", "sourceNamespace", "sourceSubnet", "destinationSubnets")


class Layer4(NamedTuple):
    """One route: for a port (None: every port), for server names (empty: any)."""

    kind: Kind
    port: int | None
    names: tuple[str, ...]
    backends: list[dict[str, Any]]


def supported(section: str, at: Node, target: Target) -> Kind:
    kind = _KINDS[section]
    support = target.route(kind)
    if not support.usable:
        raise Stay(at, f"has {section} routes: {support.text}")
    return kind


def routes_of(service: Resource, section: str, sides: Sequence[str], backends: Backends, namespace: str, target: Target) -> list[Layer4]:
    """The routes of a section, the first match of a port or server name winning."""
    kind = supported(section, service.spec.get(section), target)
    out: list[Layer4] = []
    for rule in service.spec.each(section):
        only(rule, frozenset({"match", "route"}), section)
        routes = list(rule.get("route").each())
        for route in routes:
            only(route, frozenset({"destination", "weight"}), "route")
        for port, names in _matches(rule, section, sides):
            _distinct(rule, out, port, names)
            refs = []
            for route, weight in weighted(routes, rule.get("route")):
                ref = backends.backend(route.get("destination"), service, port).document(namespace)
                refs.append(ref if weight is None else {**ref, "weight": weight})
            out.append(Layer4(kind, port, names, refs))
    return out


def _matches(rule: Node, section: str, sides: Sequence[str]) -> list[tuple[int | None, tuple[str, ...]]]:
    if not rule.get("match").value:
        return [(None, ())]
    out = []
    for match in rule.each("match"):
        gateways = [node.text for node in match.get("gateways").each()]
        if gateways and not any(side in gateways for side in sides):
            continue
        for key in _SOURCE:
            if match.get(key).value:
                raise Stay(match.get(key), f"matches on {key}, and no {'TLSRoute' if section == 'tls' else 'TCPRoute'} can")
        only(match, frozenset({"port", "gateways", "sniHosts"}), "match")
        port = match.get("port").value
        names = tuple((node.text or "").lower() for node in match.get("sniHosts").each())
        out.append((port if isinstance(port, int) else None, tuple(name for name in names if name != "*")))
    return out


def _distinct(rule: Node, earlier: Sequence[Layer4], port: int | None, names: tuple[str, ...]) -> None:
    """Of several routes for one connection the oldest wins, not the first: there must be one."""
    for other in earlier:
        ports = port is None or other.port is None or port == other.port
        if ports and (not names or not other.names or set(names) & set(other.names)):
            raise Stay(rule, "has several entries for one port or server name, and which of two routes goes first is a matter of their age")
