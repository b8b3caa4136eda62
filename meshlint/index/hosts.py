"""What a written host stands for."""

from __future__ import annotations

from meshlint.index.names import partial_service, patterns_of, qualified, service_key, service_of
from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, HostKind, Settings
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_STUB_DOMAIN = ".global"  # of Services in other clusters, before Istio 1.8: none of this cluster has such a name


class Hosts:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._domain = settings.cluster_domain
        written = (name.partition("/") for name in settings.assume_services)
        self._assumed = frozenset(service_key(name, namespace, settings.cluster_domain) for namespace, _, name in written)
        self._assumed_namespaces = frozenset(settings.assume_namespaces)
        self._entries: dict[str, list[Resource]] | None = None
        self._namespaces: dict[str, set[str]] | None = None
        self._with_services: set[str] | None = None
        self._answers: dict[tuple[str, str], Host] = {}

    def of_node(self, written: Node, namespace: str) -> Host:
        text = written.text
        if text is None:
            return Host("", HostKind.UNKNOWN, "", "")
        return self.of_text(text, namespace)

    def of_text(self, text: str, namespace: str) -> Host:
        key = (text, namespace)
        if key not in self._answers:
            self._answers[key] = self._resolve(text, namespace)
        return self._answers[key]

    def key(self, name: str, namespace: str) -> str:
        """The key of a Service by name and namespace."""
        return self._service("", name, namespace).fqdn

    def of_service(self, service: Resource) -> Host:
        return self.of_text(service_key(service.name, service.namespace, self._domain), service.namespace)

    def of_resource(self, resource: Resource) -> list[Host]:
        """The hosts that a Service or ServiceEntry provides."""
        if resource.kind is Kind.SERVICE_ENTRY:
            return [self.of_node(node, resource.namespace) for node in resource.spec.each("hosts") if node.text]
        return [self.of_service(resource)]

    def knows(self, host: Host) -> bool:
        if host.service is not None or host.entries:
            return True
        if host.fqdn in self._assumed or host.namespace in self._assumed_namespaces or self._store.environment.missing:
            return False  # another repository holds it, or may
        if self._with_services is None:
            self._with_services = {service.namespace for service in self._store.of_kind(Kind.SERVICE)}
        return host.kind is HostKind.ASSUMED and host.namespace in self._with_services

    def _resolve(self, text: str, namespace: str) -> Host:
        name = text.lower().rstrip(".")
        if "." not in name and not name.startswith("*"):
            return self._service(text, name, namespace or self._only_namespace(name))
        place = service_of(name)
        if place is not None and (name.endswith(f".svc.{self._domain}") or not self._entries_for(name)):
            if name.endswith(_STUB_DOMAIN):
                return Host(text, HostKind.ASSUMED, name, place[0])
            return self._service(text, place[1], self._as_written(text, *place, namespace), given=name)
        if entries := self._entries_for(name):
            return Host(text, HostKind.ENTRY, name, entries[0].namespace, None, tuple(entries))
        if name.startswith("*"):
            inside = name.endswith(f".svc.{self._domain}")
            where = name[2:].split(".")[0] if inside and name.count(".") > 3 else ""
            return Host(text, HostKind.ASSUMED if inside else HostKind.EXTERNAL, name, where)
        if (place := partial_service(name)) is not None:
            service = self._store.find(Kind.SERVICE, *place)
            if name.endswith(".svc") or (service is not None and service.namespace == place[0]):
                return Host(text, HostKind.PARTIAL, name, place[0], service)
        return Host(text, HostKind.EXTERNAL, name, "")

    def _as_written(self, text: str, place: str, name: str, namespace: str) -> str:
        """The namespace in a host, with capitals where the objects have them too: a script fills in such names (TEAM_NAME-shop)."""
        written = text[len(name) + 1 : len(name) + 1 + len(place)]
        known = written == namespace or (written != place and self._store.find(Kind.SERVICE, written, name) is not None)
        return written if known else place

    def _service(self, text: str, name: str, namespace: str, given: str = "") -> Host:
        service = self._store.find(Kind.SERVICE, namespace, name)
        if service is not None:
            key = service_key(name, service.namespace, self._domain)
            external = service.spec.get("type").text == "ExternalName"
            return Host(text, HostKind.SERVICE, key, service.namespace or namespace, service, external_name=external)
        key = given or service_key(name, namespace, self._domain)
        if entries := self._entries_for(key):
            return Host(text, HostKind.ENTRY, key, entries[0].namespace or namespace, None, tuple(entries))
        return Host(text, HostKind.ASSUMED, key, namespace)

    def _entries_for(self, name: str) -> list[Resource]:
        if self._entries is None:
            self._entries = {}
            for entry in self._store.of_kind(Kind.SERVICE_ENTRY):
                for node in entry.spec.each("hosts"):
                    self._add_entry(entry, node.text)
        exact = self._entries.get(name)
        if exact or name.startswith("*"):
            return exact or []
        taking = (self._entries.get(pattern, ()) for pattern in patterns_of(name) if pattern != "*")
        return next((list(found) for found in taking if found), [])  # the longest pattern comes first

    def _add_entry(self, entry: Resource, host: str | None) -> None:
        if host and self._entries is not None:
            self._entries.setdefault(qualified(host, entry.namespace, self._domain), []).append(entry)

    def _only_namespace(self, name: str) -> str:
        """For an object whose namespace is not told: the one namespace that the repository has this name in, if it has
        no such Service without a namespace."""
        if self._namespaces is None:
            self._namespaces = {}
            for service in self._store.of_kind(Kind.SERVICE):
                self._namespaces.setdefault(service.name, set()).add(service.namespace)
            for kind in (Kind.VIRTUAL_SERVICE, Kind.DESTINATION_RULE):
                for resource in self._store.of_kind(kind):
                    self._note(resource)
        known = self._namespaces.get(name, set())
        return next(iter(known)) if len(known) == 1 else ""

    def _note(self, resource: Resource) -> None:
        nodes = resource.spec.each("hosts") if resource.kind is Kind.VIRTUAL_SERVICE else iter([resource.spec.get("host")])
        for node in nodes:
            place = service_of(qualified(node.text or "", resource.namespace, self._domain))
            if place is not None and place[0] and self._namespaces is not None:
                known = self._namespaces.setdefault(place[1], set())
                if "" not in known:
                    known.add(place[0])
