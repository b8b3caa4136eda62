"""ML212 authz-trust-domain-alias."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, MeshSetting, Node, Problem, Resource, Severity, authz, changes, rule

_DEFAULT = "cluster.local"

_RESULTS = {  # by action, and whether the principal stands in a negated list
    (authz.ALLOW, False): "the callers that it stands for are refused",
    (authz.ALLOW, True): "the callers that it keeps out get in",
    (authz.DENY, False): "the callers that it is to refuse get in",
    (authz.DENY, True): "the callers that it spares are refused",
}


@rule(
    "ML212", "authz-trust-domain-alias", Severity.ERROR, impact=Impact.STRICTER, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["source", "when"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go", "istio@86c9f01:pilot/pkg/security/trustdomain/bundle.go",
    ],
    remedy="Write the mesh's own trust domain, or one principal for each, or the form */ns/<namespace>/sa/<account>.",
    points_to=[],
)  # fmt: skip
def authz_trust_domain_alias(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods writes principals with an alias of the trust domain, or with cluster.local where it has another name.

    For sidecars and waypoints istiod completes such principals with every trust domain and alias of the MeshConfig. It does
    not for ztunnel, which compares what is written: an ALLOW rule refuses callers that pass today, a DENY rule lets in
    those that it refuses.

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata: {name: mesh, namespace: istio-system}
    spec:
      profile: ambient
      meshConfig: {trustDomain: prod.example.com}
    ---
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
                principals:
                  - cluster.local/ns/shop/sa/web  # expect: ML212
    ```

    Remedy: `prod.example.com/ns/shop/sa/web`; while both are in use, one principal for each. The fix writes
    exactly those that istiod writes for sidecars, one for the trust domain and one for each alias, so it is safe.

    One finding for a policy. Not reported when the trust domain is cluster.local (or not told) and has no aliases, when the
    principal has the mesh's own trust domain (or stands beside the same one that has), none, or a wildcard for it, when
    several MeshConfigs of an environment differ, when the policy has targetRefs or selects gateways only, and when its pods
    stay out of ambient.
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.action not in (authz.ALLOW, authz.DENY) or acting.dry_run:
        return
    setting = _setting(mesh)
    if setting is None:
        return
    own = setting.config.get("trustDomain").text or _DEFAULT
    others = {node.text for node in setting.config.each("trustDomainAliases") if node.text} | {_DEFAULT}
    for at, domain, negated in _principals(acting, own):
        if domain in others:
            refused = (acting.action == authz.ALLOW) is not negated
            result = _RESULTS[acting.action, negated]
            message = f"{policy.title} names a principal of {domain}, and the trust domain is {own}: ztunnel knows no aliases, so {result}."
            decides = setting.config.get("trustDomain") if setting.config.get("trustDomain") else setting.config.get("trustDomainAliases")
            impact = Impact.STRICTER if refused else Impact.UNENFORCED
            fix = partial(_fix, acting, setting)
            yield Problem(at, message, impact=impact, related=((decides, "the trust domain"),), fix=fix, subject=subject)
            return


def _setting(mesh: Mesh) -> MeshSetting | None:
    """The MeshConfig that tells the trust domain; None where none does, or several differ."""
    told = [s for s in mesh.mesh_settings() if s.config.get("trustDomain").text or s.config.get("trustDomainAliases")]
    return told[0] if told and len({setting.config.get("trustDomain").text for setting in told}) == 1 else None


def _principals(acting: authz.Authorization, own: str) -> Iterator[tuple[Node, str, bool]]:
    """Every principal that is written with another trust domain than the mesh's own, that, and whether it is negated. Left out are
    those that stand beside the same one of the own trust domain."""
    for one in acting.rules:
        for attribute in one.attributes():
            if attribute.key == "source.principal":
                for number, value in enumerate(attribute.values):
                    domain, inside, rest = (value or "").partition("/ns/")
                    if inside and "*" not in domain and domain != own and f"{own}/ns/{rest}" not in attribute.values:
                        yield authz.item(attribute, number), domain, attribute.negated


def _fix(acting: authz.Authorization, setting: MeshSetting) -> Fix | None:
    """What istiod makes of such a principal for a sidecar: one for the trust domain, and one for each alias."""
    own = setting.config.get("trustDomain").text or _DEFAULT
    aliases = [node.text for node in setting.config.each("trustDomainAliases")]
    made = changes()
    for at, domain, _ in _principals(acting, own):
        listed, rest = at.parent, (at.text or "").partition("/ns/")[2]
        if listed is None or None in aliases:
            return None
        if domain not in (*aliases, _DEFAULT):
            continue
        there = {node.text for node in listed.each()}
        wanted = [f"{name}/ns/{rest}" for name in (own, *aliases) if f"{name}/ns/{rest}" not in there]
        if domain not in aliases:
            made.set(at, wanted.pop(0))
        for principal in wanted:
            made.append(listed, principal)
    return made.fix("Name the trust domain of the mesh", safe=True)
