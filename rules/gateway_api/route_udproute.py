"""ML815 route-udproute."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML815",
    "route-udproute",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.UDP_ROUTE, Kind.K8S_GATEWAY),
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/supported_features.go",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (listenerProtocolToIstio)",
    ],
    remedy="Leave UDP outside of the mesh, or give it to a Gateway of a controller that implements UDPRoute.",
    points_to=[],
)
def route_udproute(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A UDPRoute is for Istio, or a Gateway of Istio has a UDP listener; Istio implements neither, and ambient carries no UDP.

    The kind is standard since Gateway API 1.6, but up to Istio 1.32-dev istiod makes nothing of it and refuses the listener.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: dns
      namespace: shop
    spec:
      gatewayClassName: istio
      listeners:
        - name: dns
          port: 53
          protocol: UDP # expect: ML815
    ```

    Remedy: a Service of type LoadBalancer, or another controller. There is no automatic fix. Not reported when: the Gateway, or
    every parent of the route, is of another controller; the repository shows nothing of Istio.
    """
    if not mesh.istio_runs(resource):
        return
    if resource.kind is Kind.UDP_ROUTE:
        message = f"{resource.title}: Istio {mesh.target.istio} implements no UDPRoute and makes nothing of it; ambient carries no UDP."
        yield Problem(resource.root.get("apiVersion"), message, final=True)
        return
    for protocol in resource.spec.each("listeners", "protocol"):
        if protocol.text == "UDP":
            yield Problem(protocol, f"{resource.title} has a UDP listener, which Istio {mesh.target.istio} does not accept.", final=True)
