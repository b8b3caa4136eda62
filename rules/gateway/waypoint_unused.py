"""ML406 waypoint-unused."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_BOUND = (Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY)


@rule(
    "ML406",
    "waypoint-unused",
    Severity.NOTE,
    impact=Impact.ADVICE,
    each=Kind.K8S_GATEWAY,
    reads=[*_BOUND, *WORKLOADS],
    evidence="docs",
    sources=["https://ambientmesh.io/docs/setup/sidecar-migration"],
    remedy="Bind the objects that need it with istio.io/use-waypoint, or delete it.",
    points_to=[],
)
def waypoint_unused(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """No Service, namespace or pod of the repository is bound to a waypoint.

    It costs pods and does nothing: without the label istio.io/use-waypoint no traffic takes it, and the policies at it
    are not enforced.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint # expect: ML406
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        app: cart
      ports:
        - name: http
          port: 80
    ```

    Remedy: the label, or no waypoint. There is no automatic fix: which of the two is meant is not written.

    Not reported when: the repository does not hold both the namespace of the waypoint and Services in it, so that those which
    are bound may be elsewhere; the namespace is not ambient now (a migration makes waypoints first); the listener admits
    other namespaces; another environment, a template, or a canary may bind to it; `--phase prepare`.
    """
    if not mesh.is_waypoint(gateway) or mesh.foreign_class(gateway) or mesh.settings.phase == "prepare" or not gateway.namespace:
        return
    if mesh.find(Kind.NAMESPACE, "", gateway.namespace) is None or not mesh.ambient_now(gateway.namespace):
        return
    if mesh.waypoint_users(gateway) or not any(service.namespace == gateway.namespace for service in mesh.all(Kind.SERVICE)):
        return
    if any(mesh.elsewhere(kind) for kind in _BOUND) or _open(gateway) or _named(gateway, mesh):
        return
    message = f"Nothing of the repository is bound to the waypoint {gateway.title}: no traffic takes it."
    yield Problem(gateway.root.get("metadata", "name"), message)


def _open(gateway: Resource) -> bool:
    """Does its listener admit other namespaces?"""
    origins = [listener.get("allowedRoutes", "namespaces", "from") for listener in gateway.spec.each("listeners")]
    return any(origin.unknown or origin.text not in (None, "Same") for origin in origins)


def _named(gateway: Resource, mesh: Mesh) -> bool:
    """Does a label name it whose binding is refused, whose object a template hides in part, or which makes it a canary?"""
    for kind in (*_BOUND, *WORKLOADS):
        for resource in mesh.all(kind):
            label = mesh.waypoint_label(resource)
            if label.unknown or label.text == gateway.name or resource.labels.get("istio.io/use-waypoint-canary") == gateway.name:
                return True
    return False
