"""ML119 vs-direct-response."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML119", "vs-direct-response", Severity.WARNING, impact=Impact.BREAKS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["directResponse"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["gateway-api v1.6.1 apis/v1/httproute_types.go", "istio pilot/pkg/config/kube/gateway/conversion.go"],
    remedy="Keep the VirtualService, or let a small backend give the answer.",
    points_to=[],
)  # fmt: skip
def vs_direct_response(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route of the mesh answers by itself, and the Gateway API has no filter for that.

    No release up to 1.6 has one, and Istio refuses an HTTPRoute with ExtensionRef filters. A rule without backends answers
    with an error of its own (500, in Istio 1.30 404), not with the written status and body. Without a waypoint the request
    goes to the application instead of being answered.

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
        - match: [{uri: {exact: /admin}}]
          directResponse:  # expect: ML119
            status: 403
        - route: [{destination: {host: ratings}}]
    ```

    Remedy: keep this host on its VirtualService with a waypoint, serve the answer from a small backend, or, where it refuses
    access, write an AuthorizationPolicy. No automatic fix: none of these is the same answer.

    Not reported when the rule is for gateways only, which go on answering (but with `--goal gateway-api`); with
    `--goal ambient`; and when the namespace of the host stays out of the mesh.
    """
    for rule_ in mesh.converted_rules(service):
        answer = rule_.get("directResponse")
        if answer:
            status = answer.get("status").value if answer.get("status") else "its own status"
            message = f"{service.title} answers with {status} itself: Gateway API {mesh.target.gateway_api} has no filter for that."
            yield Problem(answer, message, subject=mesh.mesh_subject(service))
