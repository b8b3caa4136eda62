"""ML301 ns-injection-and-ambient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from meshlint.api import Confidence, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_MODE, _INJECTION, _REVISION = "istio.io/dataplane-mode", "istio-injection", "istio.io/rev"


@rule(
    "ML301", "ns-injection-and-ambient", Severity.WARNING, impact=Impact.IGNORED,
    each=(Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET), reads=[], evidence="code",
    needs=[_MODE],
    sources=[
        "istio@86c9f01:cni/pkg/util/enablement_selector.go (Matches: a pod with a sidecar is skipped)",
        "istio@86c9f01:manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml",
        "istio@86c9f01:pkg/config/analysis/analyzers/injection/injection.go",
        "https://istio.io/latest/docs/ambient/migrate/",
    ],
    remedy="Remove the injection label in the commit that enrols the namespace, and restart its workloads.",
    points_to=[],
)  # fmt: skip
def ns_injection_and_ambient(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A namespace has the ambient label and asks for sidecar injection as well; injection wins.

    The injector does not look at `istio.io/dataplane-mode`, and the CNI leaves out every pod that has a sidecar. So the
    namespace looks migrated, and its pods keep running sidecars: each one after its next restart too. `istio.io/rev` injects
    where a control plane of that revision (or tag) has an injector, which the ambient profile installs as well.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML301
        istio.io/dataplane-mode: ambient
    ```

    Remedy: remove `istio-injection`, restart the workloads. Waypoints of a revisioned installation are selected by
    `istio.io/rev` too: before it goes from the namespace, put it on their Gateways. The fix does both, and needs a look: pods
    change their data plane with it, at their next restart.

    Both labels together are a step of the official procedure: with `--phase prepare` or `--phase switch` this is a note, and with
    `prepare` there is no automatic fix.

    Not reported when `istio-injection` is disabled (it beats a revision as well), the revision is empty, or the ambient
    label is missing or says `none`.
    """
    for label in _labels(resource):
        found = _asked(label)
        if found is not None:
            at, said, confidence = found
            passing = mesh.settings.phase in ("prepare", "switch")
            yield Problem(
                at,
                f"{resource.title} is labelled {_MODE}: ambient and asks for sidecars ({said}): its pods keep getting "
                "sidecars, and the ambient CNI leaves such pods out.",
                Severity.NOTE if passing else None,
                confidence=confidence,
                related=((label(_MODE), "the ambient label"),),
                remedy=_remedy(said),
                fix=partial(_fix, resource, label, mesh),
            )


def _labels(resource: Resource) -> Iterator[Callable[[str], Node]]:
    """How to look up a label of the namespace; of one that Argo CD makes, in its metadata."""
    if resource.kind is Kind.NAMESPACE:
        yield resource.label
        return
    spec = resource.spec.get("template", "spec") if resource.kind is Kind.ARGO_APPLICATION_SET else resource.spec
    yield spec.get("syncPolicy", "managedNamespaceMetadata", "labels").get


def _asked(label: Callable[[str], Node]) -> tuple[Node, str, Confidence | None] | None:
    """The label that asks for sidecars beside the ambient one; a revision injects only where its injector is installed."""
    injection, revision = label(_INJECTION), label(_REVISION)
    if label(_MODE).text != "ambient" or injection.unknown:
        return None
    if injection.present:
        return (injection, f"{_INJECTION}: enabled", None) if injection.text == "enabled" else None
    return (revision, f"{_REVISION}: {revision.value}", Confidence.MEDIUM) if revision and revision.value != "" else None


def _remedy(said: str) -> str | None:
    if said.startswith(_INJECTION):
        return None
    return f"Remove {_REVISION} from the namespace and restart its workloads; waypoints of that revision keep it on their Gateway."


def _fix(resource: Resource, label: Callable[[str], Node], mesh: Mesh) -> Fix | None:
    """Without what asks for sidecars; the revision goes on to the waypoints of the namespace."""
    from meshlint.api import pods

    if mesh.settings.phase == "prepare":
        return None
    made = changes()
    for name in (_INJECTION, _REVISION):
        if resource.kind is Kind.NAMESPACE and label(name).present:
            made.label(resource, name, None)
        elif label(name).present:
            made.remove(label(name), prune=True)
    if resource.kind is Kind.NAMESPACE:
        pods.hand_on(made, resource, mesh)
    return made.fix("Ask for sidecars no more")
