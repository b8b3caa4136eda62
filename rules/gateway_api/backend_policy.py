"""ML820 backend-policy."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_POOL = ("connectionPool", "outlierDetection", "loadBalancer")


@rule(
    "ML820",
    "backend-policy",
    Severity.NOTE,
    impact=Impact.DIFFERS,
    each=(Kind.BACKEND_TLS_POLICY, Kind.X_BACKEND_TRAFFIC_POLICY),
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.K8S_GATEWAY, Kind.VIRTUAL_SERVICE, *WORKLOADS],
    evidence="code",
    sources=["https://github.com/istio/istio/pull/60358", "istio@86c9f01:releasenotes/notes/60358.yaml"],
    remedy="Keep one of the two.",
    points_to=[Kind.DESTINATION_RULE],
)
def backend_policy(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A BackendTLSPolicy or XBackendTrafficPolicy and a DestinationRule set the same for one host.

    Both say how TLS or the connections to the backend are made. From Istio 1.31 on the DestinationRule wins, field by field;
    before, the age of the objects decided. Conversions often leave both in place.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: BackendTLSPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      targetRefs:
        - group: ""
          kind: Service
          name: cart # expect: ML820
      validation:
        hostname: cart.example.com
        wellKnownCACertificates: System
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector:
        app: cart
      ports:
        - name: https
          port: 443
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: cart
      namespace: shop
    spec:
      host: cart
      trafficPolicy:
        tls:
          mode: SIMPLE
    ```

    Remedy: one of the two. There is no automatic fix: which one is meant to win is not written. Not reported when: the
    DestinationRule says nothing of TLS (beside a BackendTLSPolicy) or of connections (beside an XBackendTrafficPolicy); the
    target is not in the repository.
    """
    for target in mesh.targets(policy):
        if target.resource is None or target.resource.kind not in (Kind.SERVICE, Kind.SERVICE_ENTRY):
            continue
        for host in mesh.hosts_of(target.resource):
            for other in mesh.destination_rules(host, target.resource):
                if (node := _same(policy, other)) is not None:
                    wins = "the DestinationRule wins" if mesh.target.istio_at_least("1.31.0") else "the older object may win"
                    message = f"{policy.title} and {other.title} set {node.path[-1]} for {host.title}; in Istio {mesh.target.istio} {wins}."
                    yield Problem(target.at.get("name"), message, related=((node, "set here as well"),))
                    return


def _same(policy: Resource, other: Resource) -> Node | None:
    """What the DestinationRule sets that the policy is about."""
    traffic = other.spec.get("trafficPolicy")
    fields = ("tls",) if policy.kind is Kind.BACKEND_TLS_POLICY else _POOL
    return next((traffic.get(field) for field in fields if traffic.get(field)), None)
