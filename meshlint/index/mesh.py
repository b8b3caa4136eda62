"""The index of one environment: a facade over its parts, one method a question (meshlint.model.mesh.Mesh).

Parts that only some kinds of objects need are imported and made when something asks them first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from meshlint.index.dataplane import Dataplane, as_workload
from meshlint.index.hosts import Hosts
from meshlint.index.installation import Installation
from meshlint.index.moves import Moves
from meshlint.index.readers import export_to, readable, route_namespaces
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
    Reach,
    Refusal,
    Settings,
    Subject,
    Subset,
    Waypoint,
    WaypointState,
    Workload,
)
from meshlint.model.node import Node
from meshlint.model.policy import Peer, PolicyTarget
from meshlint.model.resource import Environment, Resource
from meshlint.model.schema import Fault
from meshlint.model.target import Target

if TYPE_CHECKING:
    from meshlint.index.conversion import Conversion
    from meshlint.index.enrolment import Enrolment
    from meshlint.index.gatewayapi import GatewayApi
    from meshlint.index.guards import Guards
    from meshlint.index.listeners import Listeners
    from meshlint.index.netpolicies import NetPolicies
    from meshlint.index.policies import Policies


class Whole(Protocol):
    """What only all environments together tell (meshlint.index.repository)."""

    def hidden(self, kind: Kind) -> bool: ...
    def subset_used(self, rule: Resource, host: Host, name: str) -> bool: ...
    def settings_of(self, environment: Environment) -> Sequence[MeshSetting]: ...
    def faults(self, resource: Resource, target: Target) -> Sequence[Fault]: ...


class MeshIndex:
    """The Mesh of one environment."""

    def __init__(self, store: Store, repository: Whole, target: Target, settings: Settings) -> None:
        self.target = target
        self.settings = settings
        self._store = store
        self._repository = repository
        self._installation = Installation(store.environment.resources)
        self._dataplane = Dataplane(store, settings)
        self._hosts = Hosts(store, settings)
        self._waypoints = Waypoints(store, self._dataplane, settings)
        self._routes = Routes(store, self._hosts, self._waypoints)
        self._subsets = Subsets(store, self._hosts, self._routes)
        self._moves = Moves(self._dataplane, self._hosts, self._routes)

    @cached_property
    def _enrolment(self) -> Enrolment:
        from meshlint.index.enrolment import Enrolment

        return Enrolment(self._store, self._dataplane)

    @cached_property
    def _netpolicies(self) -> NetPolicies:
        from meshlint.index.netpolicies import NetPolicies

        return NetPolicies(self._store)

    @cached_property
    def _guards(self) -> Guards:
        from meshlint.index.guards import Guards

        return Guards(self._store, self.settings)

    @cached_property
    def _listeners(self) -> Listeners:
        from meshlint.index.listeners import Listeners

        return Listeners(self._dataplane, self._routes)

    @cached_property
    def _gatewayapi(self) -> GatewayApi:
        from meshlint.index.gatewayapi import GatewayApi

        return GatewayApi(self._store, self._dataplane, self._waypoints, self._routes)

    @cached_property
    def _conversion(self) -> Conversion:
        from meshlint.index.conversion import Conversion

        return Conversion(self._routes, self._moves, self.settings)

    @cached_property
    def _policies(self) -> Policies:
        from meshlint.index.policies import Policies

        parts = (self._store, self._dataplane, self._hosts, self._routes, self._waypoints)
        return Policies(*parts, self.settings, self.trust_domain)

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
        assumed = kind is Kind.K8S_GATEWAY and bool(self.settings.assume_gateways)
        return assumed or self._store.has_far(kind) or self._repository.hidden(kind)

    def mode(self, of: Subject) -> Mode:
        return self._dataplane.mode(of)

    def ambient_now(self, of: Subject) -> bool:
        return self._dataplane.ambient_now(of)

    def candidate(self, of: Subject) -> bool:
        return self._dataplane.candidate(of)

    def meshed(self, of: Subject) -> bool:
        return self._enrolment.meshed(of)

    def enablement_selectors(self) -> Sequence[Node]:
        return self._enrolment.selectors()

    def guards(self, workload: Workload) -> Sequence[Resource]:
        return list(self._guards.of(workload))

    def policies_together(self, policy: Resource, direction: str) -> Sequence[Resource]:
        return self._netpolicies.together(policy, direction)

    def workloads(self, selector: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        return self._dataplane.workloads(selector, namespace)

    def workload(self, of: Resource) -> Workload | None:
        return as_workload(of)

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        return self._dataplane.services_of(workload)

    def selects_only_gateways(self, selector: Mapping[str, str], namespace: str) -> bool:
        return self._dataplane.selects_only_gateways(selector, namespace)

    def reach(self, policy: Resource) -> Reach:
        return self._policies.reach(policy)

    def policies_over(self, service: Resource, kind: Kind) -> Sequence[Resource]:
        return list(self._policies.over(service, kind))

    def targets(self, policy: Resource) -> Sequence[PolicyTarget]:
        return self._policies.targets(policy)

    def attached(self, target: Resource, kind: Kind) -> Sequence[tuple[Resource, Node]]:
        return list(self._policies.attached(target, kind))

    def peer_authentications_above(self, policy: Resource) -> tuple[Resource | None, Resource | None]:
        from meshlint.index.peerauth import above

        return above(policy, self._store, self.settings.root_namespace)

    def waypoint_reason(self, service: Resource) -> Node | None:
        return self._policies.waypoint_reason(service)

    def waypoint_peers(self, service: Resource) -> Sequence[Peer]:
        return self._policies.waypoint_peers(service)

    def trust_domain(self) -> str:
        return next((text for setting in self.mesh_settings() if (text := setting.config.get("trustDomain").text)), "cluster.local")

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

    def converted_rules(self, virtual_service: Resource) -> Sequence[Node]:
        return self._conversion.rules(virtual_service)

    def reordered(self, virtual_service: Resource) -> Sequence[tuple[Node, Node]]:
        return self._conversion.reordered(virtual_service)

    def narrowed(self, virtual_service: Resource) -> Sequence[Node]:
        return self._conversion.narrowed(virtual_service)

    def route_namespaces(self, host: Host) -> frozenset[str]:
        return route_namespaces(host, self._waypoints)

    def export_to(self, resource: Resource) -> Node:
        return export_to(resource, self.mesh_settings())

    def readable(self, resource: Resource, namespace: str) -> bool:
        return readable(resource, namespace, self.mesh_settings())

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

    def foreign(self, resource: Resource) -> bool:
        return self._routes.foreign(resource)

    def istio_runs(self, resource: Resource) -> bool:
        return self._gatewayapi.istio_runs(resource)

    def granted(self, referrer: Resource, group: str, kind: str, namespace: str, name: str) -> bool:
        return self._gatewayapi.granted(referrer, group, kind, namespace, name)

    def waypoint_label(self, resource: Resource) -> Node:
        return self._gatewayapi.waypoint_label(resource)

    def waypoint_users(self, gateway: Resource) -> Sequence[tuple[Resource, Node]]:
        return self._gatewayapi.waypoint_users(gateway)

    def parent(self, route: Resource, ref: Node) -> Resource | None:
        return self._routes.parent(route, ref)

    def refusal(self, route: Resource, ref: Node) -> Refusal | None:
        return self._listeners.refusal(route, ref)

    def backend_host(self, route: Resource, ref: Node) -> Host:
        return self._routes.backend_host(route, ref)

    def parent_host(self, route: Resource, ref: Node) -> Host | None:
        return self._routes.parent_host(route, ref)

    def schema(self, resource: Resource) -> Sequence[Fault]:
        return self._repository.faults(resource, self.target)

    def twin(self, resource: Resource) -> Resource | None:
        from meshlint.index.twins import Twins

        return Twins(self._store).before(resource)

    def mesh_settings(self) -> Sequence[MeshSetting]:
        return self._repository.settings_of(self.environment)

    def ambient_control_plane(self) -> bool | None:
        return self._installation.ambient()

    def dns_capture(self) -> Node | None:
        from meshlint.index.capture import dns_capture

        return dns_capture(self._store)

    def istiod_env(self, variable: str) -> str | None:
        return self._installation.env(variable)

    def used_subsets(self) -> Subsets:
        return self._subsets
