"""ML402 waypoint-reserved-name."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML402",
    "waypoint-reserved-name",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    evidence="code",
    sources=["istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (GetUseWaypoint)"],
    remedy="Give the waypoint another name, and its namespace in the label istio.io/use-waypoint-namespace.",
    yields_to=["invalid-value"],
)
def waypoint_reserved_name(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A waypoint is called `none`, which is the word for opting out, or the label that names a waypoint is empty or holds a
    namespace.

    `istio.io/use-waypoint: none` opts out, so that a waypoint of this name can never be chosen. The label holds a name only:
    a slash is refused by the API server, and an empty one names no waypoint and hides the one of the namespace.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: none # expect: ML402
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: another name; the namespace in a label of its own:

        labels: {istio.io/use-waypoint: shared, istio.io/use-waypoint-namespace: mesh-infra}

    There is no automatic fix: other objects name it too. Not reported when: an object has `use-waypoint: none`, which is the
    right way to opt out; a template fills the value in; the Gateway is no waypoint; the namespace stays out of the mesh.
    """
    if not mesh.candidate(resource):
        return
    if resource.kind is Kind.K8S_GATEWAY:
        if resource.name == "none" and mesh.is_waypoint(resource):
            message = "A waypoint called none can never be chosen: istio.io/use-waypoint: none means to have no waypoint."
            yield Problem(resource.root.get("metadata", "name"), message, final=True)
        return
    label = mesh.waypoint_label(resource)
    if label.text is None:
        return
    if "/" in label.text:
        namespace, _, name = label.text.partition("/")
        message = f'{resource.title} names the waypoint as "{label.text}"; no label value can hold a slash: the API server refuses it.'
        remedy = f"Write istio.io/use-waypoint: {name} and istio.io/use-waypoint-namespace: {namespace}."
        yield Problem(label, message, impact=Impact.BREAKS, remedy=remedy, final=True)
    elif label.text == "":
        message = f"{resource.title} has an empty istio.io/use-waypoint: it names no waypoint, and hides the one of the namespace."
        yield Problem(label, message, remedy="Remove the label, or write none to opt out.")
