"""ML209 authz-gatewayclass-scope."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, PolicyTarget, Problem, Resource, Severity, rule

_KINDS = (
    Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION, Kind.ENVOY_FILTER,
)  # fmt: skip
_CLASS = "istio-waypoint"


@rule(
    "ML209", "authz-gatewayclass-scope", Severity.ERROR, impact=Impact.UNENFORCED, each=_KINDS, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go", "https://github.com/istio/istio/pull/54780",
        "https://github.com/istio/istio/pull/58032",
    ],
    remedy="Move the policy to the root namespace and target GatewayClass istio-waypoint, or target each waypoint's Gateway.",
)  # fmt: skip
def authz_gatewayclass_scope(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy targets a GatewayClass from outside of the root namespace, of another name than istio-waypoint, or on a release
    that does not know such targets: it looks mesh-wide and protects nothing.

    Only one combination is read: GatewayClass `istio-waypoint`, from the root namespace. It makes the policy a default of
    all waypoints of that class; the class istio-agentgateway-waypoint is not among them.

    ```yaml
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: waypoint-baseline
      namespace: shop
    spec:
      targetRefs:
        - group: gateway.networking.k8s.io
          kind: GatewayClass
          name: istio-waypoint  # expect: ML209
    ```

    Remedy: see above. No automatic fix: in the root namespace the policy holds for every waypoint of the mesh, which may be
    more than was meant.

    It takes Istio 1.25 (EnvoyFilter: 1.27.4 or 1.28). Not reported when the policy stands in the root namespace
    (istio-system, or what the MeshConfig of the repository or the configuration says) and names istio-waypoint on a release
    that reads it, when its namespace is not told, and when a template fills in the name.
    """
    for target in mesh.targets(policy):
        if target.kind == "GatewayClass" and target.name and (found := _wrong(policy, target, mesh)) is not None:
            why, remedy = found
            yield Problem(target.at.get("name"), f"{policy.title} targets GatewayClass {target.name}: {why}.", remedy=remedy, subject=MESH)


def _wrong(policy: Resource, target: PolicyTarget, mesh: Mesh) -> tuple[str, str | None] | None:
    """What is wrong, and what to do (None: the rule's remedy)."""
    if target.name != _CLASS:
        return f"only {_CLASS} can be targeted, so nothing executes the policy", None
    root = _root(mesh)
    if policy.namespace and policy.namespace not in root:
        return f"that is read from the root namespace ({root[0]}) only, so nothing executes the policy", None
    releases = ("1.27.4", "1.28.0") if policy.kind is Kind.ENVOY_FILTER else ("1.25.0",)
    if not mesh.target.istio_at_least(*releases):
        first = " or ".join(releases) if len(releases) > 1 else "1.25"
        why = f"Istio {mesh.target.istio} does not read that for {policy.kind.kind} (from {first}), so nothing executes it"
        return why, "Target each waypoint's Gateway, or move to a newer release."
    return None


def _root(mesh: Mesh) -> list[str]:
    said = [setting.config.get("rootNamespace").text for setting in mesh.mesh_settings()]
    return [name for name in said if name] or [mesh.settings.root_namespace]
