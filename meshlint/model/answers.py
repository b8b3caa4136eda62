"""What a rule gets for an answer: data planes, hosts, routes, subsets, waypoints, workloads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Union

from meshlint.model.node import Node
from meshlint.model.policy import Scope
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

Subject = Union[Resource, str]  # an object, or a namespace by name


class Mode(Enum):
    """Which data plane serves a workload or namespace, as far as the repository tells."""

    SIDECAR = "sidecar"
    AMBIENT = "ambient"
    BOTH = "both"  # ambient label and sidecar injection together
    OUT = "none"  # explicitly kept out of the mesh
    UNKNOWN = "unknown"


class HostKind(Enum):
    """What kind of thing a host stands for."""

    SERVICE = "service"  # a Kubernetes Service of the repository
    ENTRY = "service-entry"  # a ServiceEntry of the repository holds the name
    ASSUMED = "assumed-service"  # looks like a Service of the mesh that the repository does not hold
    EXTERNAL = "external"  # a name outside of the cluster that no ServiceEntry holds
    PARTIAL = "partial"  # name.namespace or name.namespace.svc: Istio does not complete it
    UNKNOWN = "unknown"  # a template fills it in


class Host(NamedTuple):
    """What a written host stands for, seen from an object's namespace (Istio: short names take the object's namespace).

    `fqdn` is the key under which hosts are compared, never the written text. `namespace` is the namespace of the
    Service, empty where not known. `service` is the Service, `entries` the ServiceEntries that hold the name.
    """

    written: str
    kind: HostKind
    fqdn: str
    namespace: str
    service: Resource | None = None
    entries: tuple[Resource, ...] = ()
    external_name: bool = False

    @property
    def headless(self) -> bool:
        """Is it a Service without an address of its own, whose clients call its pods?"""
        return self.service is not None and self.service.spec.get("clusterIP").text == "None"

    @property
    def wildcard(self) -> bool:
        return self.fqdn.startswith("*")

    @property
    def title(self) -> str:
        """How messages name the host: its full name, as written where the repository does not tell its namespace."""
        return self.written if not self.fqdn or ".." in self.fqdn else self.fqdn

    @property
    def in_mesh(self) -> bool:
        """Is it a Service of the cluster (held or assumed), or a ServiceEntry?"""
        return self.kind in (HostKind.SERVICE, HostKind.ENTRY, HostKind.ASSUMED)

    @property
    def resource(self) -> Resource | None:
        """The object behind the host: the Service, else the first ServiceEntry."""
        return self.service or (self.entries[0] if self.entries else None)


class GatewayRef(NamedTuple):
    """One entry of a VirtualService's `gateways` other than `mesh`, resolved: [namespace/]name."""

    at: Node
    namespace: str
    name: str
    istio: Resource | None
    kubernetes: Resource | None


class Binding(NamedTuple):
    """Where a VirtualService acts. `mesh`: on sidecars (and waypoints). `known` is False where a template decides."""

    mesh: bool
    gateways: tuple[GatewayRef, ...]
    known: bool = True


class Destination(NamedTuple):
    """One destination of a route: of a VirtualService (http, tcp, tls, mirror, mirrors), or a backendRef of a Gateway API route.

    `mesh`: does the mesh execute this route (its match does not confine it to gateways)?
    `at` is the `destination`/`mirror` mapping or the backendRef; `subset` is absent where there is none.
    """

    route: Resource
    at: Node
    rule: Node
    section: str  # http, tcp, tls, or rules
    host: Host
    host_node: Node
    subset: Node
    mirror: bool
    mesh: bool


class Subset(NamedTuple):
    """A subset that a DestinationRule declares: `at` is its list item."""

    rule: Resource
    at: Node
    name: str
    labels: Mapping[str, str]


class WaypointState(Enum):
    """What a use-waypoint label comes to."""

    NONE = "none"  # no use-waypoint label on the object or its namespace
    OPTED_OUT = "opted-out"  # use-waypoint: none
    OK = "ok"  # the label names a waypoint that the repository (or the configuration) holds and that fits
    MISSING = "missing"  # the label names a Gateway that the repository does not hold
    WRONG_TYPE = "wrong-type"  # waypoint-for does not cover this kind of traffic
    DENIED = "denied"  # allowedRoutes does not admit the namespace


class Waypoint(NamedTuple):
    """The waypoint of a Service, ServiceEntry, workload or namespace, by the label that decides (`label` is absent for NONE)."""

    state: WaypointState
    name: str
    namespace: str
    label: Node | None
    gateway: Resource | None
    inherited: bool = False  # by the label of its namespace, not by its own

    @property
    def bound(self) -> bool:
        """Does traffic take this waypoint, or would it if the Gateway is held by another repository?"""
        return self.state in (WaypointState.OK, WaypointState.MISSING)


class Refusal(NamedTuple):
    """Why no listener of `holder`, a Gateway or ListenerSet, takes a route, or a Gateway a ListenerSet: `at` is the field of the
    route that decides, `listener` what refuses."""

    at: Node
    why: str
    listener: Node
    holder: Resource


class Workload(NamedTuple):
    """Something that makes pods: `template` is the pod template (metadata and spec), of a Pod the object itself."""

    resource: Resource
    template: Node
    namespace: str
    labels: Mapping[str, str]
    gateway: bool  # an Istio gateway (injected, from a chart, or managed), not an application with a sidecar

    def label(self, name: str) -> Node:
        """The value of a pod label, with its place; absent where there is none."""
        return self.resource.pod_label(self.template, name)


class Reach(NamedTuple):
    """Whom a policy without targetRefs acts on, by the labels of pods (never those of Services).

    `workloads`: the applications that the repository holds, gateways left out. `services`: their Services, and those
    whose own selector says that the policy takes all their pods. `subject`: what decides whether the policy acts in ambient
    now or later; None: on nobody that may move (gateways only, all stay out, a selector that a template fills in), or it
    has targetRefs.
    """

    scope: Scope
    workloads: tuple[Workload, ...]
    services: tuple[Resource, ...]
    subject: Union[Resource, str, None]


class MeshSetting(NamedTuple):
    """A MeshConfig of the repository: `config` is its mapping, `holder` the object it stands in (None: a values file)."""

    config: Node
    holder: Resource | None
    file: str


class Settings(NamedTuple):
    """What the user asked for (command line, configuration)."""

    goal: str = "both"  # ambient, gateway-api, both
    phase: str | None = None  # prepare, switch, cleanup
    assume_mode: str | None = None  # ambient, sidecar
    cluster_domain: str = "cluster.local"
    root_namespace: str = "istio-system"
    assume_services: tuple[str, ...] = ()
    assume_waypoints: tuple[str, ...] = ()
    assume_gateways: tuple[str, ...] = ()
    assume_namespaces: tuple[str, ...] = ()

    @property
    def to_gateway_api(self) -> bool:
        return self.goal in ("gateway-api", "both")

    @property
    def to_ambient(self) -> bool:
        return self.goal in ("ambient", "both")
