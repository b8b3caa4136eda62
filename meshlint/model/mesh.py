"""The questions a rule may ask of an environment; what it gets for an answer stands in meshlint.model.answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from meshlint.model.answers import (
    Binding,
    Destination,
    GatewayRef,
    Host,
    HostKind,
    MeshSetting,
    Mode,
    Reach,
    Refusal,
    Settings,
    Subject,
    Subset,
    Waypoint,
    WaypointState,
    Workload,
)
from meshlint.model.installed import Installed
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.policy import Peer, PolicyTarget
from meshlint.model.resource import Environment, Resource
from meshlint.model.schema import Fault

if TYPE_CHECKING:
    from meshlint.model.conversion import Because, Converted, Manner
    from meshlint.model.target import Target

__all__ = [
    "Binding", "Destination", "GatewayRef", "Host", "HostKind", "Mesh", "MeshSetting", "Mode", "Reach", "Refusal", "Settings",
    "Subject", "Subset", "Waypoint", "WaypointState", "Workload",
]  # fmt: skip


class Mesh(Installed, Protocol):
    """One environment, asked. Rules get nothing else; every answer is computed once and kept."""

    @property
    def target(self) -> Target: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def environment(self) -> Environment: ...

    # objects
    def all(self, kind: Kind) -> Sequence[Resource]:
        """The objects of a kind that are judged in this environment."""
        ...

    def around(self, kind: Kind) -> Sequence[Resource]:
        """The objects of a kind that count as part of the same mesh: the judged ones, and those that they are judged beside."""
        ...

    def copies(self, resource: Resource) -> Sequence[Resource]:
        """The objects of its identity here, itself among them: in plain folders they are alternatives, and one of them may be meant."""
        ...

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """An object by identity, also where only the rest of the repository holds it."""
        ...

    def apart(self, kind: Kind, namespace: str, name: str = "") -> Resource | None:
        """An object of a kind and namespace (and name) that only other environments of the repository hold. Where one of the two
        namespaces is not told, they may be the same."""
        ...

    def elsewhere(self, kind: Kind) -> bool:
        """Does the repository hold objects of the kind that this environment does not see (templates included)?"""
        ...

    # data plane
    def mode(self, of: Subject) -> Mode:
        """The data plane of an object (workload, Service, policy: its namespace) or of a namespace by name, now."""
        ...

    def ambient_now(self, of: Subject) -> bool:
        """Is it served by ambient today (its labels say so, or --assume-mode does)?"""
        ...

    def candidate(self, of: Subject) -> bool:
        """Is it, or may it become, ambient: not known to stay out (docs/migrating.md)?"""
        ...

    def meshed(self, of: Subject) -> bool:
        """Does the repository show that a namespace (by name, or an object's) is a candidate that is or will be in the mesh: by
        its labels (or --assume-mode ambient), by configuration of sidecars in it (not of gateways), or by pods that ask for
        one? Candidates of which it tells nothing are not, nor are objects whose namespace a template fills in."""
        ...

    def enablement_selectors(self) -> Sequence[Node]:
        """The CNI's own selectors of what is ambient (values `ambient.enablementSelectors`), where the installation sets them."""
        ...

    def workloads(self, selector: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        """Workloads whose pod template carries all labels; an empty selector takes all of the namespace,
        an empty namespace (or the root namespace for mesh-wide policies) is the caller's business."""
        ...

    def workload(self, of: Resource) -> Workload | None:
        """What an object makes pods from; None where it makes none."""
        ...

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        """The Services whose selector takes the workload's pods."""
        ...

    def selects_only_gateways(self, selector: Mapping[str, str], namespace: str) -> bool:
        """Does a selector take gateway pods only (known workloads, else the labels that gateways carry)?"""
        ...

    def guards(self, workload: Workload) -> Sequence[Resource]:
        """The AuthorizationPolicies and STRICT PeerAuthentications that take a workload's pods, those with targetRefs left out."""
        ...

    def policies_together(self, policy: Resource, direction: str) -> Sequence[Resource]:
        """The NetworkPolicies that isolate, for Ingress or Egress, every pod that this NetworkPolicy selects; itself among them
        if it does. Allowed is what any of them allows."""
        ...

    # policies
    def reach(self, policy: Resource) -> Reach:
        """Whom a policy with `selector`, or with neither selector nor targetRefs, acts on: by the labels of pods."""
        ...

    def policies_over(self, service: Resource, kind: Kind) -> Sequence[Resource]:
        """The policies of a kind without targetRefs that take pods of the Service; those for gateways only are left out."""
        ...

    def targets(self, policy: Resource) -> Sequence[PolicyTarget]:
        """The targetRefs of a policy (or its one targetRef), resolved in the policy's namespace."""
        ...

    def attached(self, target: Resource, kind: Kind) -> Sequence[tuple[Resource, Node]]:
        """The policies of a kind whose targetRefs (the node) act on a Service or ServiceEntry: by its own name, by its
        waypoint's, or by the class of waypoints."""
        ...

    def peer_authentications_above(self, policy: Resource) -> tuple[Resource | None, Resource | None]:
        """The PeerAuthentications without a selector, of the policy's namespace and of the whole mesh, that a PeerAuthentication
        takes over from; itself left out. None: the environment has none."""
        ...

    def waypoint_reason(self, service: Resource) -> Node | None:
        """Why a Service has a waypoint or will need one: its label, a targetRef or parentRef that names it, a VirtualService
        of the mesh for it. None: the repository shows no reason, or the Service opted out or is headless."""
        ...

    def waypoint_work(self, target: Resource) -> Sequence[tuple[Resource, Node]]:
        """What is written for a Service or ServiceEntry that only a waypoint of it executes: VirtualServices of the mesh that do
        more than send its traffic to itself, routes with it as parent, and policies whose targetRefs name it; each with the
        node that names it."""
        ...

    def read_in_ambient(self, entry: Resource) -> bool:
        """May a ServiceEntry be for ambient clients? Not if its namespace stays out, or if its exportTo (or the mesh's) names
        only namespaces that stay out or hold nothing but gateways."""
        ...

    def visibility(self, entry: Resource) -> tuple[str, Node] | None:
        """How far a ServiceEntry is visible in ambient by MeshConfig's serviceEntryVisibility: PUBLIC, NAMESPACE or NONE, and
        what says so. None: it is not set, or what is not known decides. Whether the target heeds it is the caller's business."""
        ...

    def waypoint_peers(self, service: Resource) -> Sequence[Peer]:
        """Whom the destination's ztunnel sees for what came through the Service's waypoint: the waypoint of its label, else
        every waypoint of its namespace, else one of the namespace whose account is not known."""
        ...

    def trust_domain(self) -> str:
        """The trust domain of the mesh as its MeshConfig says it; cluster.local where nothing does."""
        ...

    # hosts and routes
    def host(self, written: Node, seen_from: Resource) -> Host:
        """What a host in an object stands for (short name, FQDN, wildcard, ServiceEntry, ExternalName)."""
        ...

    def hosts_of(self, resource: Resource) -> Sequence[Host]:
        """The hosts that a Service or ServiceEntry provides."""
        ...

    def knows(self, host: Host) -> bool:
        """Is the repository the authority on this host: it holds its Service or ServiceEntry, or Services of its namespace?"""
        ...

    def binding(self, virtual_service: Resource) -> Binding: ...

    def hosts(self, virtual_service: Resource) -> Sequence[tuple[Node, Host]]:
        """The hosts a VirtualService speaks for, each with its node."""
        ...

    def destinations(self, virtual_service: Resource) -> Sequence[Destination]:
        """Every destination of a VirtualService: http, tcp and tls routes, mirror and mirrors."""
        ...

    def mesh_rules(self, virtual_service: Resource) -> Sequence[Node]:
        """The http, tcp and tls entries that the mesh executes: bound to it, and with a match that is not confined to gateways.
        None where a template decides on the binding."""
        ...

    def moves(self, host: Host, seen_from: Resource) -> Subject | None:
        """What decides whether traffic to the host is ambient now or may be later: the Service's namespace, the ServiceEntry
        (or `seen_from`, its reader, where the entry's namespace stays out). None: not in the mesh, or it stays out of ambient."""
        ...

    def mesh_subject(self, virtual_service: Resource) -> Subject | None:
        """The same for a VirtualService's mesh rules: of its hosts (of a delegate: of those that delegate to it) the first
        that is ambient now, else the first that may be. None: none may be, or it has no mesh rules."""
        ...

    def converted_rules(self, virtual_service: Resource) -> Sequence[Node]:
        """The http entries that are to become rules of an HTTPRoute: what the mesh executes and moves to ambient, and with
        `--goal gateway-api` also what gateways execute. None with `--goal ambient`."""
        ...

    def reordered(self, virtual_service: Resource) -> Sequence[tuple[Node, Node]]:
        """Of the converted rules, pairs of matches (an entry without match stands for itself) that share requests, of which an
        HTTPRoute puts the second first, with another effect."""
        ...

    def narrowed(self, virtual_service: Resource) -> Sequence[Node]:
        """Of the converted rules, the `uri.prefix` values that lose paths as a PathPrefix, which compares whole segments, where
        another rule or none takes these paths then."""
        ...

    def convert(self, resource: Resource, manner: Manner | None = None) -> Converted:
        """What becomes of a VirtualService or Istio Gateway in the Gateway API of the target: the verdict, and the objects in its
        place."""
        ...

    def gateway_users(self, gateway: Resource) -> Sequence[tuple[Mesh, Resource]]:
        """The VirtualServices with hosts that are bound to an Istio Gateway, in any environment, each with the environment's mesh."""
        ...

    def keeps(self, virtual_service: Resource, manner: Manner) -> Because | None:
        """What of a VirtualService itself keeps it at its Istio Gateways when these are converted; None: nothing."""
        ...

    def route_namespaces(self, host: Host) -> frozenset[str]:
        """The namespaces whose VirtualServices, and routes with a Service parent, the waypoint of a host reads: the host's own
        and the waypoint's. Empty where one of them is not known."""
        ...

    def export_to(self, resource: Resource) -> Node:
        """The exportTo that decides on an object: its own, else the mesh's default; absent where neither is set."""
        ...

    def readable(self, resource: Resource, namespace: str) -> bool:
        """May the proxies of a namespace read a VirtualService or DestinationRule, by the exportTo that decides?"""
        ...

    def backends(self, route: Resource) -> Sequence[Destination]:
        """Every Service backendRef of a Gateway API route."""
        ...

    def virtual_services(self, host: Host) -> Sequence[Resource]:
        """VirtualServices that speak for the host (wildcards included)."""
        ...

    def beside(self, service: Resource, host: Host) -> Sequence[Resource]:
        """Those of them that are applied together with one, itself among them: in plain folders each file may be a choice."""
        ...

    def mesh_routes(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        """Gateway API routes whose parentRef (the node) is the Service or ServiceEntry behind the host."""
        ...

    def ingress_users(self, host: Host) -> Sequence[tuple[Resource, Node]]:
        """Routes that send ingress traffic to the host: VirtualServices bound to gateways, routes with a Gateway parent,
        Ingresses of Istio's class; with the node of the destination."""
        ...

    def editors(self, resource: Resource) -> Sequence[Resource]:
        """Rollouts and Canaries that edit this VirtualService or DestinationRule."""
        ...

    # destination rules
    def destination_rules(self, host: Host, seen_from: Resource | None = None) -> Sequence[Resource]:
        """DestinationRules for the host that `seen_from` can read (exportTo, root namespace, wildcard hosts)."""
        ...

    def subsets(self, host: Host, name: str, seen_from: Resource | None = None) -> Sequence[Subset]:
        """The declarations of a subset that `seen_from` can read."""
        ...

    def subset_users(self, rule: Resource, name: str) -> Sequence[Destination]:
        """The destinations of this environment's VirtualServices that name the subset of the DestinationRule's host."""
        ...

    def subset_used(self, rule: Resource, name: str) -> bool:
        """Does any route, Rollout or Canary of the whole repository use this subset of the DestinationRule's host,
        or may a template that was not analysed?"""
        ...

    def rule_subject(self, rule: Resource) -> Subject | None:
        """What decides whether the traffic that a DestinationRule shapes in the mesh is ambient now or may be later. None: its
        host is not in the mesh or stays out, it is the Service of a gateway, only gateways read the rule, or the goal leaves
        it out (`--goal gateway-api`, and nothing is ambient now)."""
        ...

    def traffic_policies(self, rule: Resource) -> Sequence[Node]:
        """The traffic policies of a DestinationRule that act: its own and those of subsets that anything uses, each followed by
        those of its ports."""
        ...

    def shapes_traffic(self, rule: Resource) -> bool:
        """Does a DestinationRule say anything that a waypoint would apply: a setting other than `tls.mode` ISTIO_MUTUAL or
        DISABLE, or a subset that anything uses?"""
        ...

    def ingress_only(self, host: Host) -> bool:
        """Does the repository show gateways that send to the host, and no route of the mesh for it?"""
        ...

    def gateways_in(self, namespace: str) -> bool | None:
        """Are the pods of a namespace gateways: all that the repository makes there (True), or some (False)? None: none is."""
        ...

    # gateways and waypoints
    def waypoint(self, of: Resource | Host) -> Waypoint:
        """The effective waypoint: label on the object, else on its namespace."""
        ...

    def waypoint_after(self, of: Resource | Host) -> bool:
        """The state after the move: has it a waypoint now, or may it get one (every candidate does, unless opted out)?"""
        ...

    def is_waypoint(self, gateway: Resource) -> bool:
        """Is a Kubernetes Gateway a waypoint (class istio-waypoint or of a mesh controller, HBONE listeners only)?"""
        ...

    def foreign_class(self, gateway: Resource) -> bool:
        """Is a Kubernetes Gateway run by another controller than Istio's?"""
        ...

    def foreign(self, resource: Resource) -> bool:
        """Does another controller than Istio's run a Gateway API object: a Gateway of its class, or a route or ListenerSet
        whose every parent is such a Gateway (also by way of a ListenerSet) or of an API group that Istio does not serve?"""
        ...

    def istio_runs(self, resource: Resource) -> bool:
        """Is a Gateway API object Istio's to run: not foreign, and it or a parent is a Gateway of Istio's classes, or the
        environment shows Istio (objects, installation or labels of it)?"""
        ...

    def linkerd_alone(self) -> bool:
        """Does the environment show Linkerd (objects, annotations or charts of it), and nothing of Istio?"""
        ...

    def granted(self, referrer: Resource, group: str, kind: str, namespace: str, name: str) -> bool:
        """Does a ReferenceGrant in the namespace allow an object to refer to a group, kind and name there?"""
        ...

    def waypoint_label(self, resource: Resource) -> Node:
        """The object's own istio.io/use-waypoint label (of a workload: of its pods); absent where there is none."""
        ...

    def waypoint_users(self, gateway: Resource) -> Sequence[tuple[Resource, Node]]:
        """The objects whose own use-waypoint label (the node) names this Gateway: Services, ServiceEntries, namespaces, workloads."""
        ...

    def parent(self, route: Resource, ref: Node) -> Resource | None:
        """The Gateway, Service or ServiceEntry that a parentRef names (default kind Gateway, default namespace the route's)."""
        ...

    def refusal(self, route: Resource, ref: Node) -> Refusal | None:
        """Why no listener of the Gateway or ListenerSet that a parentRef names takes the route: no such listener, or one for other
        kinds of routes, other namespaces or other hostnames. Of a ListenerSet: why the Gateway does not admit it. None: it is taken,
        a template decides, the repository does not hold what is named."""
        ...

    def backend_host(self, route: Resource, ref: Node) -> Host:
        """The Service that a backendRef names (default namespace the route's)."""
        ...

    def parent_host(self, route: Resource, ref: Node) -> Host | None:
        """The host behind a parentRef to a Service (which another repository may hold) or to a ServiceEntry of this one; None for
        Gateways, other kinds, and what a template fills in."""
        ...

    # schema
    def schema(self, resource: Resource) -> Sequence[Fault]:
        """What the CRDs of the target's release and channel do not accept of an Istio or Gateway API object, in the order of
        the text; nothing of a version that they do not serve (of Gateway API: in neither channel)."""
        ...

    def twin(self, resource: Resource) -> Resource | None:
        """The first object of the same identity that stands before this one in what is applied together; where folders are
        plain, in the same file. None where a template decides on names, or on what is there."""
        ...
