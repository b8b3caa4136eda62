"""The routes of a VirtualService for the mesh and for gateways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from meshlint.model.conversion import Because, Document, Manner
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.target import Target
from meshlint.semantics.convert import httproute
from meshlint.semantics.convert.actions import Actions
from meshlint.semantics.convert.backends import Backends, http_ports, needs_listener
from meshlint.semantics.convert.check import accepted, resources
from meshlint.semantics.convert.delegates import Rule
from meshlint.semantics.convert.grants import grants_for
from meshlint.semantics.convert.httproute import Acting, Limits, RouteRule
from meshlint.semantics.convert.naming import metadata, route_name
from meshlint.semantics.convert.parents import Parent, mesh_parent
from meshlint.semantics.convert.parts import Part
from meshlint.semantics.convert.stay import Stay
from meshlint.semantics.convert.subsets import Subsets

if TYPE_CHECKING:
    from meshlint.semantics.convert.gateways import Attached, Gateways
    from meshlint.semantics.convert.layer4 import Layer4

_MESH = ("mesh",)
_SERVERS = 16  # hostnames of a route, parents of a route are 32
Said = tuple[Kind, list[list[dict[str, Any]]]]


class Making:
    """What is made of one VirtualService."""

    def __init__(self, subsets: Subsets) -> None:
        self.subsets = subsets
        self.routes: list[Document] = []
        self.grants: dict[tuple[str, str], Document] = {}
        self.notes: list[Because] = []
        self.inlined: list[Resource] = []

    def check(self, service: Resource, target: Target) -> None:
        accepted([*self.subsets.documents.values(), *self.routes, *self.grants.values()], service.root, target)


class Sides:
    def __init__(self, mesh: Mesh, manner: Manner, gateways: Callable[[], Gateways], making: Making) -> None:
        """`gateways`: asked where a part is bound to some; most are for the mesh alone."""
        self._mesh = mesh
        self._manner = manner
        self._gateways = gateways
        self._making = making
        self._backends = Backends(mesh, making.subsets)

    # the mesh
    def mesh(self, service: Resource, parts: Sequence[Part], rules: Sequence[Rule]) -> None:
        hosts = self._mesh.hosts(service)
        for section in ("http", "tls", "tcp"):
            found = [hosts[part.host] for part in parts if part.mesh and part.section == section]
            parents = [mesh_parent(at, host, service, self._mesh) for at, host in found]
            if section == "http":
                self._mesh_http(service, parents, rules)
            elif parents:
                self._mesh_layer4(service, parents, section)
            for at, host in found:
                self._need_waypoint(at, host)

    def _need_waypoint(self, at: Node, host: Host) -> None:
        if not self._mesh.waypoint(host).bound:
            self._note(at, f"acts for {host.title} at its waypoint only once it is a route, and the host has none yet")

    def _mesh_http(self, service: Resource, parents: Sequence[Parent], rules: Sequence[Rule]) -> None:
        """Hosts of one namespace share a route where their rules do not depend on the port."""
        shared: dict[str, list[Parent]] = {}
        for parent in parents:
            if self._by_port(rules):
                self._mesh_ports(service, parent, rules, many=len(parents) > 1)
            else:
                shared.setdefault(parent.namespace, []).append(parent)
        for namespace, together in shared.items():
            said = self._http(httproute.acting(rules, _MESH, None), namespace, None, False, self._speaks_grpc(together))
            if said is not None:
                self._write(service, namespace, said, [parent.document(None) for parent in together], (), self._suffixes(service))

    def _suffixes(self, service: Resource, *more: str) -> tuple[str, ...]:
        return ("mesh", *more) if self._mesh.binding(service).gateways else more

    def _by_port(self, rules: Sequence[Rule]) -> bool:
        """Does anything depend on the port that the request came in by?"""
        for entry, conditions in rules:
            if any(one.port is not None for one in conditions if not one.gateways or "mesh" in one.gateways):
                return True
            owner = entry.owner
            sent = [*entry.get("route").each(), *entry.get("mirrors").each()]
            nodes = [one.get("destination") for one in sent] + ([entry.get("mirror")] if entry.get("mirror") else [])
            if any(needs_listener(node, owner, self._mesh) for node in nodes if node):
                return True
        return False

    def _mesh_ports(self, service: Resource, parent: Parent, rules: Sequence[Rule], many: bool) -> None:
        ports = http_ports(parent.host)
        if not ports:
            at = rules[0][0].at
            raise Stay(
                at,
                f"depends on the port, and which ones {parent.host.title} has for http the repository does not tell",
                "Name the ports of destinations.",
            )
        for port in ports:
            acting = httproute.acting(rules, _MESH, port.number)
            if acting:
                said = self._http(acting, parent.namespace, port.number, port.number == 80, port.protocol == "grpc")
                if said is not None:
                    suffixes = self._suffixes(service, *([parent.name.replace(".", "-")] if many else []), str(port.number))
                    self._write(service, parent.namespace, said, [parent.document(port.number)], (), suffixes)

    def _speaks_grpc(self, parents: Sequence[Parent]) -> bool:
        ports = [port for parent in parents for port in http_ports(parent.host)]
        return bool(ports) and all(port.protocol == "grpc" for port in ports)

    def _http(
        self, acting: Sequence[Acting], namespace: str, port: int | None, plain_ports: bool, grpc: bool, last: bool = False
    ) -> Said | None:
        """The rules of the routes, by object; None where no entry acts here."""
        if not acting:
            return None
        target = self._mesh.target
        if not target.route(Kind.HTTP_ROUTE).usable:
            raise Stay(acting[0].entry.at, target.route(Kind.HTTP_ROUTE).text)
        if self._manner.segments:
            acting = httproute.by_segments(acting, self._making.notes)
        actions = Actions(self._mesh, self._backends, namespace, port, plain_ports, self._manner.segments, self._making.notes)
        if grpc and (said := self._grpc(acting, actions, namespace)) is not None:
            return said
        limits = Limits.of(Kind.HTTP_ROUTE, self._version(Kind.HTTP_ROUTE), target)
        return self._paged(
            httproute.rules_of(acting, actions, limits, last), Kind.HTTP_ROUTE, namespace, httproute.document, acting[0].entry.at
        )

    def _grpc(self, acting: Sequence[Acting], actions: Actions, namespace: str) -> Said | None:
        """As GRPCRoutes; None where those cannot say it."""
        from meshlint.semantics.convert import grpcroute

        limits = Limits.of(Kind.GRPC_ROUTE, self._version(Kind.GRPC_ROUTE), self._mesh.target)
        rules = httproute.rules_of(grpcroute.whole_services(acting), actions, limits)
        if not grpcroute.can_say(rules, self._mesh.target):
            return None
        return self._paged(rules, Kind.GRPC_ROUTE, namespace, grpcroute.document, acting[0].entry.at)

    def _paged(
        self, rules: Sequence[RouteRule], kind: Kind, namespace: str, write: Callable[[RouteRule, str, bool], dict[str, Any]], at: Node
    ) -> Said:
        target = self._mesh.target
        limits = Limits.of(kind, self._version(kind), target)
        named = target.field(kind, "spec.rules[].name").in_target
        names = [rule.name for rule in rules if rule.name]
        named = named and len(set(names)) == len(names)
        return kind, [[write(rule, namespace, named) for rule in page] for page in httproute.pages(rules, limits, at)]

    def _mesh_layer4(self, service: Resource, parents: Sequence[Parent], section: str) -> None:
        from meshlint.semantics.convert.layer4 import routes_of

        for parent in parents:
            found = routes_of(service, section, _MESH, self._backends, parent.namespace, self._mesh.target)
            for number, one in enumerate(found):
                if one.names and one.names != (parent.host.fqdn,):
                    raise Stay(
                        service.spec.get(section),
                        f"matches the server names {', '.join(one.names)}, and a waypoint knows only {parent.host.title}",
                    )
                suffixes = self._suffixes(
                    service, *([parent.name] if len(parents) > 1 else []), *([section, str(number + 1)] if len(found) > 1 else [section])
                )
                self._layer4(service, one, parent.namespace, [parent.document(one.port)], suffixes)

    # gateways
    def gateways(self, service: Resource, parts: Sequence[Part], rules: Sequence[Rule]) -> None:
        before = len(self._making.routes)
        self._at_gateways(service, parts, rules)
        for route in resources(self._making.routes[before:]):
            for ref in route.spec.each("parentRefs"):
                refusal = self._mesh.refusal(route, ref)
                if refusal is not None:
                    said = f"is bound to Gateway {ref.get('name').text}, which would refuse its {route.kind.kind}: {refusal.why}"
                    raise Stay(service.spec.get("gateways"), said, "Let the listener take it (allowedRoutes) first.")

    def _at_gateways(self, service: Resource, parts: Sequence[Part], rules: Sequence[Rule]) -> None:
        sections = [part.section for part in parts if not part.mesh]
        if not sections:
            return
        for attached in self._gateways().attached(service):
            if "http" in sections:
                self._gateway_http(service, attached, rules)
            for section in ("tls", "tcp"):
                if section in sections:
                    self._gateway_layer4(service, attached, section)

    def _gateway_http(self, service: Resource, attached: Attached, rules: Sequence[Rule]) -> None:
        names = self._hostnames(service)
        mine = (*attached.names,)
        ports: list[int | None] = [None]
        if any(one.port is not None for _, conditions in rules for one in conditions):
            ports = list(attached.ports)
            if not ports:
                raise Stay(rules[0][0].at, "matches on the port, and which ones its gateways have is not known")
        gateways = self._gateways()
        last = gateways.sharing.last(service, gateways.doors(service))
        for port in ports:
            acting = httproute.acting(rules, mine, port)
            said = self._http(acting, service.namespace, None, attached.plain_ports, False, last)
            if said is not None:
                suffixes = self._gateway_suffixes(service, attached, *([str(port)] if port else []))
                refs = attached.refs("http", port, names)
                if not refs:
                    raise Stay(service.spec.get("gateways"), "has http rules, and no server of its gateways is for http and its hosts")
                self._write(service, service.namespace, said, refs, names, suffixes, grants=True)

    def _gateway_suffixes(self, service: Resource, attached: Attached, *more: str) -> tuple[str, ...]:
        side = ("gateway",) if self._mesh.binding(service).mesh else ()
        return (*side, *((attached.suffix,) if attached.suffix else ()), *more)

    def _hostnames(self, service: Resource) -> tuple[str, ...]:
        out = []
        for node, host in self._mesh.hosts(service):
            if host.fqdn == "*":
                return ()
            if ".." in host.fqdn or not host.fqdn:
                raise Stay(node, f"is for {host.written}, whose namespace the repository does not tell")
            out.append(host.fqdn)
        return tuple(dict.fromkeys(out))

    def _gateway_layer4(self, service: Resource, attached: Attached, section: str) -> None:
        from meshlint.semantics.convert.layer4 import routes_of

        found = routes_of(service, section, attached.names, self._backends, service.namespace, self._mesh.target)
        for number, one in enumerate(found):
            refs = attached.refs(section, one.port, one.names)
            if not refs:
                raise Stay(service.spec.get(section), f"has {section} rules, and no server of its gateways is for them")
            suffixes = self._gateway_suffixes(service, attached, section, *([str(number + 1)] if len(found) > 1 else []))
            self._layer4(service, one, service.namespace, refs, suffixes, grants=True)

    # writing
    def _version(self, kind: Kind) -> str:
        """What istiod reads, if the CRDs serve it: they serve the same object in each of their versions."""
        served, watched = self._mesh.target.serves(kind), self._mesh.target.watches(kind)
        return "v1" if "v1" in served and watched in served else watched or "v1"

    def _write(
        self, service: Resource, namespace: str, said: Said, refs: list[dict[str, Any]], names: tuple[str, ...], suffixes: tuple[str, ...],
        grants: bool = False,
    ) -> None:  # fmt: skip
        kind, pages = said
        for number, page in enumerate(pages):
            for start in range(0, len(names), _SERVERS) if names else (0,):
                few = names[start : start + _SERVERS]
                last = ([str(number + 1)] if len(pages) > 1 else []) + ([f"hosts-{start // _SERVERS + 1}"] if len(names) > _SERVERS else [])
                spec = {"parentRefs": refs, **({"hostnames": list(few)} if few else {}), "rules": page}
                self._add(service, kind, namespace, (*suffixes, *last), spec, grants)

    def _layer4(
        self, service: Resource, one: Layer4, namespace: str, refs: list[dict[str, Any]], suffixes: tuple[str, ...], grants: bool = False
    ) -> None:
        spec: dict[str, Any] = {"parentRefs": refs}
        if one.kind is Kind.TLS_ROUTE:
            names = list(one.names) or [host.fqdn for _, host in self._mesh.hosts(service) if host.fqdn != "*"]
            if not names:
                raise Stay(service.spec.get("tls"), "has tls routes for every server name, and a TLSRoute names each")
            spec["hostnames"] = names
        spec["rules"] = [{"backendRefs": one.backends}]
        self._add(service, one.kind, namespace, suffixes, spec, grants)

    def _add(self, service: Resource, kind: Kind, namespace: str, suffixes: tuple[str, ...], spec: dict[str, Any], grants: bool) -> None:
        name = route_name(service, kind, namespace, suffixes, self._mesh)
        version = f"{kind.group}/{self._version(kind)}"
        self._making.routes.append({"apiVersion": version, "kind": kind.kind, "metadata": metadata(name, namespace, service), "spec": spec})
        if grants:
            if not namespace and any("namespace" in ref for rule in spec["rules"] for ref in rule.get("backendRefs", ())):
                raise Stay(service.root, "sends to another namespace, and which is its own the repository does not tell")
            self._making.grants.update(grants_for(kind, namespace, spec, self._mesh, self._version(Kind.REFERENCE_GRANT)))

    def _note(self, at: Node, text: str) -> None:
        self._making.notes.append(Because(at, text))
