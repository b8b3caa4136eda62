"""ML901 unknown-field."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import GATEWAY_API_KINDS, ISTIO_KINDS, Fault, FaultKind, Fix, Impact, Mesh, Problem, Resource, Severity, changes, rule

_GATEWAY_API = "gateway.networking.k8s.io"  # of its objects, route-experimental-field says what other releases and channels have


@rule(
    "ML901",
    "unknown-field",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(*ISTIO_KINDS, *GATEWAY_API_KINDS),
    evidence="code",
    sources=["istio/api kubernetes/customresourcedefinitions.gen.yaml", "gateway-api config/crd"],
    remedy="Correct the name or the place of the field, or take it out.",
    points_to=[],
)
def unknown_field(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio or Gateway API object has a field that its kind does not have in the target's release and channel.

    The API server drops such a field when it stores the object, and nothing that was meant by it happens. `kubectl apply`
    and server-side apply refuse the object; what goes through a GitOps controller shows a lasting difference at best.

    ```yaml
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: mesh-default
      namespace: istio-system
    spec:
      accessLog: # expect: ML901
        - providers:
            - name: envoy
    ```

    The message says since which release a field is there, or which name or place was probably meant.

    Remedy: correct the name or the indentation; where a newer release has the field, raise the target, or take the field out
    until then. The fix writes the nearest name, or the required one that is missing; it needs a look, because that is a guess, and
    is refused where the value does not fit. There is no automatic fix where no name is near, or the place is wrong.

    Not reported when: the kind keeps unknown fields there (`patch.value` of an EnvoyFilter, `pluginConfig` of a WasmPlugin);
    the key holds a template expression; it is `metadata`, `status` or a key that begins with `x-`; route-experimental-field
    says it (fields that another release or channel of Gateway API has).
    """
    found = [fault for fault in mesh.schema(resource) if fault.kind is FaultKind.UNKNOWN]
    elsewhere = {node for node, _ in mesh.target.lacks(resource)} if found and resource.kind.group == _GATEWAY_API else ()
    for fault in found:
        if fault.at not in elsewhere:
            text = f"{resource.title}: {fault.text}. The API server drops it; strict clients refuse the object."
            yield Problem(fault.at, text, related=fault.related, remedy=fault.remedy or None, fix=partial(_fix, fault), final=True)


def _fix(fault: Fault) -> Fix | None:
    return changes().rename(fault.at, fault.meant).fix(f"Write {fault.meant}") if fault.meant else None
