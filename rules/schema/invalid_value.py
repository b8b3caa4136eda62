"""ML902 invalid-value."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, FaultKind, Impact, Mesh, Problem, Resource, Severity, rule

_GATEWAY_API = "gateway.networking.k8s.io"  # of its objects, route-experimental-field says what other releases and channels have
_EVERY = "Leave hostname out: that means every host."


@rule(
    "ML902",
    "invalid-value",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(*ISTIO_KINDS, *GATEWAY_API_KINDS),
    evidence="code",
    sources=["istio/api kubernetes/customresourcedefinitions.gen.yaml", "gateway-api config/crd"],
    remedy="Write a value that the CRD of the target's release accepts.",
    yields_to=["authz-targetref-invalid"],
    points_to=[],
)
def invalid_value(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio or Gateway API object has a value that the CRD of the target's release refuses: of a wrong type, not one of
    the allowed values, out of bounds, of a wrong form, or a list entry that may stand only once.

    The API server refuses the whole object, so the cluster keeps what it had.

    ```yaml
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: mesh-default
      namespace: istio-system
    spec:
      tracing:
        - randomSamplingPercentage: "10" # expect: ML902
    ```

    Custom resources convert nothing: a number in quotes is a string, `1.5` is no integer, `10` no duration.

    Remedy: write what the message asks for. There is no automatic fix: which value was meant is not known.

    Not reported when: a template fills the value in; the value is null (the API server takes it out); only one of the few CEL
    rules would refuse it that are not judged here (of annotations, of labels); route-experimental-field says it (values that
    another release or channel of Gateway API has); it stands in `metadata` or `status`.
    """
    found = [fault for fault in mesh.schema(resource) if fault.kind is FaultKind.INVALID]
    elsewhere = {node for node, _ in mesh.target.lacks(resource)} if found and resource.kind.group == _GATEWAY_API else ()
    for fault in found:
        if fault.at not in elsewhere:
            text = f"{resource.title}: {fault.text}. The API server refuses the object."
            remedy = _EVERY if fault.at.text == "*" and fault.at.path[-1] == "hostname" else fault.remedy
            yield Problem(fault.at, text, related=fault.related, remedy=remedy or None, final=True)
