"""ML302 pod-inject-override."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Mode, Node, Problem, Resource, Severity, Workload, changes, rule

_INJECT, _REVISION, _MODE = "sidecar.istio.io/inject", "istio.io/rev", "istio.io/dataplane-mode"
_STATUS = "sidecar.istio.io/status"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_LABELS = ("security.istio.io/tlsMode", "service.istio.io/canonical-name", "service.istio.io/canonical-revision")
_VOLUMES = frozenset({
    "istio-envoy", "istio-data", "istio-podinfo", "istio-token", "istiod-ca-cert", "istio-ca-crl", "istio-certs", "workload-socket",
    "credential-socket", "workload-certs",
})  # fmt: skip


@rule(
    "ML302", "pod-inject-override", Severity.WARNING, impact=Impact.IGNORED, each=WORKLOADS, reads=[Kind.NAMESPACE],
    evidence="code",
    sources=[
        "istio@86c9f01:cni/pkg/util/enablement_selector.go (Matches: a pod with a sidecar is skipped)",
        "istio@86c9f01:pkg/kube/inject/inject.go (injectRequired)",
        "istio@86c9f01:manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml (pods are chosen by labels)",
        "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
    remedy="Remove the label (or the container) and restart the pods; to keep the sidecar, say istio.io/dataplane-mode: none on the pods.",
    points_to=[],
)  # fmt: skip
def pod_inject_override(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A pod template asks for a sidecar in a namespace that is ambient, or holds a hand-injected sidecar: these pods stay behind.

    What the pod says beats its namespace: with `sidecar.istio.io/inject: "true"` (or a revision of its own) it is injected,
    and the CNI leaves pods with a sidecar out of ambient. An `istio-proxy` container that `istioctl kube-inject` wrote into the
    manifest does not even depend on a label: no change of the namespace removes it.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
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
          labels:
            app: cart
            sidecar.istio.io/inject: "true" # expect: ML302
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: remove the label or container with the enrolment and restart the pods. The fix does that and needs a look,
    because running pods change their data plane. Of a hand-injected manifest it takes Istio's containers, their volumes and
    annotations; there is no automatic fix where the injector has also changed the application's probes, where a selector
    asks for the label, or where a Kustomize patch sets it.

    Not reported when the pods are gateways (their template stays), when the template says `istio.io/dataplane-mode: none`
    (a deliberate exception), when only the older annotation asks (the injector is asked by labels, so these pods move), when the
    namespace says `istio-injection: disabled`, and when it has not moved yet: then [sidecar-injection](sidecar-injection.md) lists
    the label among what is to be moved. A hand-injected container is reported in every candidate namespace.
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or resource.namespace == mesh.settings.root_namespace:
        return
    by_hand = _by_hand(workload)
    if by_hand is not None:
        yield Problem(
            by_hand,
            f"{resource.title} holds a sidecar that was injected by hand: no label removes it, and the ambient CNI leaves such pods out.",
            remedy="Write the manifest without the injected containers and volumes and let the namespace decide.",
            fix=partial(_uninjected, workload),
        )
        return
    if workload.labels.get(_MODE) == "none" or not _ambient(resource.namespace, mesh):
        return
    asked = _asked(workload, mesh)
    if asked is not None:
        at, said = asked
        yield Problem(
            at,
            f"{resource.title} asks for a sidecar ({said}) in {_place(resource)}, which is ambient: what the pod says wins, "
            "and the ambient CNI leaves pods with a sidecar out.",
            fix=partial(_fix, workload, mesh),
        )


def _ambient(namespace: str, mesh: Mesh) -> bool:
    return mesh.mode(namespace) in (Mode.AMBIENT, Mode.BOTH) or mesh.ambient_now(namespace)


def _by_hand(workload: Workload) -> Node | None:
    """The name of an istio-proxy container beside others and with an image of its own, else the annotation of the injector."""
    spec = workload.template.get("spec")
    containers = [*spec.each("containers"), *spec.each("initContainers")]
    for container in containers if len(containers) > 1 else ():
        if container.get("name").text == "istio-proxy" and container.get("image").text not in (None, "", "auto"):
            return container.get("name")
    status = workload.template.get("metadata", "annotations", _STATUS)
    return status if status else None


def _place(resource: Resource) -> str:
    return f"namespace {resource.namespace}" if resource.namespace else "its namespace"


def _asked(workload: Workload, mesh: Mesh) -> tuple[Node, str] | None:
    """The pod label that sends the pods to the injector, which then looks at the annotation as well."""
    label, annotation = workload.label(_INJECT), workload.template.get("metadata", "annotations", _INJECT)
    found = mesh.find(Kind.NAMESPACE, "", workload.namespace)
    namespace = found.labels if found is not None else {}
    if label.present:
        asked = _yes(label) and namespace.get("istio-injection") != "disabled"
        return (label, f'pod label {_INJECT}: "true"') if asked else None
    revision = workload.label(_REVISION)
    decided = "istio-injection" in namespace or _REVISION in namespace
    if revision.text and not decided and (not annotation.present or _yes(annotation)):
        return revision, f"pod label {_REVISION}: {revision.text}"
    return None


def _yes(node: Node) -> bool:
    return node.value is True or node.text == "true"


def _fix(workload: Workload, mesh: Mesh) -> Fix | None:
    """Without all that would ask for a sidecar one after the other."""
    from meshlint.api import pods

    asking = [workload.label(_INJECT), workload.template.get("metadata", "annotations", _INJECT)]
    label = workload.label(_REVISION)
    if not asking[0].present and not asking[1].present:
        asking.append(label)
    asking = [node for node in asking if node.present]
    if any(pods.selected(workload, name, mesh) for name in (_INJECT, _REVISION)) or any(pods.overlaid(workload, node) for node in asking):
        return None
    return pods.without(asking, "Ask for a sidecar no more")


def _uninjected(workload: Workload) -> Fix | None:
    """Without the containers, volumes, labels and annotations that the injector wrote."""
    from meshlint.api import pods

    made, template = changes(), workload.template
    spec = template.get("spec")
    ours = [one for field in ("containers", "initContainers") for one in spec.each(field) if one.get("name").text not in pods.OF_ISTIO]
    if any("/app-health/" in (node.text or "") for one in ours for probe in _PROBES for node in one.each(probe, "httpGet", "path")):
        return None
    mounted = {node.text for one in ours for node in one.each("volumeMounts", "name")}
    for field in ("containers", "initContainers"):
        for one in spec.each(field):
            if one not in ours:
                made.remove(one, prune=True)
    for volume in spec.each("volumes"):
        if volume.get("name").text in _VOLUMES and volume.get("name").text not in mounted:
            made.remove(volume, prune=True)
    for field, names in (("labels", _LABELS), ("annotations", (_STATUS,))):
        for node in (template.get("metadata", field, name) for name in names):
            if node.present:
                made.remove(node, prune=True)
    return made.fix("Take the injected containers out")
