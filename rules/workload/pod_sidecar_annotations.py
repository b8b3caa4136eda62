"""ML305 pod-sidecar-annotations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Mesh, Mode, Node, Problem, Resource, Severity, Workload, rule

_PREFIXES = ("sidecar.istio.io/", "status.sidecar.istio.io/", "readiness.status.sidecar.istio.io/")
_ALSO = ("prometheus.istio.io/merge-metrics",)
_NOT_THESE = ("sidecar.istio.io/inject", "sidecar.istio.io/status")  # rules of their own
_SIZES = ("sidecar.istio.io/proxyCPU", "sidecar.istio.io/proxyMemory", "sidecar.istio.io/concurrency")
_SIZED = "; size ztunnel and the waypoint instead."
_NOT_REDIRECTED = "sidecar.istio.io/interceptionMode"
_LOST = {
    "userVolume": (
        "files that were mounted into the proxy, often certificates for TLS origination, are not there any more",
        "Put the certificate into a Secret and name it (credentialName) in a DestinationRule that the egress waypoint or gateway reads.",
    ),
    "userVolumeMount": (
        "files that were mounted into the proxy, often certificates for TLS origination, are not there any more",
        "Put the certificate into a Secret and name it (credentialName) in a DestinationRule that the egress waypoint or gateway reads.",
    ),
    "discoveryAddress": (
        "the pod does not choose its control plane any more: ztunnel of its node does",
        "Check that the node's ztunnel and the waypoint belong to the control plane that is meant; then remove it.",
    ),
    "bootstrapOverride": (
        "what the proxy's own bootstrap adds (stats sinks, static clusters, tracers) ends",
        "Say it in MeshConfig, Telemetry or an API that the waypoint reads, as far as it is still needed; then remove it.",
    ),
    "extraStatTags": (
        "metrics of this workload lose these tags",
        "Add the tags to a Telemetry object that targets the waypoint; then remove it.",
    ),
}


@rule(
    "ML305", "pod-sidecar-annotations", Severity.NOTE, impact=Impact.IGNORED, each=WORKLOADS, reads=[], evidence="docs",
    needs=[*_PREFIXES, *_ALSO],
    sources=["https://istio.io/latest/docs/reference/config/annotations/", "istio/api@b8f8791:annotation/annotations.yaml"],
    remedy="Delete them once the pods run without sidecars.",
    points_to=[],
)  # fmt: skip
def pod_sidecar_annotations(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Annotations of a pod tune a sidecar (resources, image, log level, probes); without one they do nothing.

    Most are only left over. Requests and limits of the proxy leave the pod with it, so quotas and autoscaler targets can be
    looked at again. Some carry something that has to go elsewhere: `userVolume` and `userVolumeMount` (files for the proxy),
    `extraStatTags` (metric tags), `discoveryAddress` (which control plane), `bootstrapOverride` (an Envoy bootstrap of one's
    own), and `interceptionMode: NONE` says that the pod is not redirected, which ambient does not read: it will be.

    ```yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        matchLabels: {app: cart}
      template:
        metadata:
          labels: {app: cart}
          annotations:
            sidecar.istio.io/proxyCPU: 100m # expect: ML305
            sidecar.istio.io/proxyMemory: 128Mi
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: delete them in the clean-up after the switch; what is left over is one note for the pod template, at the first of
    them. Those that carry something are warnings of their own. Once the pods are ambient the fix deletes the leftovers, which is safe;
    before that only with `--phase cleanup`, because sidecars still read them. Pods that are not redirected get the
    label that keeps them out; for what has to go elsewhere there is no automatic fix.

    Not reported when the pods are gateways, whose proxies go on reading them, or stay out of the mesh. Not among them are
    `sidecar.istio.io/inject` ([sidecar-injection](sidecar-injection.md),
    [pod-inject-false-now-captured](pod-inject-false-now-captured.md)) and `traffic.sidecar.istio.io/*`
    ([pod-traffic-annotations](pod-traffic-annotations.md)).
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    left: list[tuple[str, Node]] = []
    for name, at in workload.template.get("metadata", "annotations").items():
        if not (name.startswith(_PREFIXES) or name in _ALSO) or name in _NOT_THESE:
            continue
        lost = _lost(name, at)
        if lost is None:
            left.append((name, at))
        else:
            message = f"{resource.title} sets {name}, which nothing reads without a sidecar: {lost[0]}."
            fix = partial(_stays_out, workload, at) if name == _NOT_REDIRECTED else None
            yield Problem(at, message, Severity.WARNING, remedy=lost[1], fix=fix)
    if left:
        names = ", ".join(name for name, _ in left)
        does = "this annotation does" if len(left) == 1 else "these annotations do"
        message = f"{resource.title} tunes a sidecar ({names}); without one {does} nothing."
        sized = any(name.startswith(_SIZES) for name, _ in left)
        remedy = f"Delete {'it' if len(left) == 1 else 'them'} once the pods run without sidecars{_SIZED if sized else '.'}"
        yield Problem(left[0][1], message, remedy=remedy, fix=partial(_fix, resource, [at for _, at in left], mesh))


def _lost(name: str, at: Node) -> tuple[str, str] | None:
    """What is lost with an annotation that is more than a leftover, and where to."""
    if name == _NOT_REDIRECTED:
        if at.text != "NONE":
            return None
        remedy = "Label the pods istio.io/dataplane-mode: none if they must not be captured."
        return "the pod was not redirected at all, and ambient captures it", remedy
    return _LOST.get(name.removeprefix("sidecar.istio.io/"))


def _fix(resource: Resource, left: list[Node], mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    if not pods.sidecars_gone(resource, mesh):
        return None
    return pods.without(left, "Delete the annotations of the sidecar", safe=mesh.mode(resource) is Mode.AMBIENT)


def _stays_out(workload: Workload, at: Node) -> Fix | None:
    from meshlint.api import pods

    return pods.stay_out(workload, at, safe=False)
