"""What of a VirtualService becomes a route of the Gateway API."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.moves import Moves
from meshlint.index.routes import Routes, acts_at_gateway
from meshlint.model.mesh import Settings
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.http_match import matches_of
from meshlint.semantics.http_order import Change, narrowed, reordered


class Conversion:
    def __init__(self, routes: Routes, moves: Moves, settings: Settings) -> None:
        self._routes = routes
        self._moves = moves
        self._settings = settings
        self._rules: dict[Resource, Sequence[Node]] = {}
        self._changes: dict[Resource, Change] = {}

    def rules(self, service: Resource) -> Sequence[Node]:
        if service not in self._rules:
            self._rules[service] = self._converted(service) if self._settings.to_gateway_api else ()
        return self._rules[service]

    def _converted(self, service: Resource) -> Sequence[Node]:
        mesh = self._in_mesh(service)
        gateway = self._settings.goal == "gateway-api" and bool(self._routes.binding(service).gateways)
        http = ((rule, acts) for section, rule, acts in self._routes.rules(service) if section == "http")
        return [rule for rule, acts in http if (mesh and acts) or (gateway and acts_at_gateway(rule))]

    def _in_mesh(self, service: Resource) -> bool:
        return self._moves.of_service(service) is not None

    def _change(self, service: Resource) -> Change:
        if service not in self._changes:
            self._changes[service] = Change(matches_of(self.rules(service)), gateway=not self._in_mesh(service))
        return self._changes[service]

    def reordered(self, service: Resource) -> Sequence[tuple[Node, Node]]:
        return [(first.at, second.at) for first, second in reordered(self._change(service))]

    def narrowed(self, service: Resource) -> Sequence[Node]:
        return [match.at.get("uri", "prefix") for match in narrowed(self._change(service))]
