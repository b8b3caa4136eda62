"""What a VirtualService does in the mesh, and whether that moves to ambient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.index.hosts import Hosts
from meshlint.index.routes import Routes
from meshlint.model.mesh import Host, HostKind, Subject
from meshlint.model.node import Node
from meshlint.model.resource import Resource


class Moves:
    def __init__(self, dataplane: Dataplane, hosts: Hosts, routes: Routes) -> None:
        self._dataplane = dataplane
        self._hosts = hosts
        self._routes = routes
        self._services: dict[Resource, Subject | None] = {}
        self._rules: dict[Resource, Sequence[Node]] = {}

    def mesh_rules(self, service: Resource) -> Sequence[Node]:
        if service not in self._rules:
            self._rules[service] = self._mesh_rules(service)
        return self._rules[service]

    def _mesh_rules(self, service: Resource) -> Sequence[Node]:
        if not self._routes.binding(service).mesh:
            return ()
        return [rule for _, rule, acts in self._routes.rules(service) if acts]

    def of_host(self, host: Host, seen_from: Resource) -> Subject | None:
        if not host.in_mesh:
            return None
        if host.kind is HostKind.ENTRY:
            return next((entry for entry in (*host.entries, seen_from) if self._dataplane.candidate(entry)), None)
        subject: Subject = host.namespace or seen_from
        return subject if self._dataplane.candidate(subject) else None

    def of_service(self, service: Resource) -> Subject | None:
        if service not in self._services:
            self._services[service] = self._of_service(service)
        return self._services[service]

    def _of_service(self, service: Resource) -> Subject | None:
        if not self.mesh_rules(service):
            return None
        found = [subject for host in self._spoken(service, set()) if (subject := self.of_host(host, service)) is not None]
        return next((subject for subject in found if self._dataplane.ambient_now(subject)), found[0] if found else None)

    def _spoken(self, service: Resource, seen: set[Resource]) -> Iterator[Host]:
        """The hosts a VirtualService speaks for; a delegate speaks for those of the VirtualServices above it."""
        if service.spec.get("hosts"):
            yield from (host for _, host in self._routes.hosts(service))
            return
        seen.add(service)
        for above in self._routes.delegators(service):
            if above not in seen:
                yield from self._spoken(above, seen)
