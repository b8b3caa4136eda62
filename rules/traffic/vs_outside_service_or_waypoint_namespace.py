"""ML106 vs-outside-service-or-waypoint-namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import Confidence, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML106", "vs-outside-service-or-waypoint-namespace", Severity.ERROR, impact=Impact.IGNORED, each=Kind.VIRTUAL_SERVICE,
    evidence="code", reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istio pilot/pkg/networking/core/listener_waypoint.go (getVirtualServiceForWaypoint)"],
    remedy="Move it into the namespace of the host (or of its waypoint), and merge what each client's namespace has of its own.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def vs_outside_service_or_waypoint_namespace(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService of the mesh stands neither in the namespace of its host nor in that of the host's waypoint.

    With sidecars the client's proxy evaluates every VirtualService that is exported to it, wherever it stands. A waypoint
    takes only those next to the Service and next to itself, and drops all others without a word: routing that is kept in
    the client's namespace, or in a central one, stops.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: client-team
    spec:
      hosts: [ratings.bookinfo.svc.cluster.local]  # expect: ML105, ML106
      http:
        - timeout: 3s
          route: [{destination: {host: ratings.bookinfo.svc.cluster.local}}]
    ```

    Remedy: move it to the namespace of the host, with full names in `hosts` and `destination.host`. A waypoint cannot route
    by consumer: where several namespaces had rules of their own for the host, merge them by a header that the clients set,
    or give the consumers Services of their own. No automatic fix: an object that moves may meet another of its name.

    One finding for each VirtualService, at its first such host. Not reported when it is for gateways only, for a delegate
    (it acts where the VirtualService above it stands), when a template tells one of the namespaces or the repository does
    not, when the host is kept off waypoints (vs-mesh-without-waypoint) or its namespace stays out of the mesh, and when the
    host has no waypoint yet that the repository shows and one stands beside the VirtualService. The confidence is low where
    another repository holds the host. With `--goal gateway-api` only what is ambient now counts.
    """
    if not service.namespace or not mesh.mesh_rules(service):
        return
    unread = [(at, host) for at, host in mesh.hosts(service) if _is_unread(service, host, mesh)]
    if unread:
        at, host = unread[0]
        confidence = Confidence.LOW if host.resource is None else None
        message = _message(service, [one for _, one in unread], mesh)
        yield Problem(at, message, confidence=confidence, related=_related(host, mesh), subject=mesh.moves(host, service))


def _is_unread(service: Resource, host: Host, mesh: Mesh) -> bool:
    reads = mesh.route_namespaces(host)
    subject = mesh.moves(host, service)
    if not reads or service.namespace in reads or subject is None or not mesh.waypoint_after(host):
        return False
    if not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
        return False
    return mesh.waypoint(host).bound or not _waypoint_beside(service, mesh)


def _waypoint_beside(service: Resource, mesh: Mesh) -> bool:
    """Does a waypoint stand in the namespace of the VirtualService? The host may be meant to use it."""
    return any(mesh.is_waypoint(gateway) and gateway.namespace == service.namespace for gateway in mesh.all(Kind.K8S_GATEWAY))


def _message(service: Resource, hosts: Sequence[Host], mesh: Mesh) -> str:
    reads = " and ".join(sorted(mesh.route_namespaces(hosts[0])))
    more = f" (and {len(hosts) - 1} more of its hosts)" if len(hosts) > 1 else ""
    return (
        f"{service.title} is for {hosts[0].title}{more}, but stands in namespace {service.namespace}: the waypoint of the host reads "
        f"VirtualServices of {reads} only and ignores this one."
    )


def _related(host: Host, mesh: Mesh) -> tuple[tuple[Node, str], ...]:
    waypoint = mesh.waypoint(host)
    out = [(host.resource.root, "the host")] if host.resource is not None else []
    if waypoint.bound and waypoint.label is not None:
        out.append((waypoint.label, "this label binds the host to its waypoint"))
    return tuple(out)
