"""The index of one environment: a facade over its parts, one method a question (meshlint.model.mesh.Mesh).

Parts that only some kinds of objects need are imported and made when something asks them first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from meshlint.index.parts import Parts
from meshlint.index.readers import export_to, readable, route_namespaces
from meshlint.index.store import SubsetUse
from meshlint.index.subsets import Subsets
from meshlint.model.installation import CNI, ISTIOD, ZTUNNEL, CrdSource, Installer
from meshlint.model.kind import Kind
from meshlint.model.mesh import (
    Binding,
    Destination,
    Host,
    Mesh,
    Mode,
    Reach,
    Refusal,
    Subject,
    Subset,
    Waypoint,
    WaypointState,
    Workload,
)
from meshlint.model.node import Node
from meshlint.model.policy import Peer, PolicyTarget
from meshlint.model.problem import MESH
from meshlint.model.resource import Resource
from meshlint.model.schema import Fault

if TYPE_CHECKING:
    from meshlint.model.conversion import Because, Converted, Manner
    from meshlint.semantics.convert.converter import Converter


class MeshIndex(Parts):
    """The Mesh of one environment."""

    @property
    def asked(self) -> set[Kind]:
        """The kinds that were asked for, by rules and on their behalf."""
        return self._store.asked

    def all(self, kind: Kind) -> Sequence[Resource]:
        self._store.asked.add(kind)
        return self._store.judged.by_kind.get(kind, ())

    def around(self, kind: Kind) -> Sequence[Resource]:
        return tuple(self._store.of_kind(kind))

    def copies(self, resource: Resource) -> Sequence[Resource]:
        return self._routes.copies(resource)

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        return self._store.find(kind, namespace, name)

    def apart(self, kind: Kind, namespace: str, name: str = "") -> Resource | None:
        return self._store.apart(kind, namespace, name)

    def elsewhere(self, kind: Kind) -> bool:
        assumed = kind is Kind.K8S_GATEWAY and bool(self.settings.assume_gateways)
        return assumed or bool(self.environment.missing) or self._store.has_far(kind) or self._repository.hidden(kind)

    def mode(self, of: Subject) -> Mode:
        return self._dataplane.mode(of)

    def ambient_now(self, of: Subject) -> bool:
        return self._dataplane.ambient_now(of)

    def candidate(self, of: Subject) -> bool:
        return self._dataplane.candidate(of)

    def meshed(self, of: Subject) -> bool:
        return self._enrolment.meshed(of)

    def enablement_selectors(self) -> Sequence[Node]:
        found = (one.value("ambient", "enablementSelectors") for one in self.installers(CNI))
        return [node for node in found if node.value]

    def guards(self, workload: Workload) -> Sequence[Resource]:
        return list(self._guards.of(workload))

    def policies_together(self, policy: Resource, direction: str) -> Sequence[Resource]:
        return self._netpolicies.together(policy, direction)

    def workloads(self, selector: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        return self._dataplane.workloads(selector, namespace)

    def workload(self, of: Resource) -> Workload | None:
        return self._dataplane.workload(of)

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
        return self._policies.attached(target, kind)

    def peer_authentications_above(self, policy: Resource) -> tuple[Resource | None, Resource | None]:
        return self._peer_authentications.above(policy)

    def waypoint_reason(self, service: Resource) -> Node | None:
        return self._policies.waypoint_reason(service)

    def waypoint_work(self, target: Resource) -> Sequence[tuple[Resource, Node]]:
        return self._waypoint_work.of(target)

    def read_in_ambient(self, entry: Resource) -> bool:
        named = [node.text or "*" for node in self.export_to(entry).each()]
        places = [entry.namespace if name == "." else name for name in named]
        if not (self.settings.to_ambient or self.ambient_now(MESH)):
            return False
        return self.candidate(entry) and any(
            name == "*" or (name != "~" and self.candidate(name) and self.gateways_in(name) is not True) for name in places or ["*"]
        )

    def visibility(self, entry: Resource) -> tuple[str, Node] | None:
        from meshlint.index.visibility import visibility

        return visibility(entry, self.mesh_settings(), self._dataplane)

    def waypoint_peers(self, service: Resource) -> Sequence[Peer]:
        return self._policies.waypoint_peers(service)

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

    def convert(self, resource: Resource, manner: Manner | None = None) -> Converted:
        return self._converter(manner).convert(resource)

    def keeps(self, virtual_service: Resource, manner: Manner) -> Because | None:
        return self._converter(manner).keeps(virtual_service)

    def _converter(self, manner: Manner | None) -> Converter:
        from meshlint.model.conversion import Manner
        from meshlint.semantics.convert.converter import Converter

        wanted = manner or Manner()
        if wanted not in self._converters:
            self._converters[wanted] = Converter(self, wanted)
        return self._converters[wanted]

    def gateway_users(self, gateway: Resource) -> Sequence[tuple[Mesh, Resource]]:
        self._store.open = True
        return self._repository.gateway_users(gateway)

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

    def beside(self, service: Resource, host: Host) -> Sequence[Resource]:
        return self._routes.beside(service, host)

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
        host = self._subsets.host_of(rule)
        use = SubsetUse(host.fqdn, rule.name, name, rule.file.split("/")[0])
        answer = self._store.uses[use] = self._repository.subset_used(use)
        return answer

    def rule_subject(self, rule: Resource) -> Subject | None:
        return self._destinations.subject(rule, self._subsets.host_of(rule))

    def traffic_policies(self, rule: Resource) -> Sequence[Node]:
        from meshlint.index.destinations import policies

        return list(policies(rule, lambda name: self.subset_used(rule, name)))

    def shapes_traffic(self, rule: Resource) -> bool:
        from meshlint.index.destinations import shapes_traffic

        return shapes_traffic(rule, lambda name: self.subset_used(rule, name))

    def ingress_only(self, host: Host) -> bool:
        return self._destinations.ingress_only(host)

    def gateways_in(self, namespace: str) -> bool | None:
        return self._destinations.gateways_in(namespace)

    def waypoint(self, of: Resource | Host) -> Waypoint:
        return self._waypoints.of(of)

    def waypoint_after(self, of: Resource | Host) -> bool:
        waypoint = self._waypoints.of(of)
        if waypoint.state is WaypointState.OPTED_OUT:
            return False
        return waypoint.bound or self._dataplane.candidate(of.namespace)

    def is_waypoint(self, gateway: Resource) -> bool:
        return self._waypoints.is_waypoint(gateway)

    def foreign_class(self, gateway: Resource) -> bool:
        return self._waypoints.foreign_class(gateway)

    def foreign(self, resource: Resource) -> bool:
        return self._routes.foreign(resource)

    def istio_runs(self, resource: Resource) -> bool:
        return self._gatewayapi.istio_runs(resource)

    def linkerd_alone(self) -> bool:
        return self._gatewayapi.linkerd_alone()

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
        if resource not in self._schema:
            self._schema[resource] = self._repository.faults(resource, self.target)
        return self._schema[resource]

    def twin(self, resource: Resource) -> Resource | None:
        return self._twins.before(resource)

    def ambient_control_plane(self) -> bool | None:
        from meshlint.index.installers import any_ambient

        return any_ambient(self.installers(ISTIOD), self.installers(ZTUNNEL))

    def dns_capture(self) -> Node | None:
        found = [node for one in self.installers(CNI) if (node := one.value("ambient", "dnsCapture")).present]
        return found[0] if found else None

    def istiod_env(self, variable: str) -> str | None:
        from meshlint.index.installers import first_known

        return first_known(self.installers(ISTIOD), variable)

    def installers(self, component: str, anywhere: bool = False) -> Sequence[Installer]:
        if anywhere:
            return self._repository.installers.anywhere(component)
        if component not in self._installed:
            self._installed[component] = self._repository.installers.in_environment(self.environment, component)
        return self._installed[component]

    def crd_sources(self, anywhere: bool = False) -> Sequence[CrdSource]:
        return self._repository.crds.all if anywhere else self._repository.crds.of(self.environment, self._store.judged.by_kind)

    def used_subsets(self) -> Subsets:
        return self._subsets
