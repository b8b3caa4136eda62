"""VirtualServices and Gateway API routes: where they act, for which hosts, and where they send traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter

from meshlint.index.hosts import Hosts
from meshlint.index.names import patterns_of
from meshlint.index.store import Store
from meshlint.index.waypoints import Waypoints
from meshlint.model.kind import ROUTES, Kind
from meshlint.model.mesh import Binding, Destination, GatewayRef, Host
from meshlint.model.node import Node
from meshlint.model.resource import Resource

MESH_GATEWAY = "mesh"
_PARENT_KINDS = {
    ("gateway.networking.k8s.io", "Gateway"): Kind.K8S_GATEWAY,
    ("", "Service"): Kind.SERVICE,
    ("networking.istio.io", "ServiceEntry"): Kind.SERVICE_ENTRY,
}
_LISTENER_SETS = {
    ("gateway.networking.k8s.io", "ListenerSet"): Kind.LISTENER_SET,
    ("gateway.networking.x-k8s.io", "XListenerSet"): Kind.X_LISTENER_SET,
}
_HOSTNAME = ("networking.istio.io", "Hostname")  # a backend by the host of a ServiceEntry
_PARENT_GROUPS = frozenset({"", "\0", "networking.istio.io", *(group for group, _ in _LISTENER_SETS)})  # what Istio may run
_ROUTE_KINDS = frozenset(kind.value for kind in ROUTES)  # as parents: routes that delegate, which Istio knows nothing of


class Routes:
    def __init__(self, store: Store, hosts: Hosts, waypoints: Waypoints) -> None:
        self._store = store
        self._hosts = hosts
        self._waypoints = waypoints
        self._bindings: dict[Resource, Binding] = {}
        self._hosts_of: dict[Resource, tuple[tuple[Node, Host], ...]] = {}
        self._rules: dict[Resource, tuple[tuple[str, Node, bool], ...]] = {}
        self._destinations: dict[Resource, tuple[Destination, ...]] = {}
        self._in_files: dict[str, dict[str, list[Resource]]] = {}  # by host and file
        self._by_host: dict[str, list[Resource]] | None = None
        self._wild: dict[str, list[tuple[int, Resource]]] = {}
        self._speaking: dict[str, tuple[Resource, ...]] = {}
        self._by_parent: dict[Resource | str, list[tuple[Resource, Node]]] | None = None
        self._ingress: dict[str, list[tuple[Resource, Node]]] | None = None
        self._editing: dict[tuple[Kind, str], list[Resource]] | None = None
        self._delegating: dict[tuple[str, str], list[Resource]] | None = None

    # VirtualServices

    def binding(self, service: Resource) -> Binding:
        if service not in self._bindings:
            self._bindings[service] = self._bind_delegate(service) if _inherits(service) else self._bind(service)
        return self._bindings[service]

    def _bind(self, service: Resource) -> Binding:
        written = service.spec.get("gateways")
        if not written.present or written.value in (None, []):
            return Binding(True, ())
        nodes = list(written.each())
        mesh = any(node.text == MESH_GATEWAY for node in nodes)
        refs = tuple(self._gateway(node, service) for node in nodes if node.text and node.text != MESH_GATEWAY)
        return Binding(mesh, refs, mesh or not any(node.unknown for node in (written, *nodes)))

    def _bind_delegate(self, service: Resource) -> Binding:
        """Where those are that delegate to it, directly or by delegates; where these go in circles not all of them are known.
        Every delegate is answered for by itself, whichever is asked for first."""
        above: list[Binding] = []
        seen, waiting, known = {service}, [service], True
        while waiting:
            parents = self._parents(waiting.pop())
            known = known and bool(parents)
            above += [self.binding(parent) for parent in parents if not _inherits(parent)]
            delegates = [parent for parent in parents if _inherits(parent)]
            known = known and seen.isdisjoint(delegates)
            waiting += [delegate for delegate in reversed(delegates) if delegate not in seen]
            seen.update(delegates)
        refs = tuple(ref for binding in above for ref in binding.gateways)
        return Binding(any(binding.mesh for binding in above), refs, known and all(binding.known for binding in above))

    def _parents(self, service: Resource) -> Sequence[Resource]:
        if self._delegating is None:
            self._delegating = {}
            for other in self._store.of_kind(Kind.VIRTUAL_SERVICE):
                for delegate in other.spec.each("http", "delegate"):
                    key = (delegate.get("namespace").text or other.namespace, delegate.get("name").text or "")
                    self._delegating.setdefault(key, []).append(other)
        return self._delegating.get((service.namespace, service.name), ())

    def delegators(self, service: Resource) -> Sequence[Resource]:
        """The VirtualServices that delegate to this one."""
        return self._parents(service)

    def _gateway(self, node: Node, service: Resource) -> GatewayRef:
        namespace, name = gateway_place(node.text or "", service.namespace)
        istio = self._store.find(Kind.GATEWAY, namespace, name)
        return GatewayRef(node, namespace, name, istio, self._store.find(Kind.K8S_GATEWAY, namespace, name))

    def hosts(self, service: Resource) -> Sequence[tuple[Node, Host]]:
        if service not in self._hosts_of:
            nodes = service.spec.each("hosts")
            self._hosts_of[service] = tuple((node, self._hosts.of_node(node, service.namespace)) for node in nodes)
        return self._hosts_of[service]

    def rules(self, service: Resource) -> Sequence[tuple[str, Node, bool]]:
        """The http, tcp and tls entries, each with its section, and whether the mesh may execute it."""
        if service not in self._rules:
            entries = ((section, rule) for section in ("http", "tcp", "tls") for rule in service.spec.each(section))
            self._rules[service] = tuple((section, rule, acts_in_mesh(rule)) for section, rule in entries)
        return self._rules[service]

    def destinations(self, service: Resource) -> Sequence[Destination]:
        if service not in self._destinations:
            self._destinations[service] = tuple(self._routed(service))
        return self._destinations[service]

    def _routed(self, service: Resource) -> Iterator[Destination]:
        bound = self.binding(service).mesh
        for section, rule, acts in self.rules(service):
            mesh = bound and acts
            for route in rule.each("route"):
                if sent := route.get("destination"):
                    yield self._destination(service, sent, rule, section, mesh)
            if mirror := rule.get("mirror"):
                yield self._destination(service, mirror, rule, section, mesh, mirror=True)
            for mirror in rule.each("mirrors", "destination"):
                yield self._destination(service, mirror, rule, section, mesh, mirror=True)

    def _destination(self, service: Resource, at: Node, rule: Node, section: str, mesh: bool, mirror: bool = False) -> Destination:
        node = at.get("host")
        host = self._hosts.of_node(node, service.namespace)
        return Destination(service, at, rule, section, host, node, at.get("subset"), mirror, mesh)

    def virtual_services(self, host: Host) -> Sequence[Resource]:
        if self._by_host is None:
            self._by_host = {}
            for number, service in enumerate(self._store.of_kind(Kind.VIRTUAL_SERVICE)):
                for _, spoken in self.hosts(service):
                    if spoken.wildcard:
                        self._wild.setdefault(spoken.fqdn, []).append((number, service))
                    elif spoken.fqdn:
                        self._by_host.setdefault(spoken.fqdn, []).append(service)
        known = self._speaking.get(host.fqdn)
        if known is None:
            wild = sorted((pair for pattern in patterns_of(host.fqdn) for pair in self._wild.get(pattern, ())), key=itemgetter(0))
            known = self._speaking[host.fqdn] = tuple(dict.fromkeys([*self._by_host.get(host.fqdn, ()), *(service for _, service in wild)]))
        return known

    def beside(self, service: Resource, host: Host) -> Sequence[Resource]:
        found = self.virtual_services(host)
        if self._store.environment.kind != "plain":
            return found
        if host.fqdn not in self._in_files:
            held = self._in_files[host.fqdn] = {}
            for other in found:
                held.setdefault(other.file, []).append(other)
        return self._in_files[host.fqdn].get(service.file, ())

    # Gateway API routes

    def parent(self, route: Resource, ref: Node) -> Resource | None:
        kind, name = _parent_kind(ref), ref.get("name").text
        if kind is None or name is None:
            return None
        return self._store.find(kind, _or(ref.get("namespace"), route.namespace), name)

    def backend_host(self, route: Resource, ref: Node) -> Host:
        return self._hosts.of_node(ref.get("name"), _or(ref.get("namespace"), route.namespace))

    def parent_host(self, route: Resource, ref: Node) -> Host | None:
        kind, name = _parent_kind(ref), ref.get("name").text
        namespace = _or(ref.get("namespace"), route.namespace)
        if name is None or namespace == "\0":
            return None
        if kind is Kind.SERVICE:
            return self._hosts.of_text(name, namespace)
        entry = self.parent(route, ref) if kind is Kind.SERVICE_ENTRY else None
        return next(iter(self._hosts.of_resource(entry)), None) if entry is not None else None

    def copies(self, resource: Resource) -> Sequence[Resource]:
        found = [one for part in self._store.near for one in part.by_identity.get(resource.identity, ())]
        return found or (resource,)

    def holder(self, route: Resource, ref: Node) -> Resource | None:
        """The Gateway or ListenerSet that a parentRef names."""
        kind, name = _LISTENER_SETS.get(_parent(ref)), ref.get("name").text
        if kind is not None:
            return self._store.find(kind, _or(ref.get("namespace"), route.namespace), name) if name else None
        found = self.parent(route, ref)
        return found if found is not None and found.kind is Kind.K8S_GATEWAY else None

    def gateway_of(self, route: Resource, ref: Node) -> Resource | None:
        """The Gateway that a parentRef names, itself or by a ListenerSet."""
        held = self.holder(route, ref)
        if held is None or held.kind is Kind.K8S_GATEWAY:
            return held
        found = self.parent(held, held.spec.get("parentRef"))
        return found if found is not None and found.kind is Kind.K8S_GATEWAY else None

    def foreign(self, resource: Resource) -> bool:
        if resource.kind is Kind.K8S_GATEWAY:
            return self._waypoints.foreign_class(resource)
        refs = [*resource.spec.each("parentRefs"), *resource.spec.each("parentRef")]
        return bool(refs) and all(self._foreign_parent(resource, ref) for ref in refs)

    def _foreign_parent(self, route: Resource, ref: Node) -> bool:
        if _parent(ref)[0] not in _PARENT_GROUPS or _parent(ref) in _ROUTE_KINDS:
            return True
        gateway, served = self.gateway_of(route, ref), self.parent(route, ref)
        if gateway is None and served is not None:  # a Service or ServiceEntry: its waypoint runs the route
            gateway = self._waypoints.of(served).gateway
        return gateway is not None and self._waypoints.foreign_class(gateway)

    def mesh_routes(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        if self._by_parent is None:
            self._by_parent = {}
            for route, ref in self._parent_refs():
                if (above := self._mesh_parent(route, ref)) is not None:
                    self._by_parent.setdefault(above, []).append((route, ref))
        behind: Sequence[Resource | str] = host.entries or (host.fqdn,)
        return [pair for parent in behind for pair in self._by_parent.get(parent, ())]

    def _mesh_parent(self, route: Resource, ref: Node) -> Resource | str | None:
        """The ServiceEntry of a parentRef, or the full name of its Service, which another repository may hold."""
        kind, name = _parent_kind(ref), ref.get("name").text
        if kind is Kind.SERVICE and name:
            return self._hosts.of_text(name, _or(ref.get("namespace"), route.namespace)).fqdn
        return self.parent(route, ref) if kind is Kind.SERVICE_ENTRY else None

    def _parent_refs(self) -> Iterator[tuple[Resource, Node]]:
        for kind in ROUTES:
            for route in self._store.of_kind(kind):
                for ref in route.spec.each("parentRefs"):
                    yield route, ref

    def backends(self, route: Resource) -> Sequence[Destination]:
        out = []
        for rule in route.spec.each("rules"):
            for ref in rule.each("backendRefs"):
                if _or(ref.get("group"), "") == "" and _or(ref.get("kind"), "Service") == "Service":
                    namespace = _or(ref.get("namespace"), route.namespace)
                    host = self._hosts.of_node(ref.get("name"), namespace)
                    out.append(Destination(route, ref, rule, "rules", host, ref.get("name"), ref.get("subset"), False, False))
        return out

    # ingress

    def ingress_users(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        if self._ingress is None:
            self._ingress = {}
            for user, node, sent in self._ingress_destinations():
                self._ingress.setdefault(sent.fqdn, []).append((user, node))
        return self._ingress.get(host.fqdn, ())

    def _ingress_destinations(self) -> Iterator[tuple[Resource, Node, Host]]:
        for service in self._store.of_kind(Kind.VIRTUAL_SERVICE):
            if self.binding(service).gateways:
                for sent in self.destinations(service):
                    if not sent.mirror and acts_at_gateway(sent.rule):
                        yield service, sent.host_node, sent.host
        for route in dict.fromkeys(route for route, ref in self._parent_refs() if self._is_ingress(route, ref)):
            yield from ((route, sent.host_node, sent.host) for sent in self.backends(route))
            yield from ((route, name, self._hosts.of_node(name, route.namespace)) for name in _hostnames(route))
        for ingress in self._store.of_kind(Kind.INGRESS):
            if self._istio_ingress(ingress):
                for name in ingress.spec.each("rules", "http", "paths", "backend", "service", "name"):
                    yield ingress, name, self._hosts.of_node(name, ingress.namespace)

    def _is_ingress(self, route: Resource, ref: Node) -> bool:
        if _parent(ref) not in _LISTENER_SETS and _parent_kind(ref) is not Kind.K8S_GATEWAY:
            return False
        gateway = self.gateway_of(route, ref)
        return gateway is None or not (self._waypoints.is_waypoint(gateway) or self._waypoints.foreign_class(gateway))

    def _istio_ingress(self, ingress: Resource) -> bool:
        name = ingress.spec.get("ingressClassName").text or ingress.annotations.get("kubernetes.io/ingress.class", "")
        found = self._store.find(Kind.INGRESS_CLASS, "", name)
        return name == "istio" or (found is not None and found.spec.get("controller").text == "istio.io/ingress-controller")

    # controllers that edit

    def editors(self, resource: Resource) -> Sequence[Resource]:
        if self._editing is None:
            self._editing = {}
            for rollout in self._store.of_kind(Kind.ROLLOUT):
                for kind, name in _edited(rollout):
                    self._editing.setdefault((kind, name), []).append(rollout)
            for canary in self._store.of_kind(Kind.CANARY):
                for kind, name in _made(canary):
                    self._editing.setdefault((kind, name), []).append(canary)
        found = self._editing.get((resource.kind, resource.name), ())
        return [editor for editor in found if editor.namespace == resource.namespace]


def _hostnames(route: Resource) -> Iterator[Node]:
    """The hosts of ServiceEntries among its backends."""
    for ref in route.spec.each("rules", "backendRefs"):
        if (ref.get("group").text, ref.get("kind").text) == _HOSTNAME:
            yield ref.get("name")


def _inherits(service: Resource) -> bool:
    """Is it a delegate, which has neither hosts nor gateways of its own?"""
    return service.spec.get("gateways").value in (None, []) and not service.spec.get("hosts")


def acts_in_mesh(rule: Node) -> bool:
    """Does a rule of a VirtualService act on sidecars, as far as its matches' `gateways` confine it?"""
    return _acts(rule, lambda name: name == MESH_GATEWAY)


