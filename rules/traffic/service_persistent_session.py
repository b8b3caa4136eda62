"""ML140 service-persistent-session."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_LABELS = ("istio.io/persistent-session", "istio.io/persistent-session-header")
_FLAG = "PILOT_ENABLE_PERSISTENT_SESSION_FILTER"
_ROUTED = (Kind.HTTP_ROUTE, Kind.GRPC_ROUTE)


@rule(
    "ML140", "service-persistent-session", Severity.WARNING, impact=Impact.IGNORED, each=(Kind.SERVICE, *_ROUTED), evidence="code",
    needs=["istio.io/persistent-session", "istio.io/persistent-session-header", "sessionPersistence"],
    reads=[*ISTIO_KINDS, *GATEWAY_API_KINDS, *WORKLOADS, Kind.INGRESS],
    sources=[
        "istio pilot/pkg/networking/core/listener_builder.go (EmptySessionFilter)",
        "istio pilot/pkg/networking/core/listener_waypoint.go (ListenerClassSidecarInbound)", "istio pilot/pkg/features/experimental.go",
        "gateway-api v1.6.1 apis/v1/httproute_types.go (SessionPersistence)",
    ],
    remedy="Bind the Service to a waypoint with a DestinationRule that says loadBalancer.consistentHash.httpCookie, or keep sessions at "
    "the ingress gateway.",
    yields_to=["route-experimental-field"],
    points_to=[],
)  # fmt: skip
def service_persistent_session(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Sessions are to stay with one pod, by a label of the Service or by `sessionPersistence` of a route, and nothing in ambient
    does it.

    Sidecars and gateways put the filter for `istio.io/persistent-session` (a cookie) and `istio.io/persistent-session-header`
    into what they send out. A waypoint handles traffic as it comes in and has no such filter, and ztunnel knows no cookies, so
    requests of one session go to any pod. `sessionPersistence` of HTTPRoute and GRPCRoute is read by no release of Istio.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: carts
      namespace: shop
      labels:
        istio.io/persistent-session: carts-session  # expect: ML140
    spec:
      selector: {app: carts}
      ports: [{name: http, port: 8080}]
    ```

    Remedy: a waypoint for the Service, and consistent hashing over a cookie there:

        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: carts, namespace: shop}
        spec:
          host: carts
          trafficPolicy:
            loadBalancer: {consistentHash: {httpCookie: {name: carts-session, ttl: 3600s}}}

    That is weaker: sessions move when the number of pods changes. So there is no automatic fix.

    Of routes, those with a Service or ServiceEntry as parent are judged, where the target's CRDs have the field (else:
    route-experimental-field).

    Not reported when: the repository shows gateways as the only callers of the Service, which go on doing it; the
    installation is in the repository and does not switch the filter on (PILOT_ENABLE_PERSISTENT_SESSION_FILTER), so that the
    label does nothing today; the route is for a Gateway only; the namespace stays out of the mesh.
    """
    if not mesh.candidate(holder):
        return
    if holder.kind is Kind.SERVICE:
        yield from _labelled(holder, mesh)
    else:
        yield from _routed(holder, mesh)


def _labelled(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    labels = [(name, node) for name in _LABELS if (node := service.label(name)).text]
    if not labels or _switched_off(mesh) or any(mesh.ingress_only(host) for host in mesh.hosts_of(service)):
        return
    for name, node in labels:
        yield Problem(
            node,
            f"{service.title} keeps sessions at one pod by the label {name}. Only sidecars and gateways put that filter into what they "
            "send; neither ztunnel nor a waypoint does, so in ambient requests of a session go to any pod.",
        )


def _routed(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    path = "spec.rules[].sessionPersistence"
    parents = [host for ref in route.spec.each("parentRefs") if (host := mesh.parent_host(route, ref)) is not None]
    moving = [subject for host in parents if (subject := mesh.moves(host, route)) is not None]
    if not moving or mesh.target.reads(route.kind, path):
        return
    for rule_of in route.spec.each("rules"):
        node = rule_of.get("sessionPersistence")
        if node.is_map:
            message = f"{route.title} sets sessionPersistence, which Istio {mesh.target.istio} does not read: sessions go to any pod."
            yield Problem(node, message, subject=moving[0])


def _switched_off(mesh: Mesh) -> bool:
    """Is the installation in the repository, and the filter not switched on?"""
    return mesh.ambient_control_plane() is not None and (mesh.istiod_env(_FLAG) or "").lower() != "true"
