"""ML103 vs-and-httproute-same-host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from meshlint.api import ROUTES, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_SECTIONS = {Kind.HTTP_ROUTE: "http", Kind.GRPC_ROUTE: "http", Kind.TLS_ROUTE: "tls", Kind.TCP_ROUTE: "tcp"}
_MERGED = ("1.28.6", "1.29.2", "1.30.0")
_NAMED = 5  # of two thousand routes for one host, a few are enough to see what is meant


@rule(
    "ML103", "vs-and-httproute-same-host", Severity.ERROR, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    reads=[*ROUTES, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "istio pilot/pkg/networking/core/listener_waypoint.go", "https://github.com/istio/istio/issues/59484",
        "https://istio.io/latest/docs/ambient/usage/l7-features/",
    ],
    remedy="Keep one API for the host: move the rules that are missing there, and delete the other object in the same commit.",
    points_to=[Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE],
)  # fmt: skip
def vs_and_httproute_same_host(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService of the mesh and a Gateway API route with a Service parent speak for the same host.

    Istio calls the mix undefined. What a waypoint does depends on its release: before 1.28.6, 1.29.2 and 1.30.0 it uses
    only one of the two, later it puts the rules of both behind one another, those of the waypoint's namespace first, so
    that a catch-all in the one hides the other. Sidecars have their own order.

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
      hosts: [ratings]  # expect: ML103, ML105
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      parentRefs: [{group: "", kind: Service, name: ratings, port: 9080}]  # expect: ML803
      rules:
        - backendRefs: [{name: ratings, port: 9080}]
    ```

    Remedy: exactly one API for each host. Port what is missing and delete the other object in the same commit; do not rely
    on an order. No automatic fix: which of the two is meant to win is not in the files. Where both are documented
    alternatives in one folder, name the one in use in a kustomization or a configured environment.

    Not reported when the VirtualService is for gateways only, when the route has only Gateway parents, for another
    protocol (tcp or tls rules beside an HTTPRoute) or another port, for Services of the same name in different namespaces,
    and for a route outside of the Service's and the waypoint's namespace, which the waypoint does not read.
    """
    rules = mesh.mesh_rules(service)
    if not rules:
        return
    for at, host in mesh.hosts(service):
        routes = mesh.mesh_routes(host)
        subject = mesh.moves(host, service) if routes else None
        if subject is None:
            continue
        meeting = ((route, ref) for route, ref in routes if _meet(rules, route, ref) and _read(route, host, mesh))
        rivals = list(islice(meeting, _NAMED + 1))
        if rivals:
            related = tuple((ref.get("kind"), f"{route.title} has the same host as its parent") for route, ref in rivals[:_NAMED])
            yield Problem(at, _message(service, host, rivals, mesh), related=related, subject=subject)


def _message(service: Resource, host: Host, rivals: list[tuple[Resource, Node]], mesh: Mesh) -> str:
    named = dict.fromkeys(route.title for route, _ in rivals[:_NAMED])
    routes = " and ".join([*named, *(["others"] if len(rivals) > _NAMED else [])])
    said = f"Possible conflict: {service.title} and {routes} both speak for {host.title} in the mesh."
    istio = f"A waypoint of Istio {mesh.target.istio_tag}"
    if mesh.target.istio_at_least(*_MERGED):
        return f"{said} {istio} puts the rules of both behind one another: a catch-all in one hides the other."
    return f"{said} {istio} uses only one of them (both since {', '.join(_MERGED)})."


def _read(route: Resource, host: Host, mesh: Mesh) -> bool:
    """Does a waypoint read the route: does it stand in the namespace of the host or of its waypoint?"""
    waypoint = mesh.waypoint(host)
    reads = {host.namespace, waypoint.namespace if waypoint.bound else host.namespace}
    return not route.namespace or "" in reads or route.namespace in reads


def _meet(rules: Sequence[Node], route: Resource, ref: Node) -> bool:
    """Has the VirtualService a rule of the route's protocol, on its port where both name one?"""
    port = ref.get("port")
    return any(rule.path[-2] == _SECTIONS.get(route.kind) and (not port.present or _takes(rule, port)) for rule in rules)


def _takes(rule: Node, port: Node) -> bool:
    matches = list(rule.each("match"))
    return not matches or any(not match.get("port").present or _same(match.get("port"), port) for match in matches)


def _same(one: Node, other: Node) -> bool:
    return one.unknown or other.unknown or one.value == other.value