def acts_at_gateway(rule: Node) -> bool:
    """May a gateway execute a rule of a VirtualService: no match, or one that is not confined to the mesh?"""
    return _acts(rule, lambda name: name != MESH_GATEWAY)


def _acts(rule: Node, wanted: Callable[[str], bool]) -> bool:
    confined = []
    for match in rule.each("match"):
        gateways = match.get("gateways")
        if gateways.value in (None, []):
            return True
        confined.append(gateways)
    return not confined or any(node.text is not None and wanted(node.text) for gateways in confined for node in gateways.each())


def gateway_place(written: str, namespace: str) -> tuple[str, str]:
    """(namespace, name) of an entry of `gateways`: [namespace/]name, or the old form name.namespace[.svc...]
    (Istio: resolveGatewayName)."""
    before, slash, name = written.rpartition("/")
    if slash:
        return (namespace if before == "." else before), name
    name, dot, rest = written.partition(".")
    return (rest.partition(".")[0] if dot else namespace), name


def _parent_kind(ref: Node) -> Kind | None:
    return _PARENT_KINDS.get(_parent(ref))


def _parent(ref: Node) -> tuple[str, str]:
    """Group and kind of a parentRef."""
    return _or(ref.get("group"), "gateway.networking.k8s.io"), _or(ref.get("kind"), "Gateway")


