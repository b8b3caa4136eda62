"""ML404 waypoint-cross-namespace-denied."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, Waypoint, WaypointState, changes, rule


@rule(
    "ML404",
    "waypoint-cross-namespace-denied",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    needs=["istio.io/use-waypoint"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (makeAllowedRoutes)",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Let the HBONE listener of the waypoint admit the namespace: allowedRoutes.namespaces with from: Selector (or All).",
    points_to=[Kind.K8S_GATEWAY],
)
def waypoint_cross_namespace_denied(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An object is bound to a waypoint whose listener does not admit the object's namespace.

    The default of `allowedRoutes.namespaces.from` is Same: objects of other namespaces may not attach. With a selector the
    waypoint's own namespace needs the labels as well. The attachment is denied, and the traffic goes past the waypoint.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels:
        istio.io/dataplane-mode: ambient
        istio.io/use-waypoint: shared # expect: ML404
        istio.io/use-waypoint-namespace: mesh-infra
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: shared
      namespace: mesh-infra
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: allowedRoutes on the HBONE listener; a selector on the namespaces' labels is preferable to All:

        listeners:
          - name: mesh
            port: 15008
            protocol: HBONE
            allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {waypoint: shared}}}}

    The fix lets the listener admit the namespaces of all that the repository binds to the waypoint, by name; where it has a
    selector of labels already, the Namespace gets these labels instead. It needs a look: whom a waypoint admits is for its
    owner to say. None is offered where the waypoint has several listeners, or the Namespace for the labels is not here.

    Not reported when the listener says All, or its selector takes the namespace's labels; when the repository does not hold
    the namespace, so that its labels (but for its name) are not known; when the namespace stays
    out of the mesh.
    """
    waypoint = mesh.waypoint(holder)
    if waypoint.state is not WaypointState.DENIED or waypoint.inherited or waypoint.label is None or not mesh.candidate(holder):
        return
    namespace = holder.name if holder.kind is Kind.NAMESPACE else holder.namespace
    listeners = list(waypoint.gateway.spec.each("listeners")) if waypoint.gateway is not None else []
    origin = next((node for one in listeners if (node := one.get("allowedRoutes", "namespaces", "from")).text), None)
    said = f"says {origin.text}" if origin is not None else "says nothing, which means Same"
    place = f"{waypoint.namespace}/{waypoint.name}"
    yield Problem(
        waypoint.label,
        f"{holder.title} is bound to the waypoint {place}, whose listener does not admit namespace {namespace} "
        f"(allowedRoutes.namespaces.from {said}): the attachment is denied and traffic bypasses the waypoint.",
        related=tuple((one, "the listener of the waypoint") for one in listeners[:1]),
        fix=partial(_fix, waypoint, namespace, mesh),
    )


def _fix(waypoint: Waypoint, namespace: str, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    listeners = list(waypoint.gateway.spec.each("listeners")) if waypoint.gateway is not None else []
    if waypoint.gateway is None or len(listeners) != 1:
        return None
    made, allowed = changes(), listeners[0].get("allowedRoutes", "namespaces")
    if allowed.get("from").text == "Selector":
        holder = mesh.find(Kind.NAMESPACE, "", namespace)
        wanted = allowed.get("selector", "matchLabels").strings()
        if holder is None or not wanted or allowed.get("selector", "matchExpressions").present:
            return None
        for key, value in wanted.items():
            made.label(holder, key, value)
        return made.fix(f"Give {holder.title} the labels that the waypoint asks for")
    made.set_key(listeners[0], ("allowedRoutes", "namespaces"), waypoints.admitting(sorted(_users(waypoint, mesh))))
    return made.fix(f"Let the waypoint {waypoint.name} admit these namespaces")


def _users(waypoint: Waypoint, mesh: Mesh) -> set[str]:
    """The namespaces of all that is bound to the waypoint, and its own."""
    found = {waypoint.namespace}
    for kind in (Kind.NAMESPACE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.WORKLOAD_ENTRY, *WORKLOADS):
        for one in mesh.all(kind):
            if mesh.waypoint(one).gateway is waypoint.gateway:
                found.add(one.name if one.kind is Kind.NAMESPACE else one.namespace)
    return found
