"""What of a VirtualService becomes a route of the Gateway API, and who reads it at a waypoint."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.moves import Moves
from meshlint.index.names import visible
from meshlint.index.routes import Routes, acts_at_gateway, acts_in_mesh
from meshlint.index.waypoints import Waypoints
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, MeshSetting, Settings
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.http_match import matches_of
from meshlint.semantics.http_order import narrowed, reordered

_DEFAULTS = {
    Kind.VIRTUAL_SERVICE: "defaultVirtualServiceExportTo",
    Kind.DESTINATION_RULE: "defaultDestinationRuleExportTo",
    Kind.SERVICE: "defaultServiceExportTo",
    Kind.SERVICE_ENTRY: "defaultServiceExportTo",
}


class Conversion:
    def __init__(self, routes: Routes, moves: Moves, settings: Settings) -> None:
        self._routes = routes
        self._moves = moves
        self._settings = settings

    def rules(self, service: Resource) -> Sequence[Node]:
        if not self._settings.to_gateway_api:
            return ()
        mesh = self._in_mesh(service)
        gateway = self._settings.goal == "gateway-api" and bool(self._routes.binding(service).gateways)
        http = service.spec.each("http")
        return [rule for rule in http if (mesh and acts_in_mesh(rule)) or (gateway and acts_at_gateway(rule))]

    def _in_mesh(self, service: Resource) -> bool:
        return self._moves.of_service(service) is not None

    def reordered(self, service: Resource) -> Sequence[tuple[Node, Node]]:
        pairs = reordered(matches_of(self.rules(service)), gateway=not self._in_mesh(service))
        return [(first.at, second.at) for first, second in pairs]

    def narrowed(self, service: Resource) -> Sequence[Node]:
        found = narrowed(matches_of(self.rules(service)), gateway=not self._in_mesh(service))
        return [match.at.get("uri", "prefix") for match in found]


def route_namespaces(host: Host, waypoints: Waypoints) -> frozenset[str]:
    """The host's namespace and its waypoint's; nothing where one of them is not known."""
    found = {entry.namespace for entry in host.entries} or {host.namespace}
    waypoint = waypoints.of(host)
    if waypoint.bound:
        found.add(waypoint.namespace if waypoint.name else "")  # without a name, a template fills it in
    return frozenset() if "" in found else frozenset(found)


def export_to(resource: Resource, settings: Sequence[MeshSetting]) -> Node:
    """The exportTo that decides: the object's own, else the mesh's default."""
    own = resource.spec.get("exportTo")
    if own.present and own.value not in (None, []):
        return own
    field = _DEFAULTS.get(resource.kind, "")
    defaults = [setting.config.get(field) for setting in settings if setting.config.get(field).value not in (None, [])]
    return defaults[0] if len(defaults) == 1 else own


def readable(resource: Resource, namespace: str, settings: Sequence[MeshSetting]) -> bool:
    return visible(export_to(resource, settings), resource.namespace, namespace)
