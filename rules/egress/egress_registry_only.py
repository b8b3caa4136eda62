"""ML501 egress-registry-only."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, MeshSetting, Node, Problem, Severity, rule


@rule(
    "ML501",
    "egress-registry-only",
    Severity.ERROR,
    impact=Impact.UNENFORCED,
    reads=[Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION, Kind.NAMESPACE],
    evidence="issue",
    sources=[
        "https://github.com/istio/istio/issues/54281",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-OutboundTrafficPolicy",
    ],
    remedy="Deny egress with NetworkPolicies that admit 15008, DNS and the egress waypoint, and bind the ServiceEntries of external "
    "hosts to that waypoint; keep the setting for as long as sidecars and gateways remain.",
    points_to=[],
)
def egress_registry_only(mesh: Mesh) -> Iterator[Problem]:
    """The mesh blocks destinations that no Service or ServiceEntry declares (`outboundTrafficPolicy` REGISTRY_ONLY); ztunnel
    does not enforce this, so the block ends with the sidecars.

    Sidecars and gateways honour the setting, ztunnel forwards unknown destinations regardless (istio issue 54281, up to
    1.32-dev). It never was a safe control, since a pod could go around its sidecar, but audits may count on it.
    An empty `outboundTrafficPolicy: {}` means REGISTRY_ONLY as well: that mode is the enum's value 0.

    ```yaml
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: istio
      namespace: istio-system
    data:
      mesh: |-
        outboundTrafficPolicy:
          mode: REGISTRY_ONLY # expect: ML501
    ```

    It is found wherever a MeshConfig stands: the `istio` ConfigMap, `spec.meshConfig` of an IstioOperator, `spec.values` of
    the sail operator's Istio, Helm values in files, HelmReleases and Argo CD Applications, and the old charts'
    `global.outboundTrafficPolicy`.

    Remedy: egress control belongs to the network in ambient: a NetworkPolicy that denies egress but for 15008, DNS and the
    egress waypoint, and ServiceEntries bound to that waypoint, with AuthorizationPolicies on them. There is no automatic
    fix: the setting stays right for sidecars and gateways, what takes its place stands in every namespace, and the destinations
    that the pods need are not in it. For a Sidecar of a namespace [sidecar-outbound-policy](sidecar-outbound-policy.md) has one.

    Not reported when: the mode is ALLOW_ANY, or a template decides it.
    """
    for setting in mesh.mesh_settings():
        policy = setting.config.get("outboundTrafficPolicy")
        at = _registry_only(policy)
        if at is not None:
            yield Problem(at, _message(setting, at is policy), subject=MESH)


def _registry_only(policy: Node) -> Node | None:
    """What says REGISTRY_ONLY: the mode, or a policy that names none."""
    mode = policy.get("mode")
    if not policy.is_map or mode.unknown:
        return None
    if not mode:
        return policy
    return mode if mode.text == "REGISTRY_ONLY" or mode.value == 0 else None


def _message(setting: MeshSetting, implied: bool) -> str:
    where = setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"
    how = "an outboundTrafficPolicy without a mode, which is REGISTRY_ONLY" if implied else "outboundTrafficPolicy.mode REGISTRY_ONLY"
    return (
        f"{where} blocks undeclared external destinations for the whole mesh ({how}). ztunnel ignores the setting and forwards them, "
        "so ambient workloads reach any address."
    )
