"""ML907 duplicate-object."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_OUTCOME = {
    "kustomize": "Kustomize refuses to build it",
    "helm": "Helm installs one and fails on the other",
    "plain": "the last one wins, and nothing of the first is left",
}


@rule(
    "ML907",
    "duplicate-object",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(*ISTIO_KINDS, *GATEWAY_API_KINDS, Kind.SERVICE, *WORKLOADS),
    evidence="code",
    sources=["kustomize api/resmap (ids are unique)", "argo-cd RepeatedResourceWarning"],
    remedy="Keep one of them, or give the other its own name or namespace.",
    points_to=[],
)
def duplicate_object(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The same object (kind, namespace and name) stands twice in what is applied together: in one file, one Kustomize root,
    one chart, or one folder that Argo CD or Flux applies.

    Only one of them can be in the cluster. Kustomize refuses such a root; otherwise the one that is applied last wins, and a
    controller may write one after the other without end.

    ```yaml
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: mesh-default
      namespace: istio-system
    spec:
      accessLogging:
        - providers:
            - name: envoy
    ---
    apiVersion: telemetry.istio.io/v1alpha1
    kind: Telemetry # expect: ML907
    metadata:
      name: mesh-default
      namespace: istio-system
    spec:
      tracing:
        - randomSamplingPercentage: 10
    ```

    The apiVersion makes no difference: versions are views of one object.

    Remedy: keep one of them, or put both contents into one. There is no automatic fix: which one is meant is not written here.

    Not reported when: the copies lie in several files of plain folders, which are alternatives (one for each cluster, lesson or
    stage); a name or namespace comes from a template, or the file holds templates, which may leave one of them out; one of
    them says its namespace and the other does not.
    """
    first = mesh.twin(resource)
    if first is None:
        return
    kind = mesh.environment.kind
    where = "this file" if first.file == resource.file else "what is applied together here"
    outcome = _OUTCOME.get(kind, "the one that is applied last wins")
    yield Problem(
        resource.root,
        f"{resource.title} stands twice in {where}: {outcome}.",
        impact=Impact.BREAKS if kind in ("kustomize", "helm") else None,
        related=((first.root, "the first"),),
        final=True,
    )
