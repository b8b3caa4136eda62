"""ML418 strict-gateway-merging."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule

_LABELS = ("gateway.networking.k8s.io/gateway-name", "istio.io/gateway-name")
_FLAG = "PILOT_ENABLE_STRICT_GATEWAY_MERGING"


@rule(
    "ML418",
    "strict-gateway-merging",
    Severity.WARNING,
    impact=Impact.BREAKS,
    each=Kind.GATEWAY,
    reads=[Kind.K8S_GATEWAY, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.HELM_RELEASE],
    evidence="code",
    needs=_LABELS,
    sources=[
        "istio@86c9f01:releasenotes/notes/strict-gateway-merging.yaml",
        "istio@86c9f01:pilot/pkg/model/push_context.go (filterStrictGatewayMerging)",
    ],
    remedy="Move the Istio Gateway to the namespace of the Kubernetes Gateway, or make its servers listeners of that.",
    points_to=[Kind.K8S_GATEWAY],
)
def strict_gateway_merging(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio Gateway selects the pods of a Kubernetes Gateway in another namespace; from Istio 1.31 on istiod does not merge
    the two.

    A migration in steps often lets old Istio Gateways bind to the pods that istiod makes for a new Kubernetes Gateway. With
    strict merging, the default since 1.31, only Istio Gateways of the same namespace are taken: the hosts of the others
    vanish from the proxy.

    ```yaml
    # args: --target istio=1.31
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata:
      name: old
      namespace: legacy
    spec:
      selector:
        gateway.networking.k8s.io/gateway-name: edge # expect: ML418
      servers:
        - port:
            number: 80
            name: http
            protocol: HTTP
          hosts:
            - shop.example.com
    ---
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
    ```

    Remedy: the same namespace for the time of the transition, or listeners in place of the Istio Gateway. The flag is a stop-gap:

        pilot: {env: {PILOT_ENABLE_STRICT_GATEWAY_MERGING: "false"}}

    There is no automatic fix: objects do not change their namespace by themselves. Not reported when: both are in one namespace;
    the Kubernetes Gateway has addresses, so that its pods are not istiod's; Istio is older than 1.31; the flag is false.
    """
    if not mesh.target.istio_at_least("1.31.0") or (mesh.istiod_env(_FLAG) or "").lower() == "false":
        return
    for key in _LABELS:
        selected = gateway.spec.get("selector", key)
        managed = [one for one in mesh.all(Kind.K8S_GATEWAY) if one.name == selected.text and _managed(one, mesh)]
        if not managed or any(one.namespace == gateway.namespace or not one.namespace for one in managed) or not gateway.namespace:
            continue
        message = f"{gateway.title} selects the pods of {managed[0].title}, in another namespace: from Istio 1.31 its hosts are left out."
        yield Problem(selected, message, related=((managed[0].root, "the Kubernetes Gateway"),))


def _managed(gateway: Resource, mesh: Mesh) -> bool:
    return not gateway.spec.get("addresses").present and not mesh.foreign_class(gateway) and not mesh.is_waypoint(gateway)
