"""ML129 dr-locality-zone-aware."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, WORKLOADS, Confidence, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ZONE_AWARE = "1.31.0"
_FIELDS = ("distribute", "failover", "failoverPriority")
_SETTINGS = ("localityLbSetting", "zoneAwareLbSetting")


@rule(
    "ML129", "dr-locality-zone-aware", Severity.WARNING, impact=Impact.DIFFERS, evidence="code",
    reads=[
        Kind.DESTINATION_RULE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY,
        Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP, Kind.HELM_RELEASE, *WORKLOADS,
    ],
    sources=[
        "istio pilot/pkg/networking/core/loadbalancer/loadbalancer.go", "istio pilot/pkg/networking/core/cluster_waypoint.go",
        "istio/api networking/v1alpha3/destination_rule.proto", "istio releasenotes/notes/zone-aware-load-balancing.yaml",
    ],
    remedy="Run a waypoint replica in each zone, and let spec.trafficDistribution of the Services keep traffic in the zone on the way "
    "to the waypoint.",
    yields_in_object=["dr-without-waypoint"],
    points_to=[Kind.DESTINATION_RULE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def dr_locality_zone_aware(mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule, or the mesh's default, balances by locality (`localityLbSetting`, `zoneAwareLbSetting`), which is
    measured from the waypoint instead of the caller.

    A sidecar knows the zone of its pod. A waypoint knows its own: with one replica in zone a, everything prefers zone a,
    wherever the client is, and traffic of other zones crosses twice. `zoneAwareLbSetting` (Istio 1.31) is not implemented on
    waypoints at all, which fall back to failover by locality.

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
      namespace: bookinfo
    spec:
      host: ratings
      trafficPolicy:
        loadBalancer:
          localityLbSetting:  # expect: ML129
            failover: [{from: eu-west, to: eu-central}]
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

    Remedy: a replica of the waypoint in every zone (topologySpreadConstraints in the ConfigMap that
    `spec.infrastructure.parametersRef` of its Gateway names, from Istio 1.26), and on the Services
    `trafficDistribution: PreferClose`, which ztunnel follows on both hops. No automatic fix: how many zones and replicas there
    are is not in the repository.

    One finding for each DestinationRule, and one for each MeshConfig whose localityLbSetting has distribute, failover or
    failoverPriority, where the repository has a waypoint (else: mesh-locality-lb).
    Not reported when the setting is `enabled: false` or empty; when the host has no waypoint now
    (dr-without-waypoint), is kept off waypoints, or stays out of the mesh; for a workloadSelector (dr-workload-selector), for
    ServiceEntries of resolution DYNAMIC_DNS, and for subsets that nobody uses; for zoneAwareLbSetting below 1.31, which does
    not have it.
    """
    for policy in mesh.all(Kind.DESTINATION_RULE):
        if policy.may_hold(_SETTINGS):
            yield from _of_rule(policy, mesh)
    if not mesh.settings.assume_waypoints and not any(mesh.is_waypoint(gateway) for gateway in mesh.all(Kind.K8S_GATEWAY)):
        return  # no host with a waypoint to be seen: mesh-locality-lb
    for setting in mesh.mesh_settings():
        at = setting.config.get("localityLbSetting")
        if any(at.get(field) for field in _FIELDS) and at.get("enabled").value is not False:
            where = setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"
            said = f"{where} balances the whole mesh by locality (localityLbSetting). For hosts with a waypoint"
            yield Problem(at, f"{said} the zone of the waypoint counts, not that of the caller.", subject=MESH)


def _of_rule(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    found = [node for one in mesh.traffic_policies(policy) for node in _settings(one.get("loadBalancer"), mesh)]
    if not found or policy.spec.get("workloadSelector").is_map:
        return
    host = mesh.host(policy.spec.get("host"), policy)
    subject = mesh.rule_subject(policy)
    if subject is None or not mesh.waypoint_after(host) or not _balanced(policy, host, mesh):
        return
    zone_aware = found[0].path[-1] == "zoneAwareLbSetting"
    how = "by zone (zoneAwareLbSetting)" if zone_aware else "by locality (localityLbSetting)"
    what = (
        "waypoints do not implement that and fail over by their own locality"
        if zone_aware
        else "at its waypoint the zone of the waypoint's pod counts, not that of the caller"
    )
    label = mesh.waypoint(host).label
    yield Problem(
        found[0],
        f"{policy.title} balances {host.title} {how}: {what}.",
        confidence=Confidence.LOW if host.resource is None else None,
        related=((label, "this label binds the host to its waypoint"),) if label is not None else (),
        subject=subject,
    )


def _settings(balancer: Node, mesh: Mesh) -> Iterator[Node]:
    local, zones = balancer.get("localityLbSetting"), balancer.get("zoneAwareLbSetting")
    if any(True for _ in local.items()) and local.get("enabled").value is not False:
        yield local
    if zones.is_map and zones.get("enabled").value is not False and mesh.target.istio_at_least(_ZONE_AWARE):
        yield zones


def _balanced(policy: Resource, host: Host, mesh: Mesh) -> bool:
    """Does the waypoint of the host read the rule, and balance?"""
    reads = mesh.route_namespaces(host)
    if reads and policy.namespace not in {*reads, mesh.settings.root_namespace}:
        return False
    return not any(entry.spec.get("resolution").text == "DYNAMIC_DNS" for entry in host.entries)
