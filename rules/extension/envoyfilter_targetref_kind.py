"""ML604 envoyfilter-targetref-kind."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Confidence, Impact, Kind, Mesh, PolicyTarget, Problem, Resource, Severity, rule


@rule(
    "ML604", "envoyfilter-targetref-kind", Severity.ERROR, impact=Impact.IGNORED, each=Kind.ENVOY_FILTER, evidence="code",
    needs=["targetRefs", "targetRef"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    sources=["istio@86c9f01:pilot/pkg/model/policyattachment.go", "istio@86c9f01:pilot/pkg/model/push_context.go"],
    remedy="Target the waypoint's Gateway in the EnvoyFilter's namespace, and narrow the patch itself down to the Service.",
    yields_in_object=["exclusive-fields"],
    points_to=[Kind.K8S_GATEWAY],
)  # fmt: skip
def envoyfilter_targetref_kind(filter: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An EnvoyFilter's targetRefs name a Service, or a Gateway of another namespace: it is matched to no proxy.

    EnvoyFilters are chosen for a proxy as a whole, without its Services, so a Service or ServiceEntry as the target never
    matches; the object is accepted all the same. A Gateway is looked for in the namespace of the filter only.

    ```yaml
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata:
      name: limits
      namespace: shop
    spec:
      targetRefs:
        - kind: Service # expect: ML604
          group: ""
          name: cart
      configPatches:
        - applyTo: HTTP_FILTER
          match: {context: SIDECAR_INBOUND}
          patch:
            operation: INSERT_FIRST
            value: {name: envoy.filters.http.buffer}
    ```

    Remedy:

        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]

    That takes the whole waypoint; what shall act on one Service must say so in its match. No automatic fix, therefore.

    Also reported: `workloadSelector` beside targetRefs, which is refused. Not reported when the target is a Gateway of the
    namespace or may be in another repository, when it is a GatewayClass (authz-gatewayclass-scope judges that), and when a
    template fills in the reference.
    """
    selector = filter.spec.get("workloadSelector")
    refs = filter.spec.get("targetRefs")
    if refs and selector:
        message = f"{filter.title} has a workloadSelector and targetRefs: only one of them may be set, and the object is refused."
        yield Problem(refs, message, remedy="Delete the one that is not meant.", related=((selector, "the selector"),), final=True)
        return
    for target in mesh.targets(filter):
        if not any(target.at.get(key).unknown for key in ("group", "kind", "name", "namespace")):
            yield from _judged(filter, target, mesh)


def _judged(filter: Resource, target: PolicyTarget, mesh: Mesh) -> Iterator[Problem]:
    if target.kind in ("Service", "ServiceEntry"):
        message = (
            f"{filter.title} targets {target.kind} {target.name}; EnvoyFilters are matched to proxies, never to a {target.kind}, so nobody "
            "applies it."
        )
        yield Problem(target.at.get("kind"), message, final=True)
        return
    other = target.at.get("namespace").text
    if target.kind == "Gateway" and other and filter.namespace and other != filter.namespace:
        message = f"{filter.title} targets a Gateway of {other}; targetRefs act in the object's own namespace only, so nobody applies it."
        yield Problem(target.at.get("namespace"), message, remedy=f"Put the EnvoyFilter into {other}.", final=True)
        return
    if target.kind != "Gateway" or target.resource is not None or not filter.namespace or mesh.elsewhere(Kind.K8S_GATEWAY):
        return
    found = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.name == target.name]
    if found and all(gateway.namespace for gateway in found):
        where = found[0].namespace
        message = (
            f"{filter.title} targets Gateway {target.name}, which {filter.namespace} does not have; a targetRef does not reach {where}, "
            "where one of that name is."
        )
        related = tuple((gateway.root, "the one of that name") for gateway in found)
        remedy = f"Put the EnvoyFilter into {where}."
        yield Problem(target.at.get("name"), message, confidence=Confidence.LOW, remedy=remedy, related=related, final=True)