def _or(node: Node, default: str) -> str:
    """A field's text, its default where it is absent; of an unknown value, a text that equals nothing."""
    if node.unknown:
        return "\0"
    return default if node.text is None else node.text


def istio_routing(rollout: Resource) -> Node:
    """The part of an Argo Rollout that routes by Istio."""
    return rollout.spec.get("strategy", "canary", "trafficRouting", "istio")


def _edited(rollout: Resource) -> Iterator[tuple[Kind, str]]:
    """What an Argo Rollout changes while it runs: VirtualServices (also named name.namespace) and a DestinationRule."""
    routing = istio_routing(rollout)
    if name := routing.get("destinationRule", "name").text:
        yield Kind.DESTINATION_RULE, name
    for node in (routing.get("virtualService"), *routing.each("virtualServices")):
        if name := node.get("name").text:
            yield Kind.VIRTUAL_SERVICE, name.partition(".")[0]


def _made(canary: Resource) -> Iterator[tuple[Kind, str]]:
    """Flagger makes the VirtualService named like the target (or `service.name`), and DestinationRules beside it."""
    name = canary.spec.get("service", "name").text or canary.spec.get("targetRef", "name").text
    if name:
        yield Kind.VIRTUAL_SERVICE, name
        yield from ((Kind.DESTINATION_RULE, each) for each in (name, f"{name}-primary", f"{name}-canary"))
