"""ML819 listenerset-on-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML819",
    "listenerset-on-waypoint",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.LISTENER_SET, Kind.X_LISTENER_SET),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/conversion.go (ReportUnsupportedListenerSet)",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/testdata/waypoint.status.yaml.golden",
    ],
    remedy="Remove the ListenerSet: a waypoint has one fixed listener.",
    points_to=[Kind.K8S_GATEWAY],
)
def listenerset_on_waypoint(listeners: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ListenerSet adds listeners to a waypoint, which has one fixed listener and accepts no others.

    The added listeners are never served; routes that name them as their parent are idle.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: ListenerSet
    metadata:
      name: more
      namespace: shop
    spec:
      parentRef:
        name: waypoint # expect: ML819
      listeners:
        - name: http
          port: 8080
          protocol: HTTP
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
    ```

    Remedy: remove it; what is to be routed names the Services as parents. There is no automatic fix: whether an ingress Gateway
    was meant is not known. Not reported when: the parent is an ingress Gateway, or not in the repository. Releases that do not
    read the kind are the business of route-kind-version and route-alpha-flag-off.
    """
    ref = listeners.spec.get("parentRef")
    gateway = mesh.parent(listeners, ref) if ref else None
    if gateway is not None and mesh.is_waypoint(gateway) and not mesh.foreign_class(gateway):
        message = f"{listeners.title} adds listeners to the waypoint {gateway.title}, which accepts none beside its own."
        yield Problem(ref.get("name"), message, related=((gateway.root, "the waypoint"),), final=True)
