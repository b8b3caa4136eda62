"""ML203 authz-action-custom-audit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, authz, rule

_AUDIT = "No equivalent exists: take it from the waypoint's access log (Telemetry with targetRefs), and delete the policy."


@rule(
    "ML203", "authz-action-custom-audit", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["action"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go (convertAuthorizationPolicy)",
        "https://istio.io/latest/docs/ambient/usage/l4-policy/",
    ],
    remedy="Attach it by targetRefs to the Services of these pods, behind a waypoint; the extensionProvider stays as it is.",
    yields_in_object=["authz-old-and-new-coexist"],
    points_to=[],
)  # fmt: skip
def authz_action_custom_audit(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods hands the decision to an external authorizer (CUSTOM) or only records (AUDIT); ztunnel does neither.

    ztunnel knows ALLOW and DENY. istiod leaves the whole policy out of what it sends, so OPA, oauth2-proxy or whatever
    stands behind the provider is simply not asked any more: requests that it would refuse get in.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ask-opa
      namespace: shop
    spec:
      selector: {matchLabels: {app: cart}}
      action: CUSTOM  # expect: ML203
      provider: {name: opa}
      rules:
        - to: [{operation: {paths: ["/*"]}}]
    ```

    Remedy: CUSTOM works at a waypoint, with `targetRefs: [{group: "", kind: Service, name: cart}]`; AUDIT has no
    equivalent, and so no fix. That for CUSTOM needs a look: where the pods are ambient, it makes all policies of these pods
    that only a waypoint can enforce ones for the waypoint, adds that where there is none, and a policy that lets only the
    waypoint get to the pods; before that it adds a copy for the waypoint. None is offered where authz-l7-allow-at-ztunnel has
    none either.

    Not reported when the policy has targetRefs, when it selects gateways only (the commonest use), when its pods stay out
    of ambient, when it has no rules (it never applies), and when a template fills in action, rules or selector.
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.action not in (authz.CUSTOM, authz.AUDIT) or not acting.rules or acting.dry_run:
        return
    at = policy.spec.get("action")
    if acting.action == authz.AUDIT:
        message = f"{policy.title} has the action AUDIT, which ztunnel does not know: the policy is left out and nothing is recorded."
        yield Problem(at, message, impact=Impact.IGNORED, remedy=_AUDIT, subject=subject)
        return
    provider = policy.spec.get("provider", "name").text
    asked = f"the authorizer {provider}" if provider else "the external authorizer"
    message = f"{policy.title} has the action CUSTOM, which ztunnel does not know: it is left out and {asked} is not asked any more."
    yield Problem(at, message, fix=partial(_fix, policy, mesh), subject=subject)


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    return moving.move(policy, mesh)
