"""ML209 authz-gatewayclass-scope."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import MESH, Fix, Impact, Kind, Mesh, PolicyTarget, Problem, Resource, Severity, changes, close_name, rule

_KINDS = (
    Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION, Kind.ENVOY_FILTER,
)  # fmt: skip
_CLASS = "istio-waypoint"


@rule(
    "ML209", "authz-gatewayclass-scope", Severity.ERROR, impact=Impact.UNENFORCED, each=_KINDS, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go", "https://github.com/istio/istio/pull/54780",
        "https://github.com/istio/istio/pull/58032",
    ],
    remedy="Move the policy to the root namespace and target GatewayClass istio-waypoint, or target each waypoint's Gateway.",
    points_to=[],
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

    Remedy: see above. Outside of the root namespace the fix names each waypoint of the policy's namespace in place of the class: in
    the root namespace the policy would hold for every waypoint of the mesh, which may be more than was meant, so it needs a look. In
    the root namespace a misspelt name is corrected. None is offered where the namespace has no waypoint, and where the release
    does not read such targets.

    It takes Istio 1.25 (EnvoyFilter: 1.27.4 or 1.28). Not reported when the policy stands in the root namespace
    (istio-system, or what the MeshConfig of the repository or the configuration says) and names istio-waypoint on a release
    that reads it, when its namespace is not told, and when a template fills in the name.
    """
    for target in mesh.targets(policy):
        if target.kind == "GatewayClass" and target.name and (found := _wrong(policy, target, mesh)) is not None:
            why, remedy = found
            message = f"{policy.title} targets GatewayClass {target.name}: {why}."
            yield Problem(target.at.get("name"), message, remedy=remedy, fix=partial(_fix, policy, target, mesh), subject=MESH)


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


def _fix(policy: Resource, target: PolicyTarget, mesh: Mesh) -> Fix | None:
    made = changes()
    if policy.namespace in _root(mesh):
        if close_name(target.name, [_CLASS]) is None or mesh.find(Kind.GATEWAY_CLASS, "", target.name) is not None:
            return None
        return made.set(target.at.get("name"), _CLASS).fix(f"Target {_CLASS}")
    found = [one for one in mesh.all(Kind.K8S_GATEWAY) if one.namespace == policy.namespace and mesh.is_waypoint(one)]
    listed = target.at.parent
    if not found or not policy.namespace or listed is None or not listed.is_list:
        return None
    first, *others = (one.name for one in found)
    made.set(target.at.get("kind"), "Gateway").set(target.at.get("name"), first)
    for name in others:
        made.append(listed, {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name})
    return made.fix("Target the waypoints of the namespace")
