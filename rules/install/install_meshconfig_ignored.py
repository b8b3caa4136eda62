"""ML709 install-meshconfig-ignored."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, MeshSetting, Node, Problem, Severity, rule

_FIELDS = (
    "accessLogFile", "accessLogFormat", "accessLogEncoding", "defaultConfig.tracing", "defaultHttpRetryPolicy",
    "tcpKeepalive", "connectTimeout", "protocolDetectionTimeout", "h2UpgradePolicy", "outboundClusterStatName", "inboundClusterStatName",
    "meshMTLS.minProtocolVersion", "pathNormalization", "defaultTrafficPolicy",
)  # fmt: skip
_OFF = {"accessLogFile": ("",), "h2UpgradePolicy": ("DO_NOT_UPGRADE",), "accessLogEncoding": ("TEXT",)}


@rule(
    "ML709", "install-meshconfig-ignored", Severity.WARNING, impact=Impact.IGNORED, reads=[Kind.CONFIG_MAP], evidence="inferred",
    sources=["istio/api@b8f8791:mesh/v1alpha1/config.proto", "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/"],
    remedy="Keep the fields for gateways, waypoints and sidecars; do not count on them for traffic that meets ztunnel only.",
    points_to=[],
)  # fmt: skip
def install_meshconfig_ignored(mesh: Mesh) -> Iterator[Problem]:
    """The MeshConfig holds settings of Envoy, which ztunnel does not read.

    They go on for gateways, and with a waypoint they act there, one hop later than with sidecars. For traffic that passes
    ztunnel only they end: it writes its own access log, knows no retries and no HTTP, and `enableAutoMtls: false` does not keep it
    from mTLS.

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: mesh
      namespace: istio-system
    spec:
      profile: ambient
      meshConfig:
        accessLogFile: /dev/stdout  # expect: ML709
        connectTimeout: 3s
    ```

    Remedy: nothing for as long as sidecars, gateways or waypoints use them; ztunnel's log is set up in its own values. Not automatic:
    they are right where Envoy runs.

    One note for a MeshConfig names the fields that are set. Not reported when: none is set, or at its default only;
    `localityLbSetting`, `outboundTrafficPolicy`, `enablePrometheusMerge` and `defaultServiceExportTo` have rules of their own.
    """
    for setting in mesh.mesh_settings():
        named = [path for path in _FIELDS if _set(setting.config.get(*path.split(".")), path)]
        if setting.config.get("enableAutoMtls").value is False:
            named.append("enableAutoMtls: false")
        if named:
            said = f"reads none of {', '.join(named)}" if len(named) > 1 else f"does not read {named[0]}"
            first = named[0].partition(":")[0].split(".")
            yield Problem(setting.config.get(*first), f"{_title(setting)}: ztunnel {said}.", subject=MESH)


def _set(node: Node, path: str) -> bool:
    return bool(node.value) and not node.unknown and node.value not in _OFF.get(path, ())


def _title(setting: MeshSetting) -> str:
    return setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"
