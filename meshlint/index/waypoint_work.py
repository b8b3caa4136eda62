"""What is written for a Service or ServiceEntry that only a waypoint of it could execute, and who reads a ServiceEntry."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.index.hosts import Hosts
from meshlint.index.moves import Moves
from meshlint.index.routes import Routes
from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_POLICIES = (
    Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION,
)  # fmt: skip
_GROUPS = {Kind.SERVICE: ("", "core"), Kind.SERVICE_ENTRY: ("networking.istio.io",)}


class WaypointWork:
    def __init__(self, store: Store, hosts: Hosts, routes: Routes, moves: Moves) -> None:
        self._store = store
        self._hosts = hosts
        self._routes = routes
        self._moves = moves
        self._named: dict[tuple[str, str], list[tuple[Resource, Node]]] | None = None

    def of(self, target: Resource) -> list[tuple[Resource, Node]]:
        """Mesh VirtualServices that do anything, routes with the object as parent, policies whose targetRefs name it."""
        out = [pair for host in self._hosts.of_resource(target) for pair in self._routed(host)]
        policies = self._policies().get((target.kind.kind, target.name), ())
        out += [(policy, ref) for policy, ref in policies if policy.namespace == target.namespace and _group(ref) in _GROUPS[target.kind]]
        return list(dict.fromkeys(out))

    def _routed(self, host: Host) -> Iterator[tuple[Resource, Node]]:
        for service in self._routes.virtual_services(host):
            if self._moves.mesh_rules(service) and not self._forwards(service, host):
                spoken = (node for node, of in self._routes.hosts(service) if of.fqdn == host.fqdn)
                yield service, next(spoken, service.spec.get("hosts"))
        yield from self._routes.mesh_routes(host)

    def _forwards(self, service: Resource, host: Host) -> bool:
        """Does a VirtualService only send the host's traffic to the host itself?"""
        rules = self._moves.mesh_rules(service)
        sent = [one for one in self._routes.destinations(service) if one.mesh]
        plain = all(key in ("name", "route") for rule in rules for key, _ in rule.items())
        return plain and len(rules) == len(sent) == 1 and sent[0].host.fqdn == host.fqdn and _bare(sent[0].at)

    def _policies(self) -> dict[tuple[str, str], list[tuple[Resource, Node]]]:
        if self._named is None:
            self._named = {}
            for policy in [policy for kind in _POLICIES for policy in self._store.of_kind(kind)]:
                from meshlint.index.policies import references

                for ref in references(policy):
                    key = (ref.get("kind").text or "", ref.get("name").text or "")
                    self._named.setdefault(key, []).append((policy, ref))
        return self._named


def _bare(destination: Node) -> bool:
    """The host alone, or with a port, and nothing beside it in the route but its weight."""
    entry = destination.parent
    beside = {key for key, _ in entry.items()} if entry is not None else set()
    return beside <= {"destination", "weight"} and {key for key, _ in destination.items()} <= {"host", "port"}


def _group(ref: Node) -> str:
    return ref.get("group").text or ""
