"""ML403 waypoint-traffic-type-mismatch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Waypoint, WaypointState, changes, rule

_LABEL = "istio.io/waypoint-for"
_KNOWN = ("service", "workload", "all", "none")


@rule(
    "ML403",
    "waypoint-traffic-type-mismatch",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    needs=["istio.io/use-waypoint"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (fetchWaypointForService, fetchWaypointForWorkload)",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Set istio.io/waypoint-for: all on the waypoint (or add a second waypoint), or move the label to the Service.",
    points_to=[Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
)
def waypoint_traffic_type_mismatch(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An object is bound to a waypoint that does not take traffic for objects of its kind.

    `istio.io/waypoint-for` on the Gateway, else on its GatewayClass, says what a waypoint is for; without it, for traffic
    that is addressed to Services. istiod refuses the binding (UnsupportedTrafficType) and the object gets no waypoint at
    all. That is typical after labelling pods while the default waypoint takes Service traffic only.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: v1
    kind: Pod
    metadata:
      name: batch
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint # expect: ML403
    spec:
      containers:
        - name: batch
          image: registry.example.com/batch:1
    ```

    Remedy: `istio.io/waypoint-for: all` on the Gateway, a second waypoint for the other kind of traffic, or the label on
    the Service in place of the pods. The fix writes `all`, on the Gateway. It needs a look: that
    changes what the waypoint does for every other object that is bound to it.

    Services and ServiceEntries need `service` or `all`; pods and WorkloadEntries need `workload` or `all`. Not reported when
    the binding comes from the namespace's label, which a waypoint takes for what it is for; when the waypoint is for `none`;
    and when the namespace stays out of the mesh.
    """
    waypoint = mesh.waypoint(holder)
    if waypoint.state is not WaypointState.WRONG_TYPE or waypoint.inherited or waypoint.label is None or not mesh.candidate(holder):
        return
    serves, at = _serves(waypoint, mesh)
    if serves == "none" or at.unknown:
        return
    sort = "Service" if holder.kind in (Kind.SERVICE, Kind.SERVICE_ENTRY) else "workload"
    said = f'"{serves}" traffic' if serves in _KNOWN else f'"{serves}", which is no kind of traffic'
    place = f"{waypoint.namespace}/{waypoint.name}".lstrip("/")
    yield Problem(
        waypoint.label,
        f"{holder.title} is bound to the waypoint {place}, which is for {said}: istiod refuses the binding, "
        f"and this {sort} gets no waypoint.",
        related=((at, "what the waypoint is for"),),
        fix=partial(_fix, waypoint),
    )


def _serves(waypoint: Waypoint, mesh: Mesh) -> tuple[str, Node]:
    """What the waypoint is for, and the node that says so."""
    assert waypoint.gateway is not None  # there is no wrong type without a Gateway
    own = waypoint.gateway.label(_LABEL)
    if own.present:
        return waypoint.gateway.labels.get(_LABEL, ""), own
    chosen = mesh.find(Kind.GATEWAY_CLASS, "", waypoint.gateway.spec.get("gatewayClassName").text or "")
    if chosen is not None and chosen.label(_LABEL).present:
        return chosen.labels.get(_LABEL, ""), chosen.label(_LABEL)
    return "service", waypoint.gateway.root


def _fix(waypoint: Waypoint) -> Fix | None:
    if waypoint.gateway is None:
        return None
    return changes().label(waypoint.gateway, _LABEL, "all").fix(f"Make the waypoint {waypoint.name} one for all traffic")
