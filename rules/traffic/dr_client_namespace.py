"""ML123 dr-client-namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import WORKLOADS, Confidence, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML123", "dr-client-namespace", Severity.ERROR, impact=Impact.IGNORED, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["trafficPolicy", "subsets"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=["istio pilot/pkg/model/push_context.go (destinationRule)", "istio pilot/pkg/networking/core/cluster_waypoint.go"],
    remedy="Merge it into one DestinationRule in the namespace of the host (or of its waypoint), for all callers.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.DESTINATION_RULE],
)  # fmt: skip
def dr_client_namespace(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule stands in the namespace of a caller: neither in that of its host, nor of the host's waypoint, nor in
    the root namespace.

    Istio looks for a DestinationRule in the namespace of the client, then of the Service, then in the root namespace. In
    ambient the client is the waypoint: what a caller's team keeps in its own namespace for somebody else's Service is never
    found, and callers can no longer have settings of their own.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels: {istio.io/use-waypoint: waypoint}
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: client-team
    spec:
      host: ratings.bookinfo.svc.cluster.local  # expect: ML123
      trafficPolicy:
        loadBalancer: {simple: LEAST_REQUEST}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ```

    Remedy: one DestinationRule in the namespace of the Service, with what all callers need; for an external host put the
    DestinationRule, its ServiceEntry and the waypoint into one namespace. No automatic fix: an object that moves may meet
    another of its name, and callers may have contradicting settings.

    Severity: what decides is the namespace of the DestinationRule, whose callers lose it. A warning where that namespace also
    runs a gateway, which goes on reading it. Not reported when the namespace runs gateways only, in the root namespace, when
    the rule only says `tls.mode: ISTIO_MUTUAL` or `DISABLE` or names subsets that nobody uses, for a workloadSelector
    (dr-workload-selector), when a template tells one of the namespaces or the repository does not (a wildcard over several
    of them), when the host is kept off waypoints (dr-without-waypoint) or stays out of the mesh, and when the host has no
    waypoint yet that the repository shows and one stands beside the DestinationRule. The confidence is low where another
    repository holds the host.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    if not _is_unread(policy, host, mesh) or not mesh.shapes_traffic(policy):
        return
    *others, last = sorted({*mesh.route_namespaces(host), mesh.settings.root_namespace})
    reads = f"{', '.join(others)} and {last}" if others else last
    gateways = mesh.gateways_in(policy.namespace) is not None or _gateway_beside(policy, mesh)
    reader = "the waypoint of the host" if mesh.waypoint(host).bound else "a waypoint for the host"
    tail = f" The gateways of {policy.namespace} go on reading it." if gateways else ""
    found = _found_instead(policy, host, mesh)
    yield Problem(
        policy.spec.get("host"),
        f"{policy.title} is for {host.title}, but stands in namespace {policy.namespace}: {reader} looks for "
        f"DestinationRules in {reads} and never finds it.{tail}",
        Severity.WARNING if gateways else None,
        confidence=Confidence.LOW if host.resource is None else None,
        related=_related(host, found, mesh),
        remedy=f"Merge it into {found[0].title}, which the waypoint reads." if found else None,
    )


def _is_unread(policy: Resource, host: Host, mesh: Mesh) -> bool:
    reads = mesh.route_namespaces(host)
    if not policy.namespace or not reads or policy.namespace in reads or policy.namespace == mesh.settings.root_namespace:
        return False
    if mesh.rule_subject(policy) is None or not mesh.candidate(policy) or policy.spec.get("workloadSelector").is_map:
        return False
    return mesh.waypoint_after(host) and (mesh.waypoint(host).bound or not _waypoint_beside(policy, mesh))


def _waypoint_beside(policy: Resource, mesh: Mesh) -> bool:
    """Does a waypoint stand in the namespace of the DestinationRule? The host may be meant to use it."""
    return any(mesh.is_waypoint(gateway) and gateway.namespace == policy.namespace for gateway in mesh.all(Kind.K8S_GATEWAY))


def _gateway_beside(policy: Resource, mesh: Mesh) -> bool:
    """Does Istio run a Kubernetes Gateway in the namespace, whose pods stand there too?"""
    beside = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.namespace == policy.namespace]
    return any(not mesh.is_waypoint(gateway) and not mesh.foreign_class(gateway) for gateway in beside)


def _found_instead(policy: Resource, host: Host, mesh: Mesh) -> Sequence[Resource]:
    """The DestinationRules for the host in the namespaces that its waypoint reads."""
    reads = mesh.route_namespaces(host)
    return [other for other in mesh.destination_rules(host) if other is not policy and other.namespace in reads]


def _related(host: Host, found: Sequence[Resource], mesh: Mesh) -> tuple[tuple[Node, str], ...]:
    waypoint = mesh.waypoint(host)
    out = [(host.resource.root, "the host")] if host.resource is not None else []
    if waypoint.bound and waypoint.label is not None:
        out.append((waypoint.label, "this label binds the host to its waypoint"))
    return (*out, *((other.root, "the waypoint reads this one") for other in found[:2]))
