"""DestinationRules and their subsets, by resolved host: hosts are compared, never strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.index.hosts import Hosts
from meshlint.index.names import anywhere, matches, may_be, partial_service, visible
from meshlint.index.routes import Routes, istio_routing
from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.mesh import Destination, Host, HostKind, Subset
from meshlint.model.resource import Resource


class Used:
    """Which subsets routes use."""

    __slots__ = ("by_host", "by_name", "named", "open_hosts", "open_names")

    def __init__(self) -> None:
        self.by_host: dict[str, set[str]] = {}  # fqdn: subset names
        self.by_name: dict[str, set[str]] = {}  # the same by the name of the Service in any namespace
        self.open_hosts: set[str] = set()  # fqdn of hosts with a subset that a template fills in
        self.open_names: set[str] = set()  # subset names of destinations whose host a template fills in
        self.named: set[tuple[str, str]] = set()  # (DestinationRule name, subset) of Rollouts

    def uses(self, fqdn: str, rule: str, name: str) -> bool:
        if name in self.open_names or (rule, name) in self.named:
            return True
        if ".." in fqdn and name in self.by_name.get(fqdn, ()):
            return True
        if not fqdn.startswith("*"):
            named = name in self.by_host.get(fqdn, ()) or name in self.by_host.get(anywhere(fqdn), ())
            return named or fqdn in self.open_hosts or anywhere(fqdn) in self.open_hosts
        return any(matches(fqdn, host) and name in names for host, names in self.by_host.items()) or any(
            matches(fqdn, host) for host in self.open_hosts
        )


class Subsets:
    def __init__(self, store: Store, hosts: Hosts, routes: Routes) -> None:
        self._store = store
        self._hosts = hosts
        self._routes = routes
        self._exact: dict[str, list[tuple[str, Resource]]] | None = None  # by name without namespace: full name, rule
        self._wild: list[tuple[str, Resource]] = []
        self._users: dict[str, list[Destination]] | None = None

    def host_of(self, rule: Resource) -> Host:
        return self._hosts.of_node(rule.spec.get("host"), rule.namespace)

    def destination_rules(self, host: Host, seen_from: Resource | None) -> Sequence[Resource]:
        named = [rule for fqdn, rule in self._named(host) if fqdn == host.fqdn]
        return _seen([*named, *(rule for pattern, rule in self._wild if matches(pattern, host.fqdn))], seen_from)

    def _named(self, host: Host) -> Sequence[tuple[str, Resource]]:
        """The rules for Services of this name in any namespace, each with the full name of its host."""
        if self._exact is None:
            self._exact = {}
            for rule in self._store.of_kind(Kind.DESTINATION_RULE):
                self._add(rule)
        return self._exact.get(anywhere(host.fqdn), ())

    def _add(self, rule: Resource) -> None:
        fqdn = self.host_of(rule).fqdn
        if fqdn.startswith("*"):
            self._wild.append((fqdn, rule))
        elif fqdn and self._exact is not None:
            self._exact.setdefault(anywhere(fqdn), []).append((fqdn, rule))

    def subsets(self, host: Host, name: str, seen_from: Resource | None) -> Sequence[Subset]:
        """Where the repository does not tell the namespace of the host or of a rule, the rule may be for this host."""
        maybe = [rule for fqdn, rule in self._named(host) if fqdn != host.fqdn and may_be(fqdn, host.fqdn)]
        rules = [*self.destination_rules(host, seen_from), *_seen(maybe, seen_from)]
        return [subset for rule in rules for subset in _declared(rule, name)]

    def users(self, rule: Resource, name: str) -> Sequence[Destination]:
        """Destinations that name the subset of the rule's host (which may be a wildcard)."""
        if self._users is None:
            self._users = {}
            for service in self._store.of_kind(Kind.VIRTUAL_SERVICE):
                for sent in self._routes.destinations(service):
                    if sent.subset.text:
                        self._users.setdefault(sent.subset.text, []).append(sent)
        pattern = self.host_of(rule).fqdn
        hosts = [(sent, sent.host.fqdn) for sent in self._users.get(name, ()) if sent.host.fqdn]
        return [sent for sent, host in hosts if matches(pattern, host) or may_be(pattern, host)]

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
