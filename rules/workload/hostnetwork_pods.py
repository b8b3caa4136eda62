"""ML312 hostnetwork-pods."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import MESHED_BY, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, rule

_MODE = "istio.io/dataplane-mode"


@rule(
    "ML312", "hostnetwork-pods", Severity.WARNING, impact=Impact.DIFFERS, each=WORKLOADS, reads=[*MESHED_BY, Kind.SERVICE],
    evidence="code",
    needs=["hostNetwork"],
    sources=[
        "istio@86c9f01:cni/pkg/util/enablement_selector.go (Matches)",
        "istio@86c9f01:releasenotes/notes/61168.yaml",
        "https://github.com/istio/istio/pull/61168",
    ],
    remedy="Label the pod template istio.io/dataplane-mode: none.",
    points_to=[Kind.SERVICE],
)  # fmt: skip
def hostnetwork_pods(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Pods on the host's network in a namespace that is or becomes ambient: they cannot be captured.

    Redirection is set up inside of a pod's network namespace, and these have none of their own. They neither get nor use
    mTLS: policies by principal never match them, STRICT refuses their calls, and a waypoint's Service reaches them in plain
    text. From Istio 1.27 to 1.30 the CNI does not even leave them out by itself: it may take one for
    eligible and redirect the traffic of the node.

    ```yaml
    # args: --target istio=1.31
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML320
    ---
    apiVersion: apps/v1
    kind: DaemonSet
    metadata:
      name: scanner
      namespace: shop
    spec:
      selector:
        matchLabels: {app: scanner}
      template:
        metadata:
          labels: {app: scanner}
        spec:
          hostNetwork: true # expect: ML312
          containers:
            - {name: scanner, image: "shop/scanner:1.4"}
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: scanner
      namespace: shop
    spec:
      selector: {app: scanner}
      ports: [{name: http, port: 8080}]
    ```

    Remedy: the label `istio.io/dataplane-mode: none` on the pod template says what is the case, is safe in every release, and
    can be added before the move; callers need an exception where STRICT or AuthorizationPolicies ask for an identity. Or give
    the pods a network of their own. The fix adds the label.

    Severity: an error where the target is Istio 1.27 to 1.30; a warning otherwise, and then only where a Service selects
    the pods. Not reported when the template has the label, when the namespace stays out (system namespaces), when the
    repository does not show the namespace to be in the mesh, and for gateways.
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.meshed(resource):
        return
    at = workload.template.get("spec", "hostNetwork")
    if at.value is not True or workload.labels.get(_MODE) == "none":
        return
    services = mesh.services_of(workload)
    if mesh.target.istio_at_least("1.27.0") and not mesh.target.istio_at_least("1.31.0"):
        yield Problem(
            at,
            f"{resource.title} uses the host's network, and Istio {mesh.target.istio} does not leave such pods out of ambient "
            "(1.27 to 1.30): the traffic of the node may be redirected.",
            Severity.ERROR,
            Impact.BREAKS,
            fix=partial(_fix, workload, at),
            subject=resource.namespace or None,
        )
    elif services:
        yield Problem(
            at,
            f"{resource.title} uses the host's network, so ambient cannot capture it: {services[0].title} reaches it in plain "
            "text, and its calls have no identity.",
            related=((services[0].root, "this Service selects the pods"),),
            fix=partial(_fix, workload, at),
            subject=resource.namespace or None,
        )


def _fix(workload: Workload, at: Node) -> Fix | None:
    from meshlint.api import pods

    return pods.stay_out(workload, at, safe=True)
