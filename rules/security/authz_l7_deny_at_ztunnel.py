"""ML202 authz-l7-deny-at-ztunnel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, authz, rule

_SAID = {
    authz.Cause.DENY_DEAD: "nothing is left of its `{clause}`, so the rule never fires and what it denies today is let in",
    authz.Cause.DENY_WIDER: "it is left out of the condition, so the rule denies more than is written",
    authz.Cause.DENY_NARROWER: "that alternative is skipped, so the rule denies less than is written",
}


@rule(
    "ML202", "authz-l7-deny-at-ztunnel", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["action"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go (handleRule, hasEffectiveRules)",
        "istio/ztunnel@62d8265:src/rbac.rs (matches, RbacMatch::is_empty)", "https://github.com/istio/istio/pull/61166",
    ],
    remedy=(
        "Attach the policy by targetRefs to the Services of these pods, behind a waypoint, and let the pods admit the waypoint "
        "alone; or deny by ports and identities only."
    ),
    yields_in_object=["authz-old-and-new-coexist", "policy-empty-selector"],
    points_to=[],
)  # fmt: skip
def authz_l7_deny_at_ztunnel(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DENY policy for pods asks for HTTP attributes, which ztunnel cannot see: mostly it then denies nothing.

    Without sidecars it is ztunnel that enforces policies with a selector, or with neither selector nor targetRefs. istiod
    sends it DENY rules without their layer 7 attributes. A rule matches if all of its clauses do (`to`, `from`, each
    `when`), and ztunnel skips an alternative that has nothing left. So a clause of layer 7 attributes alone never
    matches, and the usual "from there, deny these paths" fails open, while the status of the policy (before the release
    with istio 61166) says that it got stricter.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: no-admin
      namespace: bookinfo
    spec:
      selector: {matchLabels: {app: ratings}}
      action: DENY
      rules:
        - from: [{source: {notNamespaces: [bookinfo]}}]
          to:
            - operation:
                paths: ["/admin*"]  # expect: ML202
    ```

    Up to one finding for each thing that happens in a policy, at the attribute that decides: a rule never fires; a rule
    denies more (`ports` beside `methods` in one operation: the ports alone are left, impact `stricter`); a rule denies less
    (an alternative that is gone beside others).

    Remedy: `targetRefs: [{group: "", kind: Service, name: ratings}]` and a waypoint, together with a policy that lets only
    the waypoint reach the pods: who addresses a pod directly passes no waypoint. If ports and identities say it all,
    delete the HTTP fields on purpose. The fix does the first and needs a look: where the pods are ambient, it makes all
    policies of these pods that only a waypoint can enforce ones for the waypoint and adds that other one; before that it adds
    a copy for the waypoint, and the sidecars go on enforcing the old one. None is offered where authz-l7-allow-at-ztunnel has
    none either.

    Not reported when the policy has targetRefs, when it selects gateways only, when its pods stay out of ambient, when
    every such attribute is `source.serviceAccount` (authz-when-l4-rewrite), and when a template fills in action, rules or
    selector.
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.action != authz.DENY:
        return
    removed = [attribute for rule in authz.converted(acting) for attribute in authz.layer7(rule)]
    if all(attribute.key == "source.serviceAccount" for attribute in removed):
        return
    by_cause: dict[authz.Cause, list[authz.Change]] = {}
    for change in authz.changes([acting]):
        if change.attribute is not None and authz.fate(change.attribute) is authz.Fate.REMOVED:
            by_cause.setdefault(change.cause, []).append(change)
    for cause, found in by_cause.items():
        decides = found[0].attribute
        if decides is None:
            continue
        what = _SAID[cause].format(clause=decides.clause) + _rules(found, len(acting.rules))
        message = f"{policy.title} denies by {decides.field}, which ztunnel cannot see: {what}."
        impact = Impact.STRICTER if cause is authz.Cause.DENY_WIDER else Impact.UNENFORCED
        related = tuple((change.at, "the same in this rule") for change in found[1:])
        yield Problem(found[0].at, message, impact=impact, related=related, fix=partial(_fix, policy, mesh), subject=subject)


def _rules(found: list[authz.Change], all_rules: int) -> str:
    """Which rules, where the policy has several."""
    if all_rules == 1:
        return ""
    numbers = dict.fromkeys(str((change.rule or 0) + 1) for change in found)
    return f" (rule{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} of {all_rules})"


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    return moving.move(policy, mesh)
