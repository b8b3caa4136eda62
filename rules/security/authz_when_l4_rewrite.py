"""ML217 authz-when-l4-rewrite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, authz, changes, rule

_KEY = "source.serviceAccount"


@rule(
    "ML217", "authz-when-l4-rewrite", Severity.WARNING, impact=Impact.STRICTER, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["when"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go (l4WhenAttributes, stringToServiceAccountMatch)",
        "istio/ztunnel@62d8265:src/rbac.rs",
    ],
    remedy="Ask for source.principal, with */ns/<namespace>/sa/<account>, or write from.source.serviceAccounts.",
    points_to=[],
)  # fmt: skip
def authz_when_l4_rewrite(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods asks for the service account in a `when`, which ztunnel treats like an HTTP attribute.

    Of `when`, ztunnel knows source.ip, source.namespace, source.principal, destination.ip and destination.port. A condition
    on source.serviceAccount kills the rule (ALLOW: never matches, DENY: never fires), although the same can be said in a
    way that it understands.

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
      name: cart
      namespace: shop
    spec:
      selector: {matchLabels: {app: cart}}
      rules:
        - when:
            - key: source.serviceAccount  # expect: ML217
              values: [web/frontend]
    ```

    Remedy: `key: source.principal` with `values: ["*/ns/web/sa/frontend"]`. The fix is safe: the new condition means the same
    for a sidecar, a waypoint and ztunnel.

    Takes the place of authz-l7-allow-at-ztunnel and authz-l7-deny-at-ztunnel where nothing else is wrong with the policy.
    (`from.source.serviceAccounts` is passed on to ztunnel by every release that has the field, from Istio 1.25.)

    Not reported when the policy asks for other HTTP attributes as well, when it has targetRefs or selects gateways only, and
    when its pods stay out of ambient.
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.dry_run or acting.action not in (authz.ALLOW, authz.DENY):
        return
    gone = [attribute for found in authz.converted(acting) for attribute in authz.layer7(found)]
    if gone and all(attribute.key == _KEY for attribute in gone):
        yield _problem(policy, acting, gone, subject)


def _problem(policy: Resource, acting: authz.Authorization, gone: Sequence[authz.Attribute], subject: Resource | str) -> Problem:
    allow = acting.action == authz.ALLOW
    what = "never matches and the callers it names are refused" if allow else "never fires and the callers it names get in"
    message = f"{policy.title} asks for {_KEY} in a condition, which ztunnel does not know: the rule {what}."
    impact = None if allow else Impact.UNENFORCED
    return Problem(gone[0].at, message, impact=impact, fix=partial(_fix, policy, gone), subject=subject)


def _fix(policy: Resource, gone: Sequence[authz.Attribute]) -> Fix | None:
    made = changes()
    for attribute in gone:
        made.set(attribute.at, "source.principal")
        for value in [*attribute.at.parent.each("values"), *attribute.at.parent.each("notValues")] if attribute.at.parent else ():
            namespace, slash, account = (value.text or "").partition("/")
            if not slash:
                namespace, account = policy.namespace, namespace
            if not namespace or not account:
                return None
            made.set(value, f"*/ns/{namespace}/sa/{account}")
    return made.fix("Ask for the principal", safe=True)
