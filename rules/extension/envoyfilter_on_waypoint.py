"""ML602 envoyfilter-on-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, PolicyTarget, Problem, Resource, Severity, rule

_ROUTES = frozenset({"ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"})
_OUTSIDE = frozenset({"SIDECAR_OUTBOUND", "GATEWAY"})
_SIDECAR_LISTENERS = frozenset({"virtualInbound", "virtualOutbound"})


@rule(
    "ML602", "envoyfilter-on-waypoint", Severity.WARNING, impact=Impact.UNSTABLE, each=Kind.ENVOY_FILTER, evidence="code",
    needs=["targetRefs", "targetRef"],
    reads=[Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, Kind.SERVICE, Kind.SERVICE_ENTRY],
    sources=[
        "https://github.com/istio/istio/pull/58032", "https://github.com/istio/istio/issues/43720",
        "istio@86c9f01:tests/integration/ambient/baseline_test.go (TestWaypointEnvoyFilter)",
        "istio@86c9f01:pilot/pkg/model/policyattachment.go", "istio@86c9f01:pilot/pkg/networking/core/cluster.go (BuildDeltaClusters)",
        "istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go, httproute.go (buildSidecarInboundHTTPRouteConfig; so since 1.24)",
    ],
    remedy="Use a TrafficExtension (Istio 1.30) or another first-class API; else pin the release of Istio and test each upgrade.",
    yields_in_object=["authz-gatewayclass-scope", "envoyfilter-targetref-kind"],
    points_to=[],
)  # fmt: skip
def envoyfilter_on_waypoint(filter: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An EnvoyFilter is attached to a waypoint: accepted and applied in part, and not supported.

    The patches of SIDECAR_INBOUND and of ANY reach some of a waypoint's listeners, whose names and layout (main_internal,
    inbound-vip) change from release to release. Others never do anything there, which is an error of its own.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata:
      name: limits
      namespace: shop
    spec:
      targetRefs:
        - {group: gateway.networking.k8s.io, kind: Gateway, name: waypoint} # expect: ML602=warning
      configPatches:
        - applyTo: HTTP_FILTER
          match: {context: SIDECAR_INBOUND}
          patch:
            operation: INSERT_FIRST
            value: {name: envoy.filters.http.buffer}
        - applyTo: HTTP_FILTER
          match: {context: GATEWAY} # expect: ML602=error
          patch:
            operation: INSERT_FIRST
            value: {name: envoy.filters.http.buffer}
        - applyTo: HTTP_ROUTE # expect: ML602=warning
          match: {context: SIDECAR_INBOUND}
          patch:
            operation: MERGE
            value: {route: {timeout: 1s}}
    ```

    An error (impact ignored) at each patch without effect: MERGE and REMOVE of inbound clusters; the contexts SIDECAR_OUTBOUND
    (clusters apart) and GATEWAY; matches of listeners that only sidecars have. A warning at each patch of routes and virtual hosts:
    it reaches the Services without a VirtualService or route, and no longer does when one comes.

    Remedy: TrafficExtension for Lua and Wasm from Istio 1.30 on, DestinationRule and HTTPRoute for what those can say. There
    is no automatic fix.

    Not reported when the target is not known to be a waypoint (an ingress Gateway, or one of another repository), when it is
    a GatewayClass target that is not read (authz-gatewayclass-scope), and with Solo's distribution, which supports it.
    Patches for the context WAYPOINT: envoyfilter-context-waypoint.
    """
    if mesh.target.distribution == "solo":
        return
    refs = [target for target in mesh.targets(filter) if _waypoint(target, mesh)]
    if not refs:
        return
    first, *others = refs
    message = (
        f"{filter.title} patches the waypoint by {first.kind} {first.name}: Istio applies that in part, does not support it, and changes "
        "what it hits from release to release."
    )
    related = tuple((target.at.get("name"), "and this one") for target in others)
    yield Problem(first.at.get("name"), message, related=related, final=True)
    if len(refs) == len(mesh.targets(filter)):
        yield from _without_effect(filter)


def _waypoint(target: PolicyTarget, mesh: Mesh) -> bool:
    if target.kind == "GatewayClass":
        return target.name == "istio-waypoint"
    return target.kind == "Gateway" and target.resource is not None and mesh.is_waypoint(target.resource)


def _without_effect(filter: Resource) -> Iterator[Problem]:
    for patch in filter.spec.each("configPatches"):
        where = patch.get("applyTo")
        if (found := _dead(patch)) is not None:
            at, why = found
            message = f"{filter.title} has a patch that does nothing at a waypoint: {why}."
            yield Problem(at, message, severity=Severity.ERROR, impact=Impact.IGNORED, final=True)
        elif where.text in _ROUTES:
            message = (
                f"{filter.title} has a patch of {where.text}: a waypoint applies it for Services without a VirtualService or route only; "
                "for one that has any, and as soon as it gets one, the patch does nothing."
            )
            yield Problem(where, message, final=True)


def _dead(patch: Node) -> tuple[Node, str] | None:
    where, context, operation = patch.get("applyTo"), patch.get("match", "context"), patch.get("patch", "operation")
    if where.text == "CLUSTER":
        return _dead_cluster(context, operation)
    if context.text in _OUTSIDE:
        return context, f"its context is {context.text}, and a waypoint's listeners and routes are patched as SIDECAR_INBOUND"
    name = patch.get("match", "listener", "name")
    if name.text in _SIDECAR_LISTENERS or (name.text or "").startswith("0.0.0.0_"):
        return name, f"it matches the listener {name.text}, which only sidecars have"
    return None


def _dead_cluster(context: Node, operation: Node) -> tuple[Node, str] | None:
    """Of the clusters a waypoint has, those of route destinations are patched (SIDECAR_OUTBOUND), and ADD is heard inbound."""
    if context.text == "GATEWAY":
        return context, "its context is GATEWAY, which a waypoint is not patched as"
    if context.text == "SIDECAR_INBOUND" and operation.text in ("MERGE", "REMOVE"):
        return operation, f"it would {operation.text} an inbound cluster, and those of a waypoint can only be added to"
    if context.text == "SIDECAR_OUTBOUND" and operation.text == "ADD":
        return operation, "a waypoint gets added clusters in the context SIDECAR_INBOUND only"
    return None
