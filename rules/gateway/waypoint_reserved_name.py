"""ML402 waypoint-reserved-name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule


@rule(
    "ML402",
    "waypoint-reserved-name",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    evidence="code",
    needs=["istio.io/use-waypoint", "gatewayClassName"],
    sources=["istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (GetUseWaypoint)"],
    remedy="Give the waypoint another name, and its namespace in the label istio.io/use-waypoint-namespace.",
    yields_to=["invalid-value"],
    points_to=[],
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

    The fix parts a label with a slash into these two, and takes an empty one away, so that the namespace's waypoint holds;
    both need a look, because traffic takes another way then. There is none for a Gateway called none: what was to be bound to
    it is not known. Not reported when: an object has `use-waypoint: none`, which is the right way to opt out; a template
    fills the value in; the Gateway is no waypoint; the namespace stays out of the mesh.
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
        yield Problem(label, message, impact=Impact.BREAKS, remedy=remedy, fix=partial(_parted, label, name, namespace), final=True)
    elif label.text == "":
        message = f"{resource.title} has an empty istio.io/use-waypoint: it names no waypoint, and hides the one of the namespace."
        yield Problem(label, message, remedy="Remove the label, or write none to opt out.", fix=partial(_removed, label))


def _parted(label: Node, name: str, namespace: str) -> Fix | None:
    labels, key = label.parent, "istio.io/use-waypoint-namespace"
    if labels is None or "/" in name or not name or labels.get(key).present:
        return None
    return changes().set(label, name).set_key(labels, key, namespace).fix("Write name and namespace in labels of their own")


def _removed(label: Node) -> Fix | None:
    return changes().remove(label, prune=True).fix("Take the empty label away")
