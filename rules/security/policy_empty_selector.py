"""ML227 policy-empty-selector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML227", "policy-empty-selector", Severity.ERROR, impact=Impact.UNENFORCED,
    each=(Kind.AUTHORIZATION_POLICY, Kind.PEER_AUTHENTICATION), evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["selector"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go (convertAuthorizationPolicy)",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/workloads.go (buildWorkloadPolicies, fetchPeerAuthentications)",
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (isSelected)",
    ],
    remedy="Delete the empty selector: without one the policy is for the whole namespace, for ztunnel too.",
    points_to=[],
)  # fmt: skip
def policy_empty_selector(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy has `selector: {}`, a selector without labels: sidecars take it as all pods, in ambient it acts on none.

    istiod tells ztunnel of two sorts of AuthorizationPolicies: those without a selector, for the whole namespace or mesh, and
    those with one, which it attaches to the pods chosen. One with an empty selector is of the second sort and is attached to no pod.
    A PeerAuthentication for the mesh has the same fate: in the root namespace istiod passes over all that have a selector, so that
    STRICT is lost. What such a policy refuses today is let in.

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
      name: no-strangers
      namespace: shop
    spec:
      selector: {}  # expect: ML227
      action: DENY
      rules:
        - from: [{source: {notNamespaces: [shop]}}]
    ```

    Remedy: no selector at all, which says the same to sidecars. The fix takes it out; it needs a look where pods are ambient
    already, for the policy begins to act.

    Not reported when the selector has `matchLabels`, be it without an entry (`matchLabels: {}` acts on all pods), when the policy
    has targetRefs or selects gateways only, when its pods stay out of ambient, when it does nothing anyway (a DENY policy without rules,
    a dry run, a PeerAuthentication that is not STRICT), for CUSTOM and AUDIT (authz-action-custom-audit), for a PeerAuthentication of
    another namespace than the root, which acts, and when a template fills in the selector.
    """
    selector = policy.spec.get("selector")
    if not _empty(selector) or not (_acts(policy) if policy.kind is Kind.AUTHORIZATION_POLICY else _strict(policy, mesh)):
        return
    subject = mesh.reach(policy).subject
    if subject is None:
        return
    mesh_wide = policy.namespace == mesh.settings.root_namespace
    whom = "every pod of the mesh" if mesh_wide else "every pod of its namespace"
    then = "plaintext from outside of the mesh is let in" if policy.kind is Kind.PEER_AUTHENTICATION else "what it refuses is let in"
    message = f"{policy.title} has a selector without labels. For sidecars that is {whom}, in ambient it is none: {then}."
    yield Problem(selector, message, fix=partial(_fix, selector, mesh.ambient_now(subject)), subject=subject)


def _empty(selector: Node) -> bool:
    """Without labels, and without the map for them?"""
    labels = selector.get("matchLabels")
    return selector.is_map and not selector.unknown and not labels.unknown and labels.value is None


def _acts(policy: Resource) -> bool:
    acting = authz.authorization(policy)
    if acting is None or acting.dry_run or acting.action not in (authz.ALLOW, authz.DENY):
        return False
    return acting.action == authz.ALLOW or bool(acting.rules)


def _strict(policy: Resource, mesh: Mesh) -> bool:
    return policy.namespace == mesh.settings.root_namespace and policy.spec.get("mtls", "mode").text == "STRICT"


def _fix(selector: Node, ambient: bool) -> Fix | None:
    return changes().remove(selector).fix("Delete the empty selector", safe=not ambient)
