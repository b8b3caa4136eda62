"""ACME101 acme-route-timeout."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ACME101", "acme-route-timeout", Severity.WARNING, impact=Impact.DIFFERS, family="acme",
    each=Kind.HTTP_ROUTE, remedy="Set timeouts.request on the rule.", sources=["ACME platform handbook, chapter 4"],
)  # fmt: skip
def acme_route_timeout(route: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A rule of an HTTPRoute has no timeout.

    At ACME every request has to end: without a timeout a waypoint waits as long as the client does.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: shop
      namespace: shop
    spec:
      parentRefs: [{name: public, namespace: ingress}]
      rules:
        - backendRefs: [{name: shop, port: 80}]  # expect: ACME101
    ```

    Remedy: `timeouts: {request: 10s}` on the rule.

    Not reported when a template fills the timeout in.
    """
    for item in route.spec.each("rules"):
        if not item.get("timeouts", "request").present:
            yield Problem(item, f"A rule of {route.title} has no timeout.")
