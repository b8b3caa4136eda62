"""The index of one environment: a facade over its parts, one method a question (meshlint.model.mesh.Mesh)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from meshlint.index.dataplane import Dataplane, as_workload
from meshlint.index.hosts import Hosts
from meshlint.index.installation import Installation
from meshlint.index.moves import Moves
from meshlint.index.routes import Routes
from meshlint.index.store import Store
from meshlint.index.subsets import Subsets
from meshlint.index.waypoints import Waypoints
from meshlint.model.kind import Kind
from meshlint.model.mesh import (
    Binding,
    Destination,
    Host,
    MeshSetting,
    Mode,
    Settings,
    Subject,
    Subset,
    Waypoint,
    WaypointState,
    Workload,
)  # fmt: skip
from meshlint.model.node import Node
from meshlint.model.resource import Environment, Resource
from meshlint.model.target import Target


class Whole(Protocol):
    """What only all environments together tell (meshlint.index.repository)."""

    def hidden(self, kind: Kind) -> bool: ...
    def subset_used(self, rule: Resource, host: Host, name: str) -> bool: ...
    def settings_of(self, environment: Environment) -> Sequence[MeshSetting]: ...


class MeshIndex:
    def __init__(self, store: Store, repository: Whole, target: Target, settings: Settings) -> None:
        self.target = target
        self.settings = settings
        self._store = store
        self._repository = repository
        self._dataplane = Dataplane(store, settings)
        self._hosts = Hosts(store, settings)
        self._waypoints = Waypoints(store, self._dataplane, settings)
        self._routes = Routes(store, self._hosts, self._waypoints)
        self._subsets = Subsets(store, self._hosts, self._routes)
        self._moves = Moves(self._dataplane, self._hosts, self._routes)

    @property
    def environment(self) -> Environment:
        return self._store.environment

    @property
    def asked(self) -> set[Kind]:
        """The kinds that were asked for, by rules and on their behalf."""
        return self._store.asked

    def all(self, kind: Kind) -> Sequence[Resource]:
        self._store.asked.add(kind)
        return self._store.judged.by_kind.get(kind, ())

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        return self._store.find(kind, namespace, name)

    def elsewhere(self, kind: Kind) -> bool:
        return self._store.has_far(kind) or self._repository.hidden(kind)

    def mode(self, of: Subject) -> Mode:
        return self._dataplane.mode(of)

    def ambient_now(self, of: Subject) -> bool:
        return self._dataplane.ambient_now(of)

    def candidate(self, of: Subject) -> bool:
        return self._dataplane.candidate(of)

    def workloads(self, selector: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        return self._dataplane.workloads(selector, namespace)

    def workload(self, of: Resource) -> Workload | None:
        return as_workload(of)

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        return self._dataplane.services_of(workload)

    def selects_only_gateways(self, selector: Mapping[str, str], namespace: str) -> bool:
        return self._dataplane.selects_only_gateways(selector, namespace)

    def host(self, written: Node, seen_from: Resource) -> Host:
        return self._hosts.of_node(written, seen_from.namespace)

    def hosts_of(self, resource: Resource) -> Sequence[Host]:
        return self._hosts.of_resource(resource)

    def knows(self, host: Host) -> bool:
        return self._hosts.knows(host)

    def binding(self, virtual_service: Resource) -> Binding:
        return self._routes.binding(virtual_service)

    def hosts(self, virtual_service: Resource) -> Sequence[tuple[Node, Host]]:
        return self._routes.hosts(virtual_service)

    def destinations(self, virtual_service: Resource) -> Sequence[Destination]:
        return self._routes.destinations(virtual_service)

    def mesh_rules(self, virtual_service: Resource) -> Sequence[Node]:
        return self._moves.mesh_rules(virtual_service)

    def moves(self, host: Host, seen_from: Resource) -> Subject | None:
        return self._moves.of_host(host, seen_from)

    def mesh_subject(self, virtual_service: Resource) -> Subject | None:
        return self._moves.of_service(virtual_service)

    def backends(self, route: Resource) -> Sequence[Destination]:
        return self._routes.backends(route)

    def virtual_services(self, host: Host) -> Sequence[Resource]:
        return self._routes.virtual_services(host)

    def mesh_routes(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        return self._routes.mesh_routes(host)

    def ingress_users(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        return self._routes.ingress_users(host)

    def editors(self, resource: Resource) -> Sequence[Resource]:
        return self._routes.editors(resource)

    def destination_rules(self, host: Host, seen_from: Resource | None = None) -> Sequence[Resource]:
        return self._subsets.destination_rules(host, seen_from)

    def subsets(self, host: Host, name: str, seen_from: Resource | None = None) -> Sequence[Subset]:
        return self._subsets.subsets(host, name, seen_from)

    def subset_users(self, rule: Resource, name: str) -> Sequence[Destination]:
        return self._subsets.users(rule, name)

    def subset_used(self, rule: Resource, name: str) -> bool:
        return self._repository.subset_used(rule, self._subsets.host_of(rule), name)

    def waypoint(self, of: Resource | Host) -> Waypoint:
        return self._waypoints.of(of)

    def waypoint_after(self, of: Resource | Host) -> bool:
        if self.waypoint(of).state is WaypointState.OPTED_OUT:
            return False
        return self.waypoint(of).bound or self.candidate(of.namespace)

    def is_waypoint(self, gateway: Resource) -> bool:
        return self._waypoints.is_waypoint(gateway)

    def foreign_class(self, gateway: Resource) -> bool:
        return self._waypoints.foreign_class(gateway)

    def parent(self, route: Resource, ref: Node) -> Resource | None:
        return self._routes.parent(route, ref)

    def mesh_settings(self) -> Sequence[MeshSetting]:
        return self._repository.settings_of(self.environment)

    def ambient_control_plane(self) -> bool | None:
        return Installation(self.environment.resources).ambient()

    def istiod_env(self, variable: str) -> str | None:
        return Installation(self.environment.resources).env(variable)

    def used_subsets(self) -> Subsets:
        return self._subsets
