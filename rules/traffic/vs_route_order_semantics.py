"""ML121 vs-route-order-semantics."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_CONDITIONS = ("uri", "method", "headers", "queryParams")


@rule(
    "ML121", "vs-route-order-semantics", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["match"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istio pilot/pkg/config/kube/gateway/conversion.go (sortHTTPRoutes)", "https://gateway-api.sigs.k8s.io/reference/spec/"],
    remedy="Tighten the matches until the order by specificity gives the same answers, or keep the VirtualService.",
    points_to=[],
)  # fmt: skip
def vs_route_order_semantics(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The order of http rules of the mesh decides, and an HTTPRoute sorts its rules by how specific they are.

    A VirtualService takes the first rule that matches. Istio sorts the matches of an HTTPRoute: exact paths first, then
    prefixes, then regular expressions, each from the longest to the shortest; then method, the number of headers, the number of
    query parameters. A rule that stood first on purpose loses its requests to one that is more specific, and a regular
    expression stands behind the prefix `/`.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - match:  # a tester's requests go to the next version, whatever the path
            - headers: {x-tester: {exact: "yes"}}  # expect: ML121
          route: [{destination: {host: ratings-next}}]
        - match:
            - uri: {prefix: /api/}
          timeout: 1s
          route: [{destination: {host: ratings}}]
        - route: [{destination: {host: ratings}}]
    ```

    Remedy: add to the rule that is to go first what makes it the more specific one (above: a second match with the header and
    the path), or split the later one. No automatic fix: the sorted list has to be read as a whole.

    One finding for each VirtualService, at the first rule that loses requests. Not reported when the rules stand in the order of
    their specificity already, when their matches exclude one another or may do so (regular expressions, headers that are
    excluded), when both do the same, when the later rule is hidden by another before and after; for matches that ignore case or
    look at the caller; when the rules are for gateways only, which keep their order (but with `--goal gateway-api`); with
    `--goal ambient`; and when the namespace of the host stays out of the mesh.
    """
    pairs = mesh.reordered(service)
    if pairs:
        first, second = pairs[0]
        more = f" ({len(pairs)} such pairs)" if len(pairs) > 1 else ""
        message = (
            f"{service.title} tries {_said(first)} before {_said(second)}{more}; an HTTPRoute sorts by specificity and puts the second "
            "first, so that requests that match both change sides."
        )
        yield Problem(first, message, related=((second, "goes first in an HTTPRoute"),), subject=mesh.mesh_subject(service))


def _said(match: Node) -> str:
    """What a match looks at, in a few words."""
    if match.get("match").present or match.get("route").present:
        return "a rule without match"
    words = [_condition(key, match.get(key)) for key in _CONDITIONS if match.get(key)]
    return " with ".join(words) or "a rule for every path"


def _condition(key: str, at: Node) -> str:
    if key in ("headers", "queryParams"):
        kind = "header" if key == "headers" else "query parameter"
        return f"{kind} {', '.join(name for name, _ in at.items())}"
    kind, value = next(((kind, node.value) for kind, node in at.items()), ("any", ""))
    return f"{'path' if key == 'uri' else 'method'} {kind} {value}".rstrip()
