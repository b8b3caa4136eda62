"""ML120 vs-prefix-semantics."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, converted, rule


@rule(
    "ML120", "vs-prefix-semantics", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="docs",
    needs=["prefix"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["https://gateway-api.sigs.k8s.io/reference/spec/", "istio pilot/pkg/config/kube/gateway/conversion.go"],
    remedy="Use PathPrefix where whole segments are meant; else a RegularExpression match.",
    points_to=[],
)  # fmt: skip
def vs_prefix_semantics(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A prefix of the mesh is compared as text, and the PathPrefix that it becomes compares whole path segments.

    `prefix: /api` takes /api/users, and /apiv2 and /api-docs too. PathPrefix /api takes only /api and what is below /api/:
    the others fall to another rule, or to none, which answers 404.

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
        - match:
            - uri:
                prefix: /api  # expect: ML120
          timeout: 1s
          route: [{destination: {host: ratings}}]
        - route: [{destination: {host: ratings}}]
    ```

    Remedy: PathPrefix where only segments are meant, as mostly; where the longer names are meant too, list them or use the
    RegularExpression `/api.*` (Istio puts it behind every prefix). meshlint can convert the VirtualService so that every
    request goes the same way, with such expressions; it needs a look, because mostly PathPrefix is what is meant. There is no
    automatic fix where a part of the VirtualService has to stay.

    One finding for each VirtualService, at its first such prefix. Not reported when it is `/` or ends with a slash; when another
    rule with the same effect takes these paths anyway; for matches that ignore case or look at the caller; when the rule is for
    gateways only, which go on comparing text (but with `--goal gateway-api`); with `--goal ambient`; and when the namespace of
    the host stays out of the mesh.
    """
    found = mesh.narrowed(service)
    if found:
        at, more = found[0], f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = (
            f"{service.title} matches the prefix {at.value}{more} as text, which takes {at.value}2 too; PathPrefix of HTTPRoute compares "
            "whole segments and does not."
        )
        related = tuple((other, f"and {other.value}") for other in found[1:4])
        yield Problem(at, message, related=related, fix=partial(converted, [service], mesh), subject=mesh.mesh_subject(service))
