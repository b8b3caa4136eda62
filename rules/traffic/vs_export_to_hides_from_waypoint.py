"""ML109 vs-export-to-hides-from-waypoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Confidence, Fix, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML109", "vs-export-to-hides-from-waypoint", Severity.ERROR, impact=Impact.IGNORED, each=Kind.VIRTUAL_SERVICE, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=["istio pilot/pkg/model/push_context.go (initVirtualServices)", "istio pilot/pkg/networking/core/listener_waypoint.go"],
    remedy="Add the namespace of the waypoint to exportTo.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def vs_export_to_hides_from_waypoint(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """exportTo of a VirtualService leaves out the namespace of the waypoint that is to execute it.

    It was exported to its clients, whose sidecars executed it. In ambient the waypoint does, and what it may read is judged
    from its own namespace: a VirtualService that only the clients may read, or only its own namespace while the waypoint
    stands in another, is ignored without a status.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint
        istio.io/use-waypoint-namespace: shared-waypoints
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]
      exportTo: ["."]  # expect: ML109
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shared-waypoints
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}]
    ```

    Remedy: name the waypoint's namespace in `exportTo`, or export to `*`. Where the mesh's default decides
    (meshConfig.defaultVirtualServiceExportTo), give the VirtualService an exportTo of its own. meshlint can
    write either. That is safe where the VirtualService stands in the namespace of its host, is the only one for it, and no
    sidecars of the waypoint's namespace would begin to read it; elsewhere it needs a look.

    One finding for each VirtualService. Not reported when the waypoint stands in the namespace of a VirtualService that
    exports to `.`, without any exportTo, for `~` (exported to nobody, on sidecars too), when it is for gateways only, outside
    of the namespaces that a waypoint reads (vs-outside-service-or-waypoint-namespace), when a template tells a namespace, when
    the host is kept off waypoints, and when its namespace stays out of the mesh. The confidence is low where another
    repository holds the host. With `--goal gateway-api` only what is ambient now counts.
    """
    exported = mesh.export_to(service)
    values = [node.text for node in exported.each()]
    if not values or "~" in values or not service.namespace or not mesh.mesh_rules(service):
        return
    for _, host in mesh.hosts(service):
        where = _waypoint_namespace(service, host, mesh)
        if where and not mesh.readable(service, where):
            own = service.spec.get("exportTo")
            at = own if exported == own else service.spec.get("missing")
            confidence = Confidence.LOW if host.resource is None else None
            message = _message(service, host, where, [value for value in values if value], exported == own)
            related, subject = _related(host, exported, own, mesh), mesh.moves(host, service)
            yield Problem(at, message, confidence=confidence, related=related, fix=partial(_fix, service, mesh), subject=subject)
            return


def _waypoint_namespace(service: Resource, host: Host, mesh: Mesh) -> str:
    """Where the waypoint stands that is to execute the VirtualService; nothing where none is, or it reads it not at all."""
    subject = mesh.moves(host, service)
    if service.namespace not in mesh.route_namespaces(host) or subject is None or not mesh.waypoint_after(host):
        return ""
    if not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
        return ""
    waypoint = mesh.waypoint(host)
    return waypoint.namespace if waypoint.bound else host.namespace


def _message(service: Resource, host: Host, where: str, values: list[str], own: bool) -> str:
    said = f"exports to {', '.join(values)}" if own else f"has no exportTo, and the mesh's default is {', '.join(values)}"
    return f"{service.title} {said}: the waypoint of {host.title} stands in namespace {where}, may not read it and ignores it."


def _related(host: Host, exported: Node, own: Node, mesh: Mesh) -> tuple[tuple[Node, str], ...]:
    out = [] if exported == own else [(exported, "the mesh's default")]
    label = mesh.waypoint(host).label
    if label is not None:
        out.append((label, "this label binds the host to its waypoint"))
    return tuple(out)


def _fix(service: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import exports

    found = [(host, _waypoint_namespace(service, host, mesh)) for _, host in mesh.hosts(service)]
    return exports.add(service, [(host, where) for host, where in found if where], mesh)
