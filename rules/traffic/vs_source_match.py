"""ML107 vs-source-match."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_DROPPED = "1.25"


@rule(
    "ML107", "vs-source-match", Severity.ERROR, impact=Impact.BREAKS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["sourceLabels", "sourceNamespace"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "istio pilot/pkg/networking/core/listener_waypoint.go", "https://github.com/istio/istio/issues/51565",
        "istio releasenotes/notes/51565-waypoint-sourcelabels.yaml",
    ],
    remedy="Match on a header that the caller sets, use one Service per consumer, or an AuthorizationPolicy if this was access control.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[],
)  # fmt: skip
def vs_source_match(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh matches on the caller, which the waypoint does not know as the caller's own proxy did.

    sourceLabels and sourceNamespace are compared with the proxy that does the routing. That was the caller's sidecar and is
    the waypoint now: since Istio 1.25 it drops http matches with sourceLabels, before it compared them with its own labels;
    sourceNamespace is compared with the waypoint's namespace. Of tcp and tls matches a waypoint takes none that names either.
    The rule fires for nobody or for everyone.

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
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - match:
            - sourceLabels:  # expect: ML107
                app: reviews
          timeout: 1s
          route: [{destination: {host: ratings}}]
        - route: [{destination: {host: ratings}}]
    ```

    Remedy: the Gateway API has no match on the caller either. Let the caller set a header and match on that, give each
    consumer a Service of its own, or, where this was access control, write an AuthorizationPolicy with principals. No
    automatic fix: each of these changes more than this object.

    Not reported when the match is for gateways only (there it means the gateway's own labels and goes on working), for
    `gateways: [mesh]`, which a waypoint takes for its own, when the host is kept off waypoints (vs-mesh-without-waypoint),
    for empty sourceLabels, and when the namespace of the host stays out of the mesh.
    """
    subject = mesh.mesh_subject(service)
    if subject is None or not _may_have_waypoint(service, mesh):
        return
    for rule_ in mesh.mesh_rules(service):
        for match in rule_.each("match"):
            if _in_mesh(match):
                for at in _deciding(match):
                    yield Problem(at, _message(service, at, rule_.path[-2] != "http", mesh), subject=subject)


def _may_have_waypoint(service: Resource, mesh: Mesh) -> bool:
    hosts = mesh.hosts(service)
    return not hosts or any(mesh.waypoint_after(host) for _, host in hosts if mesh.moves(host, service) is not None)


def _in_mesh(match: Node) -> bool:
    gateways = [node.text for node in match.get("gateways").each()]
    return not gateways or "mesh" in gateways


def _deciding(match: Node) -> Iterator[Node]:
    for key in ("sourceLabels", "sourceNamespace"):
        node = match.get(key)
        if node and node.value not in ({}, ""):
            yield node


def _message(service: Resource, at: Node, layer4: bool, mesh: Mesh) -> str:
    key, istio = at.path[-1], f"a waypoint of Istio {mesh.target.istio}"
    labels = ", ".join(f"{name}: {value}" for name, value in at.strings().items()) if key == "sourceLabels" else ""
    said = f"{service.title} matches on {key} " + (f"({labels})" if labels else str(at.value))
    if layer4:
        return f"{said}: {istio} takes no tcp or tls match that looks at the caller, so this one is passed over."
    if key == "sourceNamespace":
        return f"{said}: {istio} compares it with its own namespace, not the caller's."
    does = "drops such routes" if mesh.target.istio_at_least(_DROPPED) else "compares them with its own labels"
    return f"{said}: {istio} {does}."
