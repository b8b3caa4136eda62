"""ML213 authz-trustdomains-field."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML213", "authz-trustdomains-field", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["trustDomains", "notTrustDomains"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go",
        "istio/api@b8f8791:security/v1beta1/authorization_policy.proto",
    ],
    remedy='Write the trust domain as the beginning of a principal (principals: ["partner.example.com/*"]), or use a waypoint.',
    yields_in_object=["authz-l7-allow-at-ztunnel", "authz-l7-deny-at-ztunnel", "authz-old-and-new-coexist"],
    points_to=[],
)  # fmt: skip
def authz_trustdomains_field(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods asks for trustDomains or notTrustDomains, which istiod does not pass on to ztunnel.

    The field exists since Istio 1.30; the conversion for ztunnel neither takes it over nor says so. Alone in a source it
    leaves an empty match, which never fits: an ALLOW rule is dead, a DENY rule never fires. Beside other fields the
    condition just disappears: an ALLOW rule lets in callers of every trust domain.

    ```yaml
    # args: --target istio=1.30
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
        - from:
            - source:
                namespaces: [web]
                trustDomains: [partner.example.com]  # expect: ML213
    ```

    Remedy: a principal that begins with the trust domain: `principals: ["partner.example.com/*"]`, which the fix
    writes. It needs a look, because sidecars and waypoints take a principal of the mesh's own trust domain for one of its aliases as
    well. None is offered where the source has principals already, which the trust domain has to become part of, and for a value that
    begins with a wildcard.

    Not reported when the policy has targetRefs or selects gateways only, when its pods stay out of ambient, when the
    target is older than 1.30 (the field does not exist there), and when the rule is dead for another reason
    (authz-l7-allow-at-ztunnel, authz-l7-deny-at-ztunnel).
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.dry_run or not mesh.target.istio_at_least("1.30.0"):
        return
    for found in authz.converted(acting):
        unread = [attribute for attribute in found.removed if authz.fate(attribute) is authz.Fate.UNREAD]
        if unread and not (found.never and authz.layer7(found)):
            what, impact = _effect(acting.action, found)
            message = f"{policy.title} asks for {unread[0].field}, which Istio {mesh.target.istio} does not pass on to ztunnel: {what}."
            yield Problem(unread[0].at, message, impact=impact, fix=partial(_fix, acting), subject=subject)
            return


def _effect(action: str, found: authz.Converted) -> tuple[str, Impact]:
    allow = action == authz.ALLOW
    if found.never:
        return ("the rule never matches", Impact.STRICTER) if allow else ("the rule never fires", Impact.UNENFORCED)
    if found.widened:
        impact = Impact.UNENFORCED if allow else Impact.STRICTER
        return f"the rule {'admits' if allow else 'denies'} every trust domain", impact
    return ("that source never matches", Impact.STRICTER if allow else Impact.UNENFORCED)


def _fix(acting: authz.Authorization) -> Fix | None:
    made = changes()
    for one in acting.rules:
        for attribute in one.attributes():
            if authz.fate(attribute) is authz.Fate.UNREAD:
                source, key = attribute.at.parent, "notPrincipals" if attribute.negated else "principals"
                values = [value for value in attribute.values if value is not None]
                known = len(values) == len(attribute.values) and not any(value.startswith("*") and value != "*" for value in values)
                if source is None or source.get(key).present or not known:
                    return None
                for number, value in enumerate(values):
                    made.set(attribute.at.get(number), value if value.endswith("*") else f"{value}/*")
                made.rename(attribute.at, key)
    return made.fix("Write it as a principal")
