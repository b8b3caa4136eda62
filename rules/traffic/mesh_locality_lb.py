"""ML142 mesh-locality-lb."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, Problem, Severity, rule


@rule(
    "ML142", "mesh-locality-lb", Severity.NOTE, impact=Impact.DIFFERS, evidence="code",
    reads=[Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP, Kind.HELM_RELEASE, Kind.K8S_GATEWAY],
    sources=[
        "istio pilot/pkg/serviceregistry/ambient/services.go (constructService)", "istio releasenotes/notes/traffic-distribution.yaml",
        "https://istio.io/latest/docs/reference/config/annotations/#NetworkingTrafficDistribution",
    ],
    remedy="Set spec.trafficDistribution (PreferClose, PreferSameZone) of the Services that shall stay in their zone, or the annotation "
    "networking.istio.io/traffic-distribution.",
    points_to=[],
)  # fmt: skip
def mesh_locality_lb(mesh: Mesh) -> Iterator[Problem]:
    """The mesh balances by locality (`localityLbSetting` of MeshConfig), and ztunnel does not read that.

    Sidecars prefer endpoints of their own locality, fail over or distribute by this setting. ztunnel takes its preference from
    the Service alone: `spec.trafficDistribution` or its annotation. Hosts without a waypoint lose their locality, and what it
    saves, without any sign; a waypoint measures from itself, not from the caller.

    ```yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: istio
      namespace: istio-system
    data:
      mesh: |-
        localityLbSetting:  # expect: ML142
          failoverPriority: [topology.kubernetes.io/zone]
    ```

    Remedy: on the Services that shall stay in their zone (every data plane honours it from Istio 1.25):

        spec: {trafficDistribution: PreferClose}      # PreferSameZone from Kubernetes 1.34
        metadata: {annotations: {networking.istio.io/traffic-distribution: PreferClose}}

    There is no automatic fix: which Services need it is not in this setting, and `distribute` has no counterpart.

    DestinationRules with such a setting are the matter of dr-without-waypoint and dr-locality-zone-aware.

    Not reported when: the repository (or the configuration) has waypoints, for which dr-locality-zone-aware speaks of the same
    setting; the setting is `enabled: false`, empty, or only says `enabled: true`, which is the default; a template
    decides it; it is absent.
    """
    if mesh.settings.assume_waypoints or any(mesh.is_waypoint(gateway) for gateway in mesh.all(Kind.K8S_GATEWAY)):
        return
    for setting in mesh.mesh_settings():
        locality = setting.config.get("localityLbSetting")
        said = [key for key, node in locality.items() if key != "enabled" and node.value not in (None, [], {})]
        enabled = locality.get("enabled")
        if not said or enabled.unknown or enabled.value is False:
            continue
        where = setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"
        yield Problem(
            locality,
            f"{where} sets localityLbSetting ({', '.join(said)}) for the whole mesh. ztunnel does not read it: hosts without a waypoint "
            "are balanced over all zones, unless their Service says trafficDistribution.",
            subject=MESH,
        )
