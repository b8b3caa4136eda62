"""ML320 sidecar-injection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Mode, Node, Problem, Resource, Severity, Workload, changes, rule

_INJECT, _MODE = "sidecar.istio.io/inject", "istio.io/dataplane-mode"
_INJECTION, _REVISION = "istio-injection", "istio.io/rev"


@rule(
    "ML320",
    "sidecar-injection",
    Severity.NOTE,
    impact=Impact.ADVICE,
    each=(Kind.NAMESPACE, *WORKLOADS, Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET),
    reads=[],
    evidence="docs",
    needs=[_INJECTION, _REVISION, _INJECT],
    sources=[
        "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
    ],
    remedy="At the enrolment stage: label the namespace (or pod) istio.io/dataplane-mode: ambient, remove the injection label, restart "
    "the pods.",
    yields_to=["pod-inject-override", "ns-injection-and-ambient"],
    points_to=[],
)
def sidecar_injection(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A namespace or pod template asks for sidecar injection: these are the objects that the migration has to touch.

    They decide which workloads move, and in which order. `istio-injection: enabled` and a non-empty `istio.io/rev` count on a
    Namespace (also one that Argo CD makes, by managedNamespaceMetadata), `sidecar.istio.io/inject: "true"` on a pod
    template of any workload, Rollouts and Knative Services included, as a label or as the older annotation.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML320
    ```

    Remedy: when the namespace is enrolled, `istio.io/dataplane-mode: ambient` instead of the injection label, and a restart
    of its workloads. With `--phase switch` the fix does that, also for pods that are injected by a label of their own; it needs a
    look, and is refused as long as anything else of the namespace would become an error then. There is no automatic fix without
    `--phase switch`: the order of the namespaces is the migration plan, and waypoints and policies come first.

    Not reported when: injection is disabled, of the pods or by `istio-injection: disabled` of their namespace; the pods are gateways,
    which are injected with another template and stay; the namespace has the ambient label already, also of pods that ask by the
    annotation alone (the injector is asked by labels); `istio-injection` stands on a pod template, where it has no effect.
    """
    if resource.kind in (Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET):
        found = _managed(resource)
    elif resource.kind is Kind.NAMESPACE:
        found = _of_namespace(resource.label)
    else:
        found = _of_workload(resource, mesh)
    if found is not None:
        at, what = found
        message = f"{resource.title} {what}: its pods run sidecars until they move to ambient."
        yield Problem(at, message, fix=partial(_fix, resource, at, mesh))


def _of_namespace(label: Callable[[str], Node]) -> tuple[Node, str] | None:
    """The label of a namespace that asks for sidecars; `istio-injection` beats `istio.io/rev`, the ambient label settles it."""
    injection, revision = label("istio-injection"), label("istio.io/rev")
    if label("istio.io/dataplane-mode").text == "ambient" or injection.unknown or revision.unknown:
        return None
    if injection:
        return (injection, "enables sidecar injection (istio-injection: enabled)") if injection.text == "enabled" else None
    if revision and revision.value != "":
        return revision, f"enables sidecar injection by revision (istio.io/rev: {revision.value})"
    return None


def _managed(application: Resource) -> tuple[Node, str] | None:
    """Labels that Argo CD gives the namespace that it makes."""
    template = application.spec.get("template", "spec") if application.kind is Kind.ARGO_APPLICATION_SET else application.spec
    found = _of_namespace(template.get("syncPolicy", "managedNamespaceMetadata", "labels").get)
    return None if found is None else (found[0], f"makes its namespace with a label that {found[1]}")


def _of_workload(resource: Resource, mesh: Mesh) -> tuple[Node, str] | None:
    workload = mesh.workload(resource)
    if workload is None or workload.gateway:
        return None
    namespace = mesh.find(Kind.NAMESPACE, "", workload.namespace)
    if namespace is not None and namespace.labels.get(_INJECTION) == "disabled":
        return None
    label, annotation = workload.label(_INJECT), workload.template.get("metadata", "annotations", _INJECT)
    node, what = (label, "label") if label.present else (annotation, "annotation")
    asked = node.value is True or node.text == "true"
    if what == "annotation" and mesh.mode(workload.namespace) is Mode.AMBIENT:
        return None  # the injector is asked by labels, of which there is none
    return (node, f'asks for a sidecar (pod {what} {_INJECT}: "true")') if asked else None


def _fix(resource: Resource, at: Node, mesh: Mesh) -> Fix | None:
    """Ambient in place of sidecars, in the commit that switches."""
    from meshlint.api import pods

    if mesh.settings.phase != "switch":
        return None
    workload = mesh.workload(resource)
    if workload is not None:
        return _own(workload, mesh)
    if resource.kind is not Kind.NAMESPACE:
        labels = at.parent
        made = changes().set_key(labels, _MODE, "ambient") if labels is not None else changes()
        for name in (_INJECTION, _REVISION):
            if labels is not None and labels.get(name).present:
                made.remove(labels.get(name))
        return made.fix("Enrol it in ambient")
    made = changes().label(resource, _MODE, "ambient")
    for name in (_INJECTION, _REVISION):
        if resource.label(name).present:
            made.label(resource, name, None)
    pods.hand_on(made, resource, mesh)
    return made.fix("Enrol it in ambient")


def _own(workload: Workload, mesh: Mesh) -> Fix | None:
    """Pods that ask themselves: ambient as their namespace is, else by a label of their own."""
    from meshlint.api import pods

    if pods.selected(workload, _INJECT, mesh):
        return None
    made = changes()
    for at in (workload.label(_INJECT), workload.template.get("metadata", "annotations", _INJECT)):
        if at.present and pods.overlaid(workload, at):
            return None
        if at.present:
            made.remove(at, prune=True)
    if mesh.mode(workload.namespace) in (Mode.UNKNOWN, Mode.OUT):
        made.set_key(workload.template, ("metadata", "labels", _MODE), "ambient")
    return made.fix("Enrol its pods in ambient")
