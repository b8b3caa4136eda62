"""ML803 route-without-waypoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    ROUTES,
    WORKLOADS,
    Confidence,
    Fix,
    Host,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    WaypointState,
    rule,
)

_WITHOUT = frozenset({WaypointState.NONE, WaypointState.OPTED_OUT})


@rule(
    "ML803",
    "route-without-waypoint",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=ROUTES,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.VIRTUAL_SERVICE,
           Kind.DESTINATION_RULE, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (referenceAllowed)",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/route_collections.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go",
    ],
    remedy="Bind the parent to a waypoint with istio.io/use-waypoint before its clients become ambient.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def route_without_waypoint(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route has a Service or ServiceEntry as its parent, and that has no waypoint.

    ztunnel does not read routes. With sidecars such a route works without any label, so that the migration drops it in
    silence; since Istio 1.26 the route's status says ResolvedWaypoints: False.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - group: ""
          kind: Service
          name: reviews # expect: ML803
          port: 9080
      rules:
        - backendRefs:
            - name: reviews
              port: 9080
    ```

    Remedy: a waypoint in the namespace of the parent, and the label on the Service, the ServiceEntry or the namespace:

        metadata: {labels: {istio.io/use-waypoint: waypoint}}

    meshlint writes the label, and the waypoint where the namespace has none; that is safe where the waypoint is there, and neither
    a VirtualService of the mesh nor an AuthorizationPolicy is for the same pods. There is no automatic fix where the parent opted
    out, or several waypoints could be meant.

    One finding for each route and parent. Where another repository holds the parent, its labels cannot be seen: the
    confidence is low. Not reported when: the label names a waypoint that is missing, denied or of the wrong kind (rules of
    their own say that); the namespace of the parent stays out of the mesh; the route is not Istio's to run; with
    `--goal gateway-api`, where the parent is not ambient now.
    """
    if not mesh.istio_runs(route):
        return
    for ref, host in _parents(route, mesh):
        subject = mesh.moves(host, route)
        waypoint = mesh.waypoint(host)
        if subject is None or waypoint.state not in _WITHOUT or not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
            continue
        why = "which opted out of waypoints" if waypoint.state is WaypointState.OPTED_OUT else "which has no waypoint"
        yield Problem(
            ref.get("name"),
            f"{route.title} is for {host.title}, {why}: ztunnel reads no routes, so nothing runs this one in ambient.",
            confidence=Confidence.LOW if host.resource is None else None,
            related=((waypoint.label, "this label decides"),) if waypoint.label is not None else (),
            fix=partial(_fix, host, mesh),
            subject=subject,
        )


def _parents(route: Resource, mesh: Mesh) -> Iterator[tuple[Node, Host]]:
    """The hosts behind the Service and ServiceEntry parents, each once."""
    seen: set[str] = set()
    for ref in route.spec.each("parentRefs"):
        host = mesh.parent_host(route, ref)
        if host is not None and host.fqdn not in seen:
            seen.add(host.fqdn)
            yield ref, host


def _fix(host: Host, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    parents = [host.service] if host.service is not None else host.entries
    return waypoints.give(parents, mesh, safe=all(mesh.find(Kind.NAMESPACE, "", one.namespace) is not None for one in parents))
