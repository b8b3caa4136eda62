"""ML417 eastwest-auto-passthrough."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_OPTION = "gateway.istio.io/listener-protocol"


@rule(
    "ML417",
    "eastwest-auto-passthrough",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(Kind.GATEWAY, Kind.K8S_GATEWAY),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    needs=["tls"],
    sources=[
        "istio@86c9f01:pilot/pkg/features/ambient.go (EnableAmbientMultiNetwork)",
        "istio@86c9f01:samples/multicluster/gen-eastwest-gateway.sh",
        "https://istio.io/latest/docs/ambient/install/multicluster/",
    ],
    remedy="Deploy a Gateway of class istio-east-west in parallel, label shared Services istio.io/global: \"true\", and set "
    "AMBIENT_ENABLE_MULTI_NETWORK; remove the old one with the last sidecar.",
    points_to=[],
)
def eastwest_auto_passthrough(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An east-west gateway passes mTLS of sidecars through by SNI (AUTO_PASSTHROUGH); ambient traffic between networks does
    not take this way.

    Sidecars reach Services of another network through port 15443, by a server name that holds the Service. ztunnel and
    waypoints use HBONE within HBONE, on port 15008 of a Gateway of class istio-east-west, and only for Services that are
    labelled `istio.io/global: "true"`. Without one, ambient clients do not see the endpoints of the other network.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata:
      name: cross-network-gateway
      namespace: istio-system
    spec:
      selector:
        istio: eastwestgateway
      servers:
        - port:
            number: 15443
            name: tls
            protocol: TLS
          tls:
            mode: AUTO_PASSTHROUGH # expect: ML417
          hosts:
            - "*.local"
    ```

    Remedy: the ambient gateway beside the old one, which goes with the last sidecar:

        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: istio-eastwestgateway, namespace: istio-system, labels: {topology.istio.io/network: network1}}
        spec:
          gatewayClassName: istio-east-west
          listeners:
            - {name: mesh, port: 15008, protocol: HBONE,
               tls: {mode: Terminate, options: {gateway.istio.io/tls-terminate-mode: ISTIO_MUTUAL}}}

    There is no automatic fix: networks and clusters have to change together. The class is alpha from Istio 1.27 and beta
    from 1.29; below 1.27 ambient has no way between networks. Not reported when the repository already holds a Gateway of
    class istio-east-west, whose passthrough listeners (from 1.30) are its own business.
    """
    passing = list(_passing(gateway))
    if not passing or any(other.spec.get("gatewayClassName").text == "istio-east-west" for other in mesh.all(Kind.K8S_GATEWAY)):
        return
    for at in passing:
        if mesh.target.istio_at_least("1.27.0"):
            way, remedy = "ambient traffic between networks needs a Gateway of class istio-east-west (HBONE on 15008)", None
        else:
            way = f"ambient in Istio {mesh.target.istio} has no way between networks (istio-east-west: alpha from 1.27, beta from 1.29)"
            remedy = "Move to Istio 1.29 or later before the Services that are shared between networks become ambient."
        yield Problem(at, f"{gateway.title} passes the mTLS of sidecars through by SNI; {way}.", remedy=remedy, subject=MESH)
        return


def _passing(gateway: Resource) -> Iterator[Node]:
    """Where a gateway says AUTO_PASSTHROUGH."""
    for mode in gateway.spec.each("servers", "tls", "mode"):
        if mode.text == "AUTO_PASSTHROUGH":
            yield mode
    for options in gateway.spec.each("listeners", "tls", "options"):
        if options.get(_OPTION).text == "auto-passthrough":
            yield options.get(_OPTION)
