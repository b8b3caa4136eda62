"""ML814 route-unsupported-filter."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_KNOWN = frozenset({
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS", "ExtensionRef",
    "ExternalAuth",
})  # fmt: skip
_INSTEAD = {
    "ExternalAuth": "Use an AuthorizationPolicy with action CUSTOM.",
    "ExtensionRef": "Use what Istio has for it: AuthorizationPolicy CUSTOM, WasmPlugin or TrafficExtension.",
}


@rule(
    "ML814",
    "route-unsupported-filter",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(Kind.HTTP_ROUTE, Kind.GRPC_ROUTE),
    reads=[Kind.K8S_GATEWAY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE, Kind.SERVICE_ENTRY],
    evidence="code",
    needs=["filters"],
    sources=["istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (convertHTTPRoute, convertGRPCRoute, buildHTTPDestination)"],
    remedy="Move the filter to the rule if Istio implements it there, or use Istio's own API for it.",
    yields_to=["route-experimental-field"],
    points_to=[],
)
def route_unsupported_filter(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route has a filter that Istio does not implement, or filters that cannot stand together.

    Istio declares the rule invalid (UnsupportedValue, IncompatibleFilters) and answers its requests with an error; on
    backendRefs only the two header modifiers work.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: shop
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: shop
      namespace: shop
    spec:
      parentRefs:
        - name: edge
      rules:
        - filters:
            - type: ExtensionRef # expect: ML814
              extensionRef:
                group: acme.example.com
                kind: RateLimit
                name: slow
          backendRefs:
            - name: cart
              port: 80
    ```

    Remedy: AuthorizationPolicy CUSTOM in place of external authorization, WasmPlugin or TrafficExtension in place of
    extensions, filters of the rule in place of those of a backend. There is no automatic fix.

    Reported as well: RequestRedirect in a rule that has backendRefs, and ReplacePrefixMatch in a rule that has not just one
    match, by PathPrefix; the API server refuses both. URLRewrite beside RequestRedirect is exclusive-fields.

    Not reported when: the target's Istio implements the filter (CORS from 1.26); the target's CRDs lack it
    (route-experimental-field); every parent is a Gateway of another controller; the route is not Istio's to run.
    """
    if not mesh.istio_runs(route):
        return
    lacking = [node for node, _ in mesh.target.lacks(route)]
    for entry in route.spec.each("rules"):
        for node in [*entry.each("filters", "type"), *entry.each("backendRefs", "filters", "type")]:
            if node not in lacking and (problem := _unsupported(route, node, "backendRefs" in node.path, mesh)) is not None:
                yield problem
        yield from _combined(route, entry)


def _unsupported(route: Resource, node: Node, backend: bool, mesh: Mesh) -> Problem | None:
    name = node.text or ""
    if name not in _KNOWN or name in mesh.target.filters(route.kind, backend):
        return None
    where = " on a backendRef" if backend else ""
    elsewhere = backend and name in mesh.target.filters(route.kind)
    message = f"{route.title} has the filter {name}{where}, which Istio {mesh.target.istio} does not implement: the rule is refused."
    return Problem(node, message, remedy="Put the filter on the rule." if elsewhere else _INSTEAD.get(name), final=True)


def _combined(route: Resource, entry: Node) -> Iterator[Problem]:
    for node in entry.each("filters"):
        redirect = node.get("type").text == "RequestRedirect"
        if redirect and any(entry.each("backendRefs")):
            message = f"{route.title} redirects in a rule that has backendRefs: the API server refuses the object."
            yield Problem(node.get("type"), message, remedy="Take one of the two out of the rule.", final=True)
        for field in ("urlRewrite", "requestRedirect"):
            kind = node.get(field, "path", "type")
            if kind.text == "ReplacePrefixMatch" and not _prefixed(entry):
                message = f"{route.title} replaces the prefix of a path, in a rule that has not just one match, by PathPrefix."
                yield Problem(kind, f"{message} The API server refuses the object.", remedy="Match with type: PathPrefix.", final=True)


def _prefixed(entry: Node) -> bool:
    """Has the rule one match only, by PathPrefix (the default of both is the prefix /)?"""
    matches = list(entry.each("matches"))
    kinds = [match.get("path", "type") for match in matches]
    return len(matches) < 2 and all(kind.unknown or kind.text in (None, "PathPrefix") for kind in kinds)
