"""ML903 missing-field."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, FaultKind, Impact, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML903",
    "missing-field",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(*ISTIO_KINDS, *GATEWAY_API_KINDS),
    evidence="code",
    sources=["istio/api kubernetes/customresourcedefinitions.gen.yaml", "gateway-api config/crd"],
    remedy="Add the field.",
    points_to=[],
)
def missing_field(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio or Gateway API object lacks a field that the CRD of the target's release requires, or every one of a group of
    which it requires one.

    The API server refuses the whole object, so the cluster keeps what it had.

    ```yaml
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: mesh-default
      namespace: istio-system
    spec:
      tracing:
        - customTags:
            tenant:
              header: # expect: ML903
                defaultValue: none
    ```

    Remedy: add the field; the finding stands at the object that lacks it. There is no automatic fix: its value is not known.

    Not reported when: the field has a default; a template fills in the object or any of its keys, or the file holds
    conditions of a template; it is a field of `metadata` or `status`.
    """
    for fault in mesh.schema(resource):
        if fault.kind is FaultKind.MISSING:
            text = f"{resource.title}{':' if fault.text.startswith('spec') else ''} {fault.text}. The API server refuses the object."
            yield Problem(fault.at, text, related=fault.related, remedy=fault.remedy or None, final=True)
