"""DestinationRules and their subsets, by resolved host: hosts are compared, never strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter

from meshlint.index.hosts import Hosts
from meshlint.index.names import anywhere, may_be, partial_service, patterns_of, visible
from meshlint.index.routes import Routes, istio_routing
from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.mesh import Destination, Host, HostKind, Subset
from meshlint.model.resource import Resource


class Used:
    """Which subsets routes use."""

    __slots__ = ("by_host", "by_name", "by_pattern", "named", "open_hosts", "open_names", "open_patterns")

    def __init__(self) -> None:
        self.by_host: dict[str, set[str]] = {}  # fqdn: subset names
        self.by_name: dict[str, set[str]] = {}  # the same by the name of the Service in any namespace
        self.open_hosts: set[str] = set()  # fqdn of hosts with a subset that a template fills in
        self.open_names: set[str] = set()  # subset names of destinations whose host a template fills in
        self.named: set[tuple[str, str]] = set()  # (DestinationRule name, subset) of Rollouts
        self.by_pattern: dict[str, set[str]] | None = None  # what is above by every pattern that takes a host: made when asked
        self.open_patterns: set[str] = set()

    def same(self, other: Used) -> bool:
        return all(getattr(self, slot) == getattr(other, slot) for slot in self.__slots__)

    def add(self, other: Used) -> None:
        """What somebody else noted as well."""
        for own, more in ((self.by_host, other.by_host), (self.by_name, other.by_name)):
            for host, names in more.items():
                own.setdefault(host, set()).update(names)
        self.open_hosts |= other.open_hosts
        self.open_names |= other.open_names
        self.named |= other.named

    def uses(self, fqdn: str, rule: str, name: str) -> bool:
        if name in self.open_names or (rule, name) in self.named:
            return True
        if ".." in fqdn and name in self.by_name.get(fqdn, ()):
            return True
        if not fqdn.startswith("*"):
            named = name in self.by_host.get(fqdn, ()) or name in self.by_host.get(anywhere(fqdn), ())
            return named or fqdn in self.open_hosts or anywhere(fqdn) in self.open_hosts
        if self.by_pattern is None:
            self.by_pattern = {}
            for host, names in self.by_host.items():
                for pattern in patterns_of(host):
                    self.by_pattern.setdefault(pattern, set()).update(names)
            self.open_patterns = {pattern for host in self.open_hosts for pattern in patterns_of(host)}
        return name in self.by_pattern.get(fqdn, ()) or fqdn in self.open_patterns


class Subsets:
    def __init__(self, store: Store, hosts: Hosts, routes: Routes) -> None:
        self._store = store
        self._hosts = hosts
        self._routes = routes
        self._exact: dict[str, list[tuple[str, Resource]]] | None = None  # by name without namespace: full name, rule
        self._wild: dict[str, list[tuple[int, Resource]]] = {}  # by pattern: number in their order, rule
        self._users: dict[tuple[str, str], list[Destination]] | None = None  # by name of the subset, and host or wildcard
        self._hosts_of: dict[Resource, Host] = {}
        self._rules: dict[tuple[str, str | None], Sequence[Resource]] = {}  # by host and reader
        self._subsets: dict[tuple[str, str, str | None], Sequence[Subset]] = {}  # by host, name and reader

    def host_of(self, rule: Resource) -> Host:
        if rule not in self._hosts_of:
            self._hosts_of[rule] = self._hosts.of_node(rule.spec.get("host"), rule.namespace)
        return self._hosts_of[rule]

    def destination_rules(self, host: Host, seen_from: Resource | None) -> Sequence[Resource]:
        key = (host.fqdn, None if seen_from is None else seen_from.namespace)
        if key not in self._rules:
            self._rules[key] = tuple(self._destination_rules(host, seen_from))
        return self._rules[key]

    def _destination_rules(self, host: Host, seen_from: Resource | None) -> Sequence[Resource]:
        named = [rule for fqdn, rule in self._named(host) if fqdn == host.fqdn]
        if self._wild:
            wild = sorted((pair for pattern in patterns_of(host.fqdn) for pair in self._wild.get(pattern, ())), key=itemgetter(0))
            named += [rule for _, rule in wild]
        return _seen(named, seen_from)

    def _named(self, host: Host) -> Sequence[tuple[str, Resource]]:
        """The rules for Services of this name in any namespace, each with the full name of its host."""
        if self._exact is None:
            self._exact = {}
            for number, rule in enumerate(self._store.of_kind(Kind.DESTINATION_RULE)):
                self._add(number, rule)
        return self._exact.get(anywhere(host.fqdn), ())

    def _add(self, number: int, rule: Resource) -> None:
        fqdn = self.host_of(rule).fqdn
        if fqdn.startswith("*"):
            self._wild.setdefault(fqdn, []).append((number, rule))
        elif fqdn and self._exact is not None:
            self._exact.setdefault(anywhere(fqdn), []).append((fqdn, rule))

    def subsets(self, host: Host, name: str, seen_from: Resource | None) -> Sequence[Subset]:
        """Where the repository does not tell the namespace of the host or of a rule, the rule may be for this host."""
        key = (host.fqdn, name, None if seen_from is None else seen_from.namespace)
        if key not in self._subsets:
            self._subsets[key] = tuple(self._found(host, name, seen_from))
        return self._subsets[key]

    def _found(self, host: Host, name: str, seen_from: Resource | None) -> Sequence[Subset]:
        maybe = [rule for fqdn, rule in self._named(host) if fqdn != host.fqdn and may_be(fqdn, host.fqdn)]
        rules = [*self.destination_rules(host, seen_from), *_seen(maybe, seen_from)]
        return [subset for rule in rules for subset in _declared(rule, name)]

    def users(self, rule: Resource, name: str) -> Sequence[Destination]:
        """Destinations that name the subset of the rule's host (which may be a wildcard)."""
        if self._users is None:
            self._users = {}
            for service in self._store.of_kind(Kind.VIRTUAL_SERVICE):
                for sent in self._routes.destinations(service):
                    if sent.subset.text and sent.host.fqdn:
                        self._add_user(sent.subset.text, sent, self._users)
        pattern = self.host_of(rule).fqdn
        if pattern.startswith("*"):
            return list(self._users.get((name, pattern), ()))
        return [sent for sent in self._users.get((name, anywhere(pattern)), ()) if may_be(pattern, sent.host.fqdn)]

    def _add_user(self, name: str, sent: Destination, users: dict[tuple[str, str], list[Destination]]) -> None:
        """By the name of its Service in any namespace, and by every wildcard that takes its host."""
        host = sent.host.fqdn
        for key in dict.fromkeys((anywhere(host), *(pattern for pattern in patterns_of(host) if pattern.startswith("*")))):
            users.setdefault((name, key), []).append(sent)

    def _meant(self, host: Host) -> str:
        """The Service that a name.namespace means, though Istio does not complete it: its subsets are not unused."""
        place = partial_service(host.fqdn) if host.kind is HostKind.PARTIAL else None
        return self._hosts.key(place[1], place[0]) if place else host.fqdn

    def note_used(self, used: Used) -> None:
        for service in self._store.judged.by_kind.get(Kind.VIRTUAL_SERVICE, ()):
            for sent in self._routes.destinations(service):
                name = sent.subset.text
                if sent.subset.unknown:
                    used.open_hosts.add(sent.host.fqdn)
                elif name and not sent.host.fqdn:
                    used.open_names.add(name)
                elif name:
                    host = self._meant(sent.host)
                    used.by_host.setdefault(host, set()).add(name)
                    used.by_name.setdefault(anywhere(host), set()).add(name)
        for rollout in self._store.judged.by_kind.get(Kind.ROLLOUT, ()):
            rule = istio_routing(rollout).get("destinationRule")
            for field in ("canarySubsetName", "stableSubsetName"):
                if rule.get("name").text and rule.get(field).text:
                    used.named.add((rule.get("name").text or "", rule.get(field).text or ""))


def _seen(rules: list[Resource], seen_from: Resource | None) -> list[Resource]:
    if seen_from is None:
        return rules
    return [rule for rule in rules if visible(rule.spec.get("exportTo"), rule.namespace, seen_from.namespace)]


def _declared(rule: Resource, name: str) -> Iterator[Subset]:
    for at in rule.spec.each("subsets"):
        if at.get("name").text == name:
            yield Subset(rule, at, name, at.get("labels").strings())
