"""ML603 envoyfilter-context-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML603", "envoyfilter-context-waypoint", Severity.ERROR, impact=Impact.IGNORED, each=Kind.ENVOY_FILTER, evidence="code",
    needs=["context"],
    reads=[],
    sources=["https://github.com/istio/istio/pull/57971", "istio/api@b8f8791:networking/v1alpha3/envoy_filter.proto"],
    remedy="Use a TrafficExtension with targetRefs (Istio 1.30), or context SIDECAR_INBOUND, which a waypoint's listeners match.",
    yields_to=["invalid-value"],
    points_to=[],
)  # fmt: skip
def envoyfilter_context_waypoint(filter: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An EnvoyFilter patches the context WAYPOINT, which no release applies: the patch does nothing.

    The value is in the API since Istio 1.29 and passes validation, but the code that would apply it was never merged. A
    waypoint's listeners are patched as SIDECAR_INBOUND.

    ```yaml
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata:
      name: limits
      namespace: shop
    spec:
      targetRefs:
        - {group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}
      configPatches:
        - applyTo: HTTP_FILTER
          match:
            context: WAYPOINT # expect: ML603
          patch:
            operation: INSERT_FIRST
            value: {name: envoy.filters.http.buffer}
    ```

    Remedy: a first-class API, TrafficExtension for Lua and Wasm. The context SIDECAR_INBOUND works in part and is not supported
    (envoyfilter-on-waypoint). No automatic fix: a patch that did nothing would begin to act.

    Not reported when the release does not know the value: then it is refused (invalid-value); when the namespace stays out of
    ambient, and for any other context.
    """
    if not mesh.candidate(filter):
        return
    for patch in filter.spec.each("configPatches"):
        context = patch.get("match", "context")
        if context.text == "WAYPOINT":
            message = f"{filter.title} patches the context WAYPOINT, which Istio {mesh.target.istio} accepts and never applies."
            yield Problem(context, message, remedy=_remedy(mesh))


def _remedy(mesh: Mesh) -> str | None:
    if mesh.target.istio_at_least("1.30.0"):
        return None
    return "Use context SIDECAR_INBOUND, which a waypoint's listeners match (not supported), or a TrafficExtension from Istio 1.30 on."
