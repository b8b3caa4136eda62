"""What policies are for: the pods that a selector takes, the objects that targetRefs name, and what a waypoint is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Union

from meshlint.index.dataplane import Dataplane
from meshlint.index.hosts import Hosts
from meshlint.index.names import takes
from meshlint.index.routes import Routes
from meshlint.index.store import Store
from meshlint.index.waypoints import Waypoints
from meshlint.model.kind import WORKLOADS, Kind
from meshlint.model.mesh import Reach, Settings, WaypointState, Workload
from meshlint.model.node import Node
from meshlint.model.policy import WAYPOINT_CLASS, Peer, PolicyTarget, Scope
from meshlint.model.resource import Resource

_GATEWAY_API = "gateway.networking.k8s.io"
_TARGETS = {
    ("", "Service"): Kind.SERVICE,
    ("networking.istio.io", "ServiceEntry"): Kind.SERVICE_ENTRY,
    (_GATEWAY_API, "Gateway"): Kind.K8S_GATEWAY,
    (_GATEWAY_API, "GatewayClass"): Kind.GATEWAY_CLASS,
}


_Referring = dict[tuple[Union[Kind, None], str], list[tuple[int, Resource, PolicyTarget]]]
_Selecting = tuple[int, Resource, Mapping[str, str]]  # a Service with its number and its selector


def _in_namespace(namespace: str) -> str:
    """A key beside names: no object is called so."""
    return f"/{namespace}"


class Policies:
    def __init__(
        self,
        store: Store,
        dataplane: Dataplane,
        hosts: Hosts,
        routes: Routes,
        waypoints: Waypoints,
        settings: Settings,
        trust: Callable[[], str],
    ) -> None:
        """`trust` gives the mesh's trust domain."""
        self._store = store
        self._dataplane = dataplane
        self._hosts = hosts
        self._routes = routes
        self._waypoints = waypoints
        self._root = settings.root_namespace
        self._ahead = settings.to_ambient
        self._trust = trust
        self._reaches: dict[Resource, Reach] = {}
        self._by_selector: dict[
            tuple[str, tuple[tuple[str, str], ...]], tuple[Sequence[Workload], tuple[Workload, ...], tuple[Resource, ...]]
        ] = {}
        self._everywhere: list[Workload] | None = None
        self._over: dict[Kind, dict[Resource, list[Resource]]] = {}
        self._referring: dict[Kind, _Referring] = {}
        self._attached: dict[tuple[Resource, Kind], Sequence[tuple[Resource, Node]]] = {}
        self._selectors: dict[str, dict[tuple[str, str] | None, list[_Selecting]]] | None = None  # by namespace and label (None: all)

    # selectors
    def reach(self, policy: Resource) -> Reach:
        if policy not in self._reaches:
            self._reaches[policy] = self._reach(policy)
        return self._reaches[policy]

    def _reach(self, policy: Resource) -> Reach:
        if any(True for _ in references(policy)):
            return Reach(Scope.TARGETS, (), (), None)
        selector = policy.spec.get("selector", "matchLabels")
        labels = selector.strings()
        mesh_wide = policy.namespace == self._root
        scope = Scope.WORKLOAD if labels else Scope.MESH if mesh_wide else Scope.NAMESPACE
        said = [policy.spec, policy.spec.get("selector"), selector, *(value for _, value in selector.items())]
        if any(node.unknown for node in said):
            return Reach(Scope.WORKLOAD, (), (), None)
        taken, applications, services = self._selected(labels, policy.namespace)
        if (taken and not applications) or (not taken and self._dataplane.of_gateways(labels, policy.namespace)):
            return Reach(scope, (), (), None)
        subject = self._subject(policy, scope, applications)
        return Reach(scope, applications, services, subject)

    def _selected(self, labels: Mapping[str, str], namespace: str) -> tuple[Sequence[Workload], tuple[Workload, ...], tuple[Resource, ...]]:
        """What policies of a namespace take by these labels: workloads, those which are no gateways, and the Services of these."""
        key = (namespace, tuple(labels.items()))
        if key not in self._by_selector:
            taken = self._taken(labels, namespace)
            applications = tuple(workload for workload in taken if not workload.gateway)
            self._by_selector[key] = (taken, applications, tuple(self._services(namespace, labels, applications)))
        return self._by_selector[key]

    def _taken(self, labels: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        if namespace != self._root:
            return self._dataplane.workloads(labels, namespace)
        if self._everywhere is None:
            found = (self._dataplane.workload(resource) for kind in WORKLOADS for resource in self._store.of_kind(kind))
            self._everywhere = [workload for workload in found if workload is not None]
        return [workload for workload in self._everywhere if takes(labels, workload.labels)]

    def _subject(self, policy: Resource, scope: Scope, taken: Sequence[Workload]) -> Resource | None:
        found = self._mover(policy, scope, taken)
        return found if found is not None and (self._ahead or self._dataplane.ambient_now(found)) else None

    def _mover(self, policy: Resource, scope: Scope, taken: Sequence[Workload]) -> Resource | None:
        if scope is Scope.MESH:
            return policy
        movers = [workload.resource for workload in taken if self._dataplane.candidate(workload.resource)]
        if taken and not movers:
            return None
        now = next((mover for mover in movers if self._dataplane.ambient_now(mover)), None)
        if now is not None or movers:
            return now or movers[0]
        return policy if self._dataplane.candidate(policy) else None

    def _services(self, namespace: str, labels: Mapping[str, str], taken: Sequence[Workload]) -> Iterator[Resource]:
        seen = set()
        for workload in taken:
            for service in self._dataplane.services_of(workload):
                if service not in seen:
                    seen.add(service)
                    yield service
        for _, service, chosen in self._selecting(namespace, labels):
            if service not in seen and takes(labels, chosen) and not self._dataplane.selects_only_gateways(chosen, service.namespace):
                yield service  # every pod of it is one of the policy's, whatever pods there are

    def _selecting(self, namespace: str, labels: Mapping[str, str]) -> Sequence[_Selecting]:
        """Services with a selector that policies of a namespace may concern which take pods by these labels, in their order."""
        if self._selectors is None:
            self._selectors = {}
            for number, service in enumerate(self._store.of_kind(Kind.SERVICE)):
                if chosen := service.spec.get("selector").strings():
                    held = self._selectors.setdefault(service.namespace, {})
                    for pair in (None, *chosen.items()):
                        held.setdefault(pair, []).append((number, service, chosen))
        pair = next(iter(labels.items()), None)
        places = self._selectors if namespace == self._root else {namespace, ""}
        found = [entry for where in places for entry in self._selectors.get(where, {}).get(pair, ())]
        return sorted(found, key=itemgetter(0))

    def over(self, service: Resource, kind: Kind) -> Iterator[Resource]:
        """Policies without targetRefs that take pods of the Service."""
        if kind not in self._over:
            over: dict[Resource, list[Resource]] = {}
            for policy in self._store.of_kind(kind):
                for taken in dict.fromkeys(self.reach(policy).services):
                    over.setdefault(taken, []).append(policy)
            self._over[kind] = over
        yield from self._over[kind].get(service, ())

    # targetRefs
    def targets(self, policy: Resource) -> list[PolicyTarget]:
        return [self._target(ref, policy) for ref in references(policy)]

    def _target(self, ref: Node, policy: Resource) -> PolicyTarget:
        group, kind, name = (ref.get(key).text or "" for key in ("group", "kind", "name"))
        known = _TARGETS.get(("" if group == "core" else group, kind))
        found = self._store.find(known, "" if known.cluster_scoped else policy.namespace, name) if known and name else None
        return PolicyTarget(ref, "" if group == "core" else group, kind, name, found)

    def attached(self, target: Resource, kind: Kind) -> Sequence[tuple[Resource, Node]]:
        """Policies whose targetRefs act on a Service or ServiceEntry: by its name, by its waypoint, or by the waypoint class."""
        if kind not in self._referring:
            self._referring[kind] = self._by_target(kind)
        if not self._referring[kind]:
            return ()
        if (target, kind) not in self._attached:
            self._attached[(target, kind)] = tuple(self._attaching(target, kind))
        return self._attached[(target, kind)]

    def _attaching(self, target: Resource, kind: Kind) -> Iterator[tuple[Resource, Node]]:
        gateway = self._waypoints.of(target)
        through = gateway.name or _in_namespace(target.namespace)
        named = {(target.kind, target.name), (Kind.GATEWAY_CLASS, WAYPOINT_CLASS), (Kind.K8S_GATEWAY, through)}
        found = (one for key in named for one in self._referring[kind].get(key, ()))
        for _, policy, ref in sorted(found, key=itemgetter(0)):
            if self._acts_on(ref, policy, target, (gateway.namespace, gateway.name)):
                yield policy, ref.at

    def _by_target(self, kind: Kind) -> _Referring:
        """Policies of a kind, in their order, by kind and name of what their references name; those for Gateways by their own
        namespace, too."""
        out: _Referring = {}
        refs = ((policy, ref) for policy in self._store.of_kind(kind) for ref in self.targets(policy))
        for number, (policy, ref) in enumerate(refs):
            known = _TARGETS.get((ref.group, ref.kind))
            for name in (ref.name, _in_namespace(policy.namespace)) if known is Kind.K8S_GATEWAY else (ref.name,):
                out.setdefault((known, name), []).append((number, policy, ref))
        return out

    def _acts_on(self, ref: PolicyTarget, policy: Resource, target: Resource, waypoint: tuple[str, str]) -> bool:
        kind = _TARGETS.get((ref.group, ref.kind))
        if kind is Kind.GATEWAY_CLASS:
            return ref.name == WAYPOINT_CLASS and policy.namespace == self._root
        if kind is Kind.K8S_GATEWAY:
            if not waypoint[1]:
                return ref.resource is not None and self._waypoints.is_waypoint(ref.resource) and policy.namespace == target.namespace
            return (policy.namespace or waypoint[0], ref.name) == waypoint
        return kind is target.kind and ref.name == target.name and policy.namespace in (target.namespace, "")

    # waypoints
    def waypoint_reason(self, service: Resource) -> Node | None:
        """Why the Service has a waypoint, or will need one; None: no reason to be seen, or it opted out, or it is headless:
        its callers address the pods, so nothing comes through a waypoint."""
        if service.spec.get("clusterIP").text == "None":
            return None
        waypoint = self._waypoints.of(service)
        if waypoint.bound:
            return waypoint.label
        return self._work(service) if waypoint.state is WaypointState.NONE else None

    def _work(self, service: Resource) -> Node | None:
        """What asks for a waypoint of the Service: a policy's targetRef, a route's parentRef, a VirtualService of the mesh."""
        for kind in (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION):
            for _, ref in self.attached(service, kind):
                if ref.get("kind").text == service.kind.kind:
                    return ref
        for host in self._hosts.of_resource(service):
            for _, ref in self._routes.mesh_routes(host):
                return ref
            for route in self._routes.virtual_services(host):
                if self._routes.binding(route).mesh:
                    return route.root
        return None

    def waypoint_peers(self, service: Resource) -> list[Peer]:
        """Whom ztunnel sees at the destination for what came through the Service's waypoint: the waypoint of its label, else
        any that its namespace holds, else one whose name is not known."""
        waypoint = self._waypoints.of(service)
        if waypoint.gateway is not None:
            return [self._peer(waypoint.gateway)]
        if waypoint.bound:
            return [Peer(self._trust(), waypoint.namespace, waypoint.name)]
        held = [g for g in self._store.of_kind(Kind.K8S_GATEWAY) if g.namespace == service.namespace and self._waypoints.is_waypoint(g)]
        return [self._peer(gateway) for gateway in held] or [Peer(self._trust(), service.namespace, "")]

    def _peer(self, gateway: Resource) -> Peer:
        account = gateway.annotations.get("gateway.istio.io/service-account") or gateway.name
        return Peer(self._trust(), gateway.namespace, account)


def references(policy: Resource) -> Iterator[Node]:
    """The targetRefs of a policy; the single targetRef of older releases counts where there is no list."""
    listed = False
    for ref in policy.spec.each("targetRefs"):
        listed = True
        yield ref
    if not listed and policy.spec.get("targetRef").is_map:
        yield policy.spec.get("targetRef")
