"""ML904 exclusive-fields."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, FaultKind, Impact, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML904",
    "exclusive-fields",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(*ISTIO_KINDS, *GATEWAY_API_KINDS),
    evidence="code",
    sources=["istio/api kubernetes/customresourcedefinitions.gen.yaml", "gateway-api config/crd"],
    remedy="Keep one of the fields.",
    yields_in_object=["authz-targetref-invalid"],
    points_to=[],
)
def exclusive_fields(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio or Gateway API object has fields together of which the CRD of the target's release allows one, or a field
    that does not belong to the type that stands beside it.

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
              literal:
                value: shop
              header: # expect: ML904
                name: x-tenant
    ```

    Of a Gateway API filter, the field that its `type` names must be there, and no other.

    Remedy: keep what is meant. There is no automatic fix: which one that is, is not written here.

    Not reported when: one of the fields is null, or a template fills in the `type`; the file holds conditions of a template,
    of which only one may hold; they are the selector and the targets of a policy (authz-targetref-invalid says it).
    """
    for fault in mesh.schema(resource):
        if fault.kind is FaultKind.EXCLUSIVE:
            text = f"{resource.title}: {fault.text}. The API server refuses the object."
            yield Problem(fault.at, text, related=fault.related, remedy=fault.remedy or None, final=True)
