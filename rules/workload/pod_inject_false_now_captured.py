"""ML303 pod-inject-false-now-captured."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import MESHED_BY, WORKLOADS, Confidence, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, rule

_INJECT, _MODE = "sidecar.istio.io/inject", "istio.io/dataplane-mode"


@rule(
    "ML303", "pod-inject-false-now-captured", Severity.WARNING, impact=Impact.STRICTER, each=WORKLOADS,
    reads=[*MESHED_BY, Kind.ISTIO_CNI, Kind.ISTIO_OPERATOR, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION], evidence="code",
    needs=[_INJECT],
    sources=[
        "istio@86c9f01:cni/pkg/util/enablement_selector.go (reads no injection label)",
        "istio@86c9f01:manifests/charts/istio-cni/values.yaml (ambient.enablementSelectors)",
    ],
    remedy="Give the pods the label istio.io/dataplane-mode: none to keep them out, or drop the old label to let them in.",
    points_to=[],
)  # fmt: skip
def pod_inject_false_now_captured(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A pod opts out of sidecar injection, which does not keep it out of ambient: it will be captured with its namespace.

    The CNI reads `istio.io/dataplane-mode` and no injection label. Databases, jobs, hooks and operators that were kept out for
    a reason enter the mesh on the day their namespace does: their traffic goes through ztunnel, and STRICT and
    AuthorizationPolicies of the namespace apply to them.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML320
    ---
    apiVersion: apps/v1
    kind: StatefulSet
    metadata:
      name: db
      namespace: shop
    spec:
      serviceName: db
      selector:
        matchLabels: {app: db}
      template:
        metadata:
          labels:
            app: db
            sidecar.istio.io/inject: "false" # expect: ML303
        spec:
          containers:
            - {name: db, image: "shop/db:16"}
    ```

    Remedy: if it should stay out, the label `istio.io/dataplane-mode: none` on the pod template (on the template, as a label:
    annotations are not read). If the reason is gone, remove the old label. The fix adds the label, in the patch where one opts out
    (none is offered where operations or values do); that is safe before the move, as it has no effect on sidecars. It needs a look
    where the namespace is or may be ambient, because these pods are captured then.

    A note where the repository does not tell whether the namespace is in the mesh at all. Not reported when the template
    says `istio.io/dataplane-mode` already; for hostNetwork pods, which cannot be captured; in namespaces that stay out
    (system namespaces, `istio-injection: disabled`, Istio's root namespace); where the CNI installation sets
    `ambient.enablementSelectors` of its own.
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource.namespace):
        return
    at = _opts_out(workload)
    spec = workload.template.get("spec")
    settled = workload.label(_MODE).present or _MODE in workload.labels or spec.get("hostNetwork").value not in (None, False)
    if at is None or settled or mesh.enablement_selectors():
        return
    certain = bool(resource.namespace) and mesh.meshed(resource)
    where = f"namespace {resource.namespace}" if resource.namespace else "its namespace"
    when = f"as {where} is ambient" if mesh.ambient_now(resource.namespace) else f"once {where} is ambient"
    yield Problem(
        at,
        f'{resource.title} opts out of injection ({_INJECT}: "false"), which the ambient CNI does not read: {when}, these pods '
        "are captured.",
        None if certain else Severity.NOTE,
        confidence=None if certain else Confidence.LOW,
        fix=partial(_fix, workload, at, certain and not mesh.ambient_now(workload.namespace)),
        subject=resource.namespace or None,
    )


def _opts_out(workload: Workload) -> Node | None:
    """The label, else the annotation, that says false; the label wins where both are there."""
    for at in (workload.label(_INJECT), workload.template.get("metadata", "annotations", _INJECT)):
        if at.present:
            return at if at.value is False or at.text == "false" else None
    return None


def _fix(workload: Workload, at: Node, safe: bool) -> Fix | None:
    from meshlint.api import pods

    return pods.stay_out(workload, at, safe=safe)
