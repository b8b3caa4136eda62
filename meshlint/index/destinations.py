"""DestinationRules as the mesh reads them: on whose behalf, and which of their policies anything uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshlint.index.dataplane import Dataplane
from meshlint.index.moves import Moves
from meshlint.index.names import matches, service_key
from meshlint.index.routes import Routes
from meshlint.model.mesh import Host, HostKind, Settings, Subject
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.traffic_policy import settings_of, with_ports


class Destinations:
    def __init__(self, dataplane: Dataplane, routes: Routes, moves: Moves, settings: Settings) -> None:
        self._dataplane = dataplane
        self._routes = routes
        self._moves = moves
        self._settings = settings
        self._gateways_in: dict[str, bool | None] = {}
        self._subjects: dict[Resource, Subject | None] = {}

    def subject(self, rule: Resource, host: Host) -> Subject | None:
        """What decides whether the mesh's use of a DestinationRule, which is for the host, is ambient now or may be; None: it has
        none that moves."""
        if rule not in self._subjects:
            self._subjects[rule] = self._subject(rule, host)
        return self._subjects[rule]

    def _subject(self, rule: Resource, host: Host) -> Subject | None:
        subject = (self._everywhere(rule, host) or self._moves.of_host(host, rule)) if host.written else None
        if subject is None or not (self._settings.to_ambient or self._dataplane.ambient_now(subject)):
            return None
        if self._of_gateway(host) or self._for_gateways_only(rule, host) or self._of_api_server(host):
            return None
        if host.kind is HostKind.ENTRY and any(self._routes.binding(service).gateways for service in self._routes.virtual_services(host)):
            return None  # the way through an egress gateway, which goes on reading it
        return subject

    def _everywhere(self, rule: Resource, host: Host) -> Subject | None:
        """A wildcard over every Service of the mesh, such as *.local, stands for none of them: its own namespace decides."""
        wide = host.kind is HostKind.EXTERNAL and host.wildcard and matches(host.fqdn, service_key("a", "a", self._settings.cluster_domain))
        return rule if wide and self._dataplane.candidate(rule) else None

    def ingress_only(self, host: Host) -> bool:
        """Do routes send ingress traffic to the host, while none of the mesh is for it?"""
        if not self._routes.ingress_users(host) or self._routes.mesh_routes(host):
            return False
        return not any(self._moves.mesh_rules(service) for service in self._routes.virtual_services(host))

    def _of_gateway(self, host: Host) -> bool:
        service = host.service
        return service is not None and self._dataplane.selects_only_gateways(service.spec.get("selector").strings(), service.namespace)

    def _of_api_server(self, host: Host) -> bool:
        """Kubernetes makes this Service in every cluster; what it leads to is in no mesh, and nobody gives it a waypoint."""
        return host.fqdn == service_key("kubernetes", "default", self._settings.cluster_domain)

    def _for_gateways_only(self, rule: Resource, host: Host) -> bool:
        """Does it stand in a namespace of gateways, whose pods alone read it there?"""
        if rule.namespace in ("", host.namespace, self._settings.root_namespace):
            return False
        return self.gateways_in(rule.namespace) is True

    def gateways_in(self, namespace: str) -> bool | None:
        """True: all pods of the namespace that the repository makes are gateways; False: some are; None: none is."""
        if namespace not in self._gateways_in:
            found = [workload.gateway for workload in self._dataplane.workloads({}, namespace) if workload.namespace == namespace]
            self._gateways_in[namespace] = all(found) if any(found) else None
        return self._gateways_in[namespace]


def policies(rule: Resource, used: Callable[[str], bool]) -> Iterator[Node]:
    """The rule's own policy and those of the subsets that are used, each followed by those of its ports."""
    yield from with_ports(rule.spec.get("trafficPolicy"))
    for subset in rule.spec.each("subsets"):
        policy = subset.get("trafficPolicy")
        if policy.is_map and (name := subset.get("name").text) and used(name):
            yield from with_ports(policy)


def shapes_traffic(rule: Resource, used: Callable[[str], bool]) -> bool:
    """Does it say anything that a waypoint would apply: a setting, or a subset that is used?"""
    if any(settings_of(policy) for policy in policies(rule, used)):
        return True
    return any(name and used(name) for name in (subset.get("name").text for subset in rule.spec.each("subsets")))
