"""ML122 dr-without-waypoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
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
    Waypoint,
    WaypointState,
    changes,
    rule,
    settings_of,
)

_WHY = {
    WaypointState.NONE: "has no waypoint",
    WaypointState.OPTED_OUT: "is kept off waypoints by istio.io/use-waypoint: none",
    WaypointState.WRONG_TYPE: "has a waypoint that does not take traffic to Services",
}
_REMEDY = {
    WaypointState.OPTED_OUT: "The opt-out is deliberate: delete the DestinationRule, or bind the host to a waypoint after all.",
    WaypointState.WRONG_TYPE: "Set istio.io/waypoint-for: service (or all) on the waypoint, or bind the host to another one.",
}
_FOR_GATEWAYS = "Keep it for the gateways. Only if clients in the mesh call the host as well, bind it to a waypoint for them."
_TOPOLOGY = frozenset({
    "topology.istio.io/network", "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone",
})  # fmt: skip
_LOCALITY = (
    "Where the zone of the callers is all that matters, spec.trafficDistribution of the Service does it without a waypoint; else bind "
    "the host to one with istio.io/use-waypoint."
)


@rule(
    "ML122", "dr-without-waypoint", Severity.ERROR, impact=Impact.IGNORED, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["trafficPolicy"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.INGRESS, Kind.GATEWAY, Kind.K8S_GATEWAY,
        Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE, Kind.LISTENER_SET, Kind.X_LISTENER_SET,
        *WORKLOADS,
    ],
    sources=[
        "istio pilot/pkg/networking/core/cluster_waypoint.go", "istio ztunnel src/ (knows no DestinationRule)",
        "https://istio.io/latest/docs/ambient/usage/l7-features/",
    ],
    remedy="Deploy a waypoint in the namespace of the host and bind the host to it with istio.io/use-waypoint before the sidecars go.",
    yields_in_object=["egress-tls-origination-without-waypoint"],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def dr_without_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule shapes traffic to a host that has no waypoint.

    ztunnel reads no DestinationRule: it balances connections in its own way and speaks HBONE to every pod of the mesh. Load
    balancing, circuit breaking, outlier detection, TLS origination and what else the rule says stop without a status or an
    event. Gateways, and callers that still have a sidecar, go on applying it.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
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
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      host: ratings  # expect: ML122
      trafficPolicy:
        loadBalancer: {simple: LEAST_REQUEST}
    ```

    Remedy: a waypoint (a Gateway of class `istio-waypoint`) in the namespace of the host, and the label
    `istio.io/use-waypoint` on the Service, the ServiceEntry or the namespace, before the sidecars are removed. Where only
    the locality of callers matters, the Service can say so itself, and every data plane reads it (Istio 1.25):

        spec: {trafficDistribution: PreferClose}

    meshlint can write either: the field, and the DestinationRule goes, where that says nothing but which localities come first;
    else the label, and the waypoint where there is none. It needs a look: a waypoint is a deployment to be planned. There is no
    automatic fix for a host that another repository holds or that opted out, and where several waypoints could be meant.

    One finding for each DestinationRule, with what is lost.

    Severity: a note, without a fix, where the repository shows gateways as the only callers of the host, which go on reading
    the rule.
    Not reported when the rule only says `tls.mode: ISTIO_MUTUAL` or `DISABLE` (dr-tls-mesh-mode), only `PASSTHROUGH`
    (dr-passthrough-lb), or only names subsets: what they lose is said where a VirtualService routes to them
    (vs-mesh-without-waypoint), and policies of subsets that nobody uses are lost to nobody. Nor for a workloadSelector
    (dr-workload-selector), for TLS to the host of a ServiceEntry (egress-tls-origination-without-waypoint), for wildcards
    over Services, whose waypoints may differ, for the Services of gateways, in a namespace of gateways, for hosts that an
    egress gateway serves, for hosts outside of the mesh, when the label names a waypoint that another repository may hold
    (waypoint-missing), and when the namespace of the host stays out. Where another repository holds the Service, its
    labels cannot be seen: the confidence is low. With `--goal gateway-api` only what is ambient now counts.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    subject = mesh.rule_subject(policy)
    if subject is None or policy.spec.get("workloadSelector").is_map or (host.wildcard and not host.entries):
        return
    waypoint = mesh.waypoint(host)
    lost = _lost(policy, host, mesh)
    if not lost or any(mesh.waypoint(of).state not in _WHY for of in host.entries or (host,)):
        return
    fields = ", ".join(dict.fromkeys(name for name, _ in lost))
    said = f"{policy.title} sets {fields} for {host.title}, which {_WHY[waypoint.state]}: "
    gateways = mesh.ingress_only(host)
    yield Problem(
        policy.spec.get("host"),
        said + ("gateways go on applying it, ztunnel reads no DestinationRule." if gateways else "ztunnel reads no DestinationRule and "
        "applies none of it."),
        Severity.NOTE if gateways else None,
        confidence=Confidence.LOW if host.resource is None else None,  # its labels stand in another repository
        related=(*_related(waypoint), *((node, f"{name} is lost") for name, node in lost[:5])),
        remedy=_FOR_GATEWAYS if gateways else _REMEDY.get(waypoint.state) or _advice(lost, host, mesh) or _by_another_name(host),
        fix=None if gateways else partial(_fix, policy, lost, host, mesh),
        subject=subject,
    )  # fmt: skip


def _lost(policy: Resource, host: Host, mesh: Mesh) -> list[tuple[str, Node]]:
    """What a waypoint would apply, in the order of the text; TLS to external hosts has a rule of its own."""
    found = [pair for one in mesh.traffic_policies(policy) for pair in settings_of(one).items()]
    return [(name, node) for name, node in found if not _passthrough(name, node) and not (name == "tls" and host.entries)]


def _passthrough(name: str, node: Node) -> bool:
    return name == "loadBalancer" and node.get("simple").text == "PASSTHROUGH"


def _advice(lost: list[tuple[str, Node]], host: Host, mesh: Mesh) -> str | None:
    """For locality alone, the Service's own field is enough where every data plane reads it."""
    local = all(name == "loadBalancer" and [key for key, _ in node.items()] == ["localityLbSetting"] for name, node in lost)
    return _LOCALITY if local and host.service is not None and mesh.target.istio_at_least("1.25.0") else None


