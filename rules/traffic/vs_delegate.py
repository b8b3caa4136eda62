"""ML113 vs-delegate."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule


@rule(
    "ML113", "vs-delegate", Severity.WARNING, impact=Impact.BREAKS, each=Kind.VIRTUAL_SERVICE, evidence="docs",
    needs=["delegate"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "ingress2gateway pkg/i2gw/providers/istio/converter.go",
        "https://istio.io/latest/docs/reference/config/networking/virtual-service/",
    ],
    remedy="Give each team an HTTPRoute of its own on the same parent: their rules are merged by specificity.",
    points_to=[Kind.VIRTUAL_SERVICE],
)  # fmt: skip
def vs_delegate(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService delegates rules to another one, and the Gateway API has no delegation.

    Converters discard such a rule. The routes of several HTTPRoutes on one parent are merged instead, and sorted by how
    specific they are: the one above no longer decides which paths the others may have.

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
        - match: [{uri: {prefix: /admin/}}]
          delegate:  # expect: ML113
            name: ratings-admin
        - route: [{destination: {host: ratings}}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings-admin
      namespace: bookinfo
    spec:
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ```

    Remedy: one HTTPRoute for each team with the Service (or the Gateway) as its parent, with the match of the delegating rule
    repeated in each of its rules; who may claim which paths has to be settled anew. The fix makes one HTTPRoute of both, where
    all of it converts, and leaves the delegate to be deleted.

    One finding for each VirtualService that delegates, none for those it delegates to. Not reported when it is for gateways
    only, which go on merging them (but with `--goal gateway-api`); with `--goal ambient`, where a waypoint reads the merged
    VirtualService; and when the namespace of the host stays out of the mesh.
    """
    found = [rule_.get("delegate") for rule_ in mesh.converted_rules(service) if rule_.get("delegate").is_map]
    if found:
        names = ", ".join(dict.fromkeys(_name(delegate, service) for delegate in found))
        message = f"{service.title} delegates to {names}: the Gateway API has no delegation up to {mesh.target.gateway_api}."
        related = tuple((held.root, "delegated to") for one in found if (held := _held(one, service, mesh)) is not None)
        fix = partial(converted, [service], mesh)
        yield Problem(found[0], message, related=related, fix=fix, subject=mesh.mesh_subject(service))


def _name(delegate: Node, service: Resource) -> str:
    namespace = delegate.get("namespace").text or service.namespace
    return f"VirtualService {namespace + '/' if namespace else ''}{delegate.get('name').text or '(unknown)'}"


def _held(delegate: Node, service: Resource, mesh: Mesh) -> Resource | None:
    name = delegate.get("name").text
    return mesh.find(Kind.VIRTUAL_SERVICE, delegate.get("namespace").text or service.namespace, name) if name else None
