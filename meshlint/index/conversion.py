"""What of a VirtualService becomes a route of the Gateway API."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.moves import Moves
from meshlint.index.routes import Routes, acts_at_gateway, acts_in_mesh
from meshlint.model.mesh import Settings
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.http_match import Match, matches_of
from meshlint.semantics.http_order import narrowed, reordered


class Conversion:
    def __init__(self, routes: Routes, moves: Moves, settings: Settings) -> None:
        self._routes = routes
        self._moves = moves
        self._settings = settings
        self._matches: dict[Resource, Sequence[Match]] = {}

    def rules(self, service: Resource) -> Sequence[Node]:
        if not self._settings.to_gateway_api:
            return ()
        mesh = self._in_mesh(service)
        gateway = self._settings.goal == "gateway-api" and bool(self._routes.binding(service).gateways)
        http = service.spec.each("http")
        return [rule for rule in http if (mesh and acts_in_mesh(rule)) or (gateway and acts_at_gateway(rule))]

    def _in_mesh(self, service: Resource) -> bool:
        return self._moves.of_service(service) is not None

    def _matches_of(self, service: Resource) -> Sequence[Match]:
        if service not in self._matches:
            self._matches[service] = matches_of(self.rules(service))
        return self._matches[service]

    def reordered(self, service: Resource) -> Sequence[tuple[Node, Node]]:
        pairs = reordered(self._matches_of(service), gateway=not self._in_mesh(service))
        return [(first.at, second.at) for first, second in pairs]

    def narrowed(self, service: Resource) -> Sequence[Node]:
        found = narrowed(self._matches_of(service), gateway=not self._in_mesh(service))
        return [match.at.get("uri", "prefix") for match in found]
