"""Who reads an object: exportTo and its defaults in the mesh, and the namespaces that a waypoint reads routes from."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.names import visible
from meshlint.index.waypoints import Waypoints
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, MeshSetting
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_DEFAULTS = {
    Kind.VIRTUAL_SERVICE: "defaultVirtualServiceExportTo",
    Kind.DESTINATION_RULE: "defaultDestinationRuleExportTo",
    Kind.SERVICE: "defaultServiceExportTo",
    Kind.SERVICE_ENTRY: "defaultServiceExportTo",
}


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
    """May the proxies of a namespace read the object?"""
    return visible(export_to(resource, settings), resource.namespace, namespace)