def _by_another_name(host: Host) -> str | None:
    """What helps where no waypoint can serve the host."""
    if host.external_name:
        return "Write it for the real host instead of the alias, which ambient does not know, and bind that one to a waypoint."
    with_address = "Write it for a Service with a cluster IP over the same pods, bound to a waypoint: a headless one has none."
    return with_address if host.headless else None


def _related(waypoint: Waypoint) -> tuple[tuple[Node, str], ...]:
    return () if waypoint.label is None else ((waypoint.label, "this label decides"),)


def _fix(policy: Resource, lost: list[tuple[str, Node]], host: Host, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    if host.service is not None and _advice(lost, host, mesh) is not None and _prefers_only(policy, lost):
        made = changes().remove_document(policy.root)
        if not host.service.spec.get("trafficDistribution").present:
            made.set_key(host.service.root, ("spec", "trafficDistribution"), "PreferClose")
        return made.fix("Let the Service prefer what is close")
    found = [host.service] if host.service is not None else host.entries
    return waypoints.give(found, mesh)


def _prefers_only(policy: Resource, lost: list[tuple[str, Node]]) -> bool:
    """Does a rule say nothing but that near endpoints come first, without shares and places of its own?"""
    settings = [pair for _, node in lost for pair in node.get("localityLbSetting").items()]
    near = all(key == "enabled" or {one.text for one in node.each()} <= _TOPOLOGY for key, node in settings)
    if any(key not in ("enabled", "failoverPriority") or node.value is False for key, node in settings) or not near:
        return False
    keys, said = {key for key, _ in policy.spec.items()}, [key for key, _ in policy.spec.get("trafficPolicy").items()]
    return keys <= {"host", "trafficPolicy", "exportTo"} and said == ["loadBalancer"]
