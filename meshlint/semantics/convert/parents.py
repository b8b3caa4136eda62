"""What a route attaches to in the mesh: the Service or ServiceEntry behind a host of the VirtualService."""

from __future__ import annotations

from typing import Any

from meshlint.model.kind import ROUTES
from meshlint.model.mesh import Host, HostKind, Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.stay import Stay


class Parent(NamedTuple):
    """A parentRef in its own namespace, and the host that it stands for."""

    group: str
    kind: str
    name: str
    namespace: str
    host: Host

    def document(self, port: int | None) -> dict[str, Any]:
        out: dict[str, Any] = {"group": self.group, "kind": self.kind, "name": self.name}
        return out if port is None else {**out, "port": port}


def mesh_parent(at: Node, host: Host, service: Resource, mesh: Mesh) -> Parent:
    """The parent of a mesh host. Raises Stay where there is none, or where somebody else speaks for it as well."""
    parent = _parent(at, host, service, mesh)
    _alone(at, host, service, mesh)
    _same_readers(service, host, mesh)
    return parent


def _parent(at: Node, host: Host, service: Resource, mesh: Mesh) -> Parent:
    if host.wildcard:
        raise Stay(at, f"is for all of {host.written}, and a route names each Service as its parent", "List the hosts.")
    if host.kind is HostKind.ENTRY:
        entry = host.entries[0]
        spoken = {one.fqdn for _, one in mesh.hosts(service)}
        others = [one.title for one in mesh.hosts_of(entry) if one.fqdn not in spoken]
        if len(host.entries) > 1 or others:
            raise Stay(
                at,
                f"is for {host.title}, and a route for its ServiceEntry acts on {', '.join(others) or 'others'} too",
                "Give the host a ServiceEntry of its own.",
            )
        return Parent("networking.istio.io", "ServiceEntry", entry.name, entry.namespace, host)
    if host.kind is HostKind.PARTIAL:
        raise Stay(at, f"is for {host.written}, which Istio does not complete", "Write the full name of the Service.")
    if host.kind not in (HostKind.SERVICE, HostKind.ASSUMED):
        raise Stay(
            at,
            f"is for {host.title or 'a host that is not known'}, which is neither a Service nor a ServiceEntry",
            "Give it a ServiceEntry.",
        )
    if host.external_name:
        raise Stay(at, f"is for {host.title}, a Service of type ExternalName, which is no parent of a route")
    return Parent("", "Service", host.fqdn.split(".")[0], host.namespace, host)


def _alone(at: Node, host: Host, service: Resource, mesh: Mesh) -> None:
    for other in mesh.virtual_services(host):
        if other.identity != service.identity and mesh.binding(other).mesh:
            raise Stay(at, f"is for {host.title}, and so is {other.title}: which of the two acts is not told", "Merge them first.")
    for route, _ in mesh.mesh_routes(host):
        if route.kind in ROUTES:
            raise Stay(
                at,
                f"is for {host.title}, and {route.title} is attached to it already: what both together do is not defined",
                "Keep one of them.",
            )


def _same_readers(service: Resource, host: Host, mesh: Mesh) -> None:
    """A route in the namespace of its parent acts for everybody; the VirtualService must, too."""
    exported = mesh.export_to(service)
    names = {node.text for node in exported.each()}
    if names and "*" not in names and not mesh.ambient_now(host.resource or host.namespace):
        raise Stay(exported, "is exported to some namespaces, and a route with a Service as its parent acts on requests from all of them")
