"""ML214 authz-dry-run."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_ANNOTATION = "istio.io/dry-run"
_FLAG = "AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY"


@rule(
    "ML214", "authz-dry-run", Severity.WARNING, impact=Impact.IGNORED, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=[_ANNOTATION],
    sources=[
        "istio@86c9f01:pilot/pkg/features/ambient.go", "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go",
        "istio@86c9f01:releasenotes/notes/authz-dry-run-ambient.yaml",
    ],
    remedy=f"Remove the policy, or (Istio and ztunnel 1.29 and later) set {_FLAG}=true on istiod; at a waypoint dry-run works.",
    points_to=[],
)  # fmt: skip
def authz_dry_run(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods is a dry run; ztunnel is not given such policies, so nothing is recorded any more.

    From Istio 1.29 AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY=true on istiod changes that (off by default). A ztunnel
    older than 1.29 would enforce what it is given.

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
      annotations:
        istio.io/dry-run: "true"  # expect: ML214
    spec:
      selector: {matchLabels: {app: cart}}
      rules:
        - from: [{source: {namespaces: [web]}}]
    ```

    Remedy: as above; with targetRefs a waypoint takes dry runs as a sidecar did. No automatic fix: it is an experiment of
    somebody.

    Not reported when the annotation says "false", when istiod runs with the flag and the target is 1.29 or later, when the
    policy has targetRefs or selects gateways only, and when its pods stay out of ambient.
    """
    at, subject = policy.annotation(_ANNOTATION), mesh.reach(policy).subject
    if subject is None or (policy.annotations.get(_ANNOTATION) or "").lower() not in ("true", "t", "1"):
        return
    allowed, known = (mesh.istiod_env(_FLAG) or "").lower() == "true", mesh.target.istio_at_least("1.29.0")
    if allowed and known:
        return
    why = f"without {_FLAG}=true istiod does not send it"
    if not known:
        why = f"Istio {mesh.target.istio} does not know dry runs there (1.29 does, with {_FLAG}=true)"
    message = f"{policy.title} is a dry run and for ztunnel: {why}, so nothing is recorded."
    yield Problem(at if at else policy.root, message, subject=subject)
