"""VirtualServices that share a host at a gateway: their rules are one list there, now and as routes.

Now the older VirtualService goes first, but for rules without conditions, which go last. As routes of one host the most specific
match goes first, and Istio puts every prefix in front of every expression: PathPrefix / as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meshlint.model.conversion import Manner
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource
from meshlint.semantics.convert.delegates import Rule, entries_of
from meshlint.semantics.convert.httproute import Acting, by_segments
from meshlint.semantics.convert.order import Conflict, TooMany, ordered
from meshlint.semantics.convert.paths import ANY, REGEX, regex
from meshlint.semantics.convert.reading import Condition
from meshlint.semantics.convert.stay import Stay

Place = tuple[str, str]  # of a gateway: its namespace and name
Doors = Mapping[Place, Sequence[str]]  # the host names of its listeners
_ROUTES = (Kind.HTTP_ROUTE, Kind.GRPC_ROUTE)


class Sharing:
    def __init__(self, mesh: Mesh, manner: Manner) -> None:
        self._mesh = mesh
        self._manner = manner
        self._held: dict[Place, list[Resource]] | None = None

    def apart(self, service: Resource, doors: Doors) -> None:
        """Raises Stay where it is not told which of two VirtualServices for a host (or of one and a route) has a request."""
        for other, alike in self._others(service, doors):
            mine, theirs = (_conditions(self._rules(of, service, other)) for of in (service, other))
            for one, two in ((one, two) for one in mine for two in theirs if one.match.overlaps(two.match)):
                if not (alike and _in_order(one, two)):
                    both = one.match.meet(two.match) or one.match
                    said = f"shares {both.example()} with {other.title}, and which of the two goes first is not told"
                    raise Stay(service.spec.get("hosts"), said, "Merge them first.")
        for route in self._routes(service, doors):
            said = f"shares a host with {route.title}, and what both together do is not told"
            raise Stay(service.spec.get("hosts"), said, "Merge them first.")

    def last(self, service: Resource, doors: Doors) -> bool:
        """Does a rule without conditions have to be an expression, so that those of others for its hosts go first?"""
        return any(self._by_expression(self._rules(other, service, other)) for other, _ in self._others(service, doors))

    def _rules(self, of: Resource, service: Resource, other: Resource) -> list[Rule]:
        try:
            return entries_of(of, self._mesh)[0]
        except Stay:
            raise Stay(service.spec.get("hosts"), f"shares a host with {other.title}, which stays") from None

    def _by_expression(self, rules: Sequence[Rule]) -> bool:
        """Is anything with conditions (perhaps) said by an expression?"""
        acting = [Acting(entry, tuple(conditions)) for entry, conditions in rules]
        said = by_segments(acting, []) if self._manner.segments else acting
        try:
            atoms = ordered([[one.match for one in entry.conditions] for entry in said], range(len(said))).atoms
        except (Conflict, TooMany):
            return True
        return any(atom.form.type == "RegularExpression" for atom in atoms if not atom.origin.takes_all)

    def _others(self, service: Resource, doors: Doors) -> Iterator[tuple[Resource, bool]]:
        """The others that have a part in a host at a gateway; and whether they write it alike, so that their routes are merged."""
        shared: dict[Resource, list[bool]] = {}
        own = self._hosts(service)
        for place, names in doors.items():
            for other in self._bound(place):
                hosts = self._hosts(other) if other.identity != service.identity else set()
                for door in names if hosts else ():
                    mine, theirs = _at(door, own), _at(door, hosts)
                    if met := mine.keys() & theirs.keys():
                        shared.setdefault(other, []).append(all(mine[name] == theirs[name] for name in met))
        yield from ((other, all(alike)) for other, alike in shared.items())

    def _bound(self, place: Place) -> Sequence[Resource]:
        """The VirtualServices at a gateway."""
        if self._held is None:
            self._held = {}
            for service in self._mesh.around(Kind.VIRTUAL_SERVICE):
                refs = self._mesh.binding(service).gateways if service.spec.get("hosts").value else ()
                for held in dict.fromkeys((ref.namespace, ref.name) for ref in refs):
                    self._held.setdefault(held, []).append(service)
        return self._held.get(place, ())

    def _routes(self, service: Resource, doors: Doors) -> Iterator[Resource]:
        """The routes that are at these gateways already, for its hosts."""
        own = self._hosts(service)
        for route in (route for kind in _ROUTES for route in self._mesh.around(kind) if doors):
            theirs = {node.text.lower() for node in route.spec.each("hostnames") if node.text} or {"*"}
            refs = [ref for ref in route.spec.each("parentRefs") if ref.get("kind").text in (None, Kind.K8S_GATEWAY.kind)]
            places = [(ref.get("namespace").text or route.namespace, ref.get("name").text or "") for ref in refs]
            names = [door for place in places for door in doors.get(place, ())]
            if any(_at(door, own).keys() & _at(door, theirs).keys() for door in names):
                yield route

    def _hosts(self, service: Resource) -> set[str]:
        return {host.fqdn for _, host in self._mesh.hosts(service)}


def _conditions(rules: Sequence[Rule]) -> list[Condition]:
    return [one for _, conditions in rules for one in conditions]


def _in_order(one: Condition, two: Condition) -> bool:
    """Does one of them take everything (not by an expression, which Istio does not put last), and go last as a route as well?"""
    if one.match.takes_all is two.match.takes_all:
        return False
    rest, first = (one, two.match) if one.match.takes_all else (two, one.match)
    asked = int(first.method is not None), len(first.headers), len(first.query)
    return not rest.whole and (first.path.kind != REGEX or (len(first.path.value), *asked) > (len(regex(ANY)), 0, 0, 0))


def _at(door: str, hosts: set[str]) -> dict[str, set[str]]:
    """The names under which a listener has hosts (the narrower of both), with the hosts as they are written."""
    out: dict[str, set[str]] = {}
    for host in hosts:
        if not door or _inside(host, door):
            out.setdefault(host, set()).add(host)
        elif _inside(door, host):
            out.setdefault(door, set()).add(host)
    return out


def _inside(name: str, wide: str) -> bool:
    return wide == "*" or name == wide or (wide.startswith("*.") and name.endswith(wide[1:]))
