"""Gateway API objects: does Istio run them, who consents to a reference, who uses a waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.index.routes import Routes
from meshlint.index.store import Store
from meshlint.index.waypoints import USE_WAYPOINT, Waypoints, label_node
from meshlint.model.kind import ISTIO_KINDS, LINKERD_KINDS, ROUTES, WORKLOADS, Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_INSTALLERS = (Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.ISTIO_REVISION, Kind.ISTIO_CNI, Kind.ZTUNNEL)
_LABELS = ("istio-injection", "istio.io/rev", "istio.io/dataplane-mode", USE_WAYPOINT)
_INJECT = "linkerd.io/inject"
_CHARTS = frozenset({"istiod", "base", "cni", "ztunnel", "gateway"})
_BOUND = (Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS)


class GatewayApi:
    def __init__(self, store: Store, dataplane: Dataplane, waypoints: Waypoints, routes: Routes) -> None:
        self._store = store
        self._dataplane = dataplane
        self._waypoints = waypoints
        self._routes = routes
        self._istio: bool | None = None
        self._linkerd: bool | None = None
        self._run: dict[Resource, bool] = {}
        self._users: dict[Resource, list[tuple[Resource, Node]]] | None = None

    # who runs it

    def istio_runs(self, resource: Resource) -> bool:
        if resource not in self._run:
            self._run[resource] = self._runs(resource)
        return self._run[resource]

    def _runs(self, resource: Resource) -> bool:
        if self._routes.foreign(resource) or _detached(resource):
            return False
        return self._of_istio(resource) or self._shows_istio()

    def _of_istio(self, resource: Resource) -> bool:
        """Is it, or one of its parents, a Gateway of a class that is Istio's?"""
        if resource.kind is Kind.K8S_GATEWAY:
            return self._waypoints.istio_class(resource)
        refs = [*resource.spec.each("parentRefs"), *resource.spec.each("parentRef")]
        gateways = [self._routes.gateway_of(resource, ref) for ref in refs]
        return any(gateway is not None and self._waypoints.istio_class(gateway) for gateway in gateways)

    def _shows_istio(self) -> bool:
        if self._istio is None:
            self._istio = any(self._signs())
        return self._istio

    def _signs(self) -> Iterator[bool]:
        """What tells that the environment is one of Istio: its objects, its installation, its labels, Gateways of its classes."""
        for kind in (*ISTIO_KINDS, *_INSTALLERS):
            yield from (True for _ in self._held(kind))
        yield from (self._waypoints.istio_class(gateway) for gateway in self._held(Kind.K8S_GATEWAY))
        for kind in (Kind.NAMESPACE, Kind.SERVICE):
            yield from (any(label in resource.labels for label in _LABELS) for resource in self._held(kind))
        for kind in (Kind.HELM_RELEASE, Kind.ARGO_APPLICATION):
            yield from (_installs(resource) for resource in self._held(kind))

    def linkerd_alone(self) -> bool:
        if self._linkerd is None:
            self._linkerd = not self._shows_istio() and any(self._signs_of_linkerd())
        return self._linkerd

    def _signs_of_linkerd(self) -> Iterator[bool]:
        for kind in LINKERD_KINDS:
            yield from (True for _ in self._held(kind))
        for kind in (Kind.NAMESPACE, *WORKLOADS):
            yield from (_INJECT in resource.annotations or _INJECT in resource.root.table.keys for resource in self._held(kind))
        for kind in (Kind.HELM_RELEASE, Kind.ARGO_APPLICATION):
            charts = (source.get("chart").text or "" for resource in self._held(kind) for source in _sources(resource))
            yield from (chart.startswith("linkerd") for chart in charts)

    def _held(self, kind: Kind) -> Iterator[Resource]:
        """Objects as evidence only, which no rule has to declare."""
        for part in self._store.near:
            yield from part.by_kind.get(kind, ())

    # references

    def granted(self, referrer: Resource, group: str, kind: str, namespace: str, name: str) -> bool:
        for grant in self._store.of_kind(Kind.REFERENCE_GRANT):
            if grant.namespace in (namespace, "") and _from(grant, referrer) and _to(grant, group, kind, name):
                return True
        return False

    # waypoints

    def waypoint_users(self, gateway: Resource) -> Sequence[tuple[Resource, Node]]:
        if self._users is None:
            self._users = {}
            for kind in _BOUND:
                for resource in self._store.of_kind(kind):
                    found = self._waypoints.of(resource)
                    if found.gateway is not None and not found.inherited and found.label is not None:
                        self._users.setdefault(found.gateway, []).append((resource, found.label))
        return self._users.get(gateway, ())

    def waypoint_label(self, resource: Resource) -> Node:
        return label_node(resource, USE_WAYPOINT)


def _detached(resource: Resource) -> bool:
    """Is it a route without a parent, which waits for another route (of another controller) to delegate to it?"""
    return resource.kind in ROUTES and resource.spec.get("parentRefs").value in (None, [])


def _sources(resource: Resource) -> Sequence[Node]:
    """What a HelmRelease or an Application may name a chart in."""
    return (resource.spec.get("chart", "spec"), resource.spec.get("source"), *resource.spec.each("sources"))


def _installs(resource: Resource) -> bool:
    for source in _sources(resource):
        if source.get("chart").text in _CHARTS and "istio" in (source.get("repoURL").text or source.get("sourceRef", "name").text or ""):
            return True
    return False


def _from(grant: Resource, referrer: Resource) -> bool:
    for entry in grant.spec.each("from"):
        if any(entry.get(field).unknown for field in ("group", "kind", "namespace")):
            return True
        told = (entry.get("group").text, entry.get("kind").text) == (referrer.kind.group, referrer.kind.kind)
        if told and referrer.namespace in (entry.get("namespace").text, ""):
            return True
    return False


def _to(grant: Resource, group: str, kind: str, name: str) -> bool:
    for entry in grant.spec.each("to"):
        if any(entry.get(field).unknown for field in ("group", "kind", "name")):
            return True
        if (entry.get("group").text or "", entry.get("kind").text) == (group, kind) and entry.get("name").text in (None, "", name):
            return True
    return False
