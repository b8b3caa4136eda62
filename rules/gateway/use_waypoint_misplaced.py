"""ML407 use-waypoint-misplaced."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, changes, close_name, rule, slip_of

_USE, _SPACE = "istio.io/use-waypoint", "istio.io/use-waypoint-namespace"
_INGRESS, _MODE, _FOR = "istio.io/ingress-use-waypoint", "istio.io/dataplane-mode", "istio.io/waypoint-for"
_KEYS = (_USE, _SPACE, _INGRESS, _MODE, _FOR)
_SERVICES = frozenset({Kind.SERVICE, Kind.SERVICE_ENTRY})
_PODS = frozenset(WORKLOADS)
_PLACES = {
    _USE: (_SERVICES | _PODS | {Kind.NAMESPACE, Kind.WORKLOAD_ENTRY}, "Services, ServiceEntries, namespaces and pods"),
    _SPACE: (_SERVICES | _PODS | {Kind.NAMESPACE, Kind.WORKLOAD_ENTRY}, "Services, ServiceEntries, namespaces and pods"),
    _INGRESS: (_SERVICES | {Kind.NAMESPACE}, "Services, ServiceEntries and namespaces"),
    _MODE: (_PODS | {Kind.NAMESPACE}, "namespaces and pods"),
    _FOR: (frozenset({Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS}), "waypoint Gateways and their GatewayClass"),
}
_VALUES = {_MODE: ("ambient", "none"), _FOR: ("service", "workload", "all", "none")}
_REPORTED = frozenset({_USE, _SPACE, _INGRESS, _FOR})  # dataplane-mode on a Service is harmless where the namespace has it


@rule(
    "ML407",
    "use-waypoint-misplaced",
    Severity.WARNING,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, Kind.GATEWAY, *WORKLOADS),
    evidence="code",
    needs=["istio.io/"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (GetUseWaypoint)",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go (ingressUseWaypointFromLabels)",
        "istio@86c9f01:cni/pkg/util/enablement_selector.go",
    ],
    remedy="Move the key to the labels of the object on which Istio reads it.",
    points_to=[],
)  # fmt: skip
def use_waypoint_misplaced(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A label of ambient mode (use-waypoint, waypoint-for, dataplane-mode, ingress-use-waypoint) stands where Istio does not
    read it, has a value that it does not know, or is misspelled.

    Istio reads these keys as labels of exactly defined objects and ignores them elsewhere without a word: as annotations, on
    a Deployment in place of its pod template, `waypoint-for` on a Service, `ingress-use-waypoint` on a Gateway.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      annotations:
        istio.io/dataplane-mode: ambient # expect: ML407
    ```

    Where Istio reads them:

        istio.io/dataplane-mode          Namespace, pod (template)          ambient, none
        istio.io/use-waypoint            Service, ServiceEntry, Namespace, pod (template), WorkloadEntry
        istio.io/ingress-use-waypoint    Service, ServiceEntry, Namespace
        istio.io/waypoint-for            Gateway or GatewayClass of a waypoint          service, workload, all, none

    Remedy: the same key among the labels of the right object:

        kind: Service
        metadata: {labels: {istio.io/ingress-use-waypoint: "true"}}

    The fix writes an annotation as a label, a label of a workload on its pod template, and what a misspelt key or value was meant to be.
    It needs a look: the label then acts. There is none for a label on an object of a kind that Istio does not read it on: which object
    was meant is not known.

    Not reported when: the pod template has the label too; `dataplane-mode` stands on a Service (nothing depends on it); a
    label transformer of Kustomize spreads the label over every object; a template fills the value in.
    """
    for key in _KEYS:
        if resource.annotation(key).present and key not in resource.labels:
            message = f"{resource.title} has {key} as an annotation; Istio reads it as a label only."
            yield Problem(resource.annotation(key), message, remedy="Write it under labels.", fix=partial(_as_label, resource, key, mesh))
    for name, written in resource.root.get("metadata", "labels").items():
        yield from _label(resource, name, written, mesh)
    workload = mesh.workload(resource)
    if workload is not None and resource.kind is not Kind.POD:
        for name, written in workload.template.get("metadata", "labels").items():
            if name.startswith("istio.io/"):
                yield from _value(resource, name, written)
        for key in _KEYS:
            noted = workload.template.get("metadata", "annotations", key)
            if noted.present and key not in workload.labels:
                message = f"The pods of {resource.title} have {key} as an annotation; Istio reads it as a label only."
                fix = partial(_on_pods, workload, key, noted)
                yield Problem(noted, message, remedy="Write it under the labels of the pod template.", fix=fix)


def _label(resource: Resource, name: str, written: Node, mesh: Mesh) -> Iterator[Problem]:
    if not name.startswith("istio.io/") or written.unknown or written.file != resource.file:
        return
    workload = mesh.workload(resource)
    if workload is not None and resource.kind is not Kind.POD:
        if name in (_USE, _SPACE, _MODE) and name not in workload.labels:
            message = f"{resource.title} has the label {name}; Istio reads it on pods, and its pod template does not have it."
            fix = partial(_on_pods, workload, name, written)
            yield Problem(written, message, remedy="Write it under the labels of the pod template.", fix=fix)
            return
        if name in (_USE, _SPACE, _MODE):
            return
    places = _PLACES.get(name)
    if places is not None and resource.kind not in places[0]:
        if name in _REPORTED:
            message = f"{resource.title} has the label {name}; Istio reads it on {places[1]}, not on a {resource.kind.kind}."
            yield Problem(written, message)
        return
    yield from _value(resource, name, written)


def _value(resource: Resource, name: str, written: Node) -> Iterator[Problem]:
    known = _VALUES.get(name)
    if known is not None and written.text is not None and written.text not in known:
        close = close_name(written.text.lower(), known)
        message = f'{resource.title} has {name}: "{written.text}", which Istio does not know (it knows {", ".join(known)}).'
        remedy = f"Did you mean {close}?" if close else f"Write one of {', '.join(known)}."
        yield Problem(written, message, remedy=remedy, fix=partial(_set, written, close))
    elif meant := _MISSPELLED.get(name) or slip_of(name, _KEYS):
        message = f"{resource.title} has the label {name}, which Istio does not know."
        yield Problem(written, message, remedy=f"Did you mean {meant}?", fix=partial(_renamed, written, meant))


_MISSPELLED = {
    "istio.io/use-waypoints": _USE, "istio.io/waypoint": _USE, "istio.io/usewaypoint": _USE, "istio.io/use-waypoint-ns": _SPACE,
    "istio.io/waypoint-namespace": _SPACE, "istio.io/dataplane": _MODE, "istio.io/data-plane-mode": _MODE, "istio.io/dataplanemode": _MODE,
    "istio.io/ingress-use-waypoints": _INGRESS, "istio.io/use-ingress-waypoint": _INGRESS, "istio.io/waypoints-for": _FOR,
}  # fmt: skip


def _as_label(resource: Resource, key: str, mesh: Mesh) -> Fix | None:
    workload, noted = mesh.workload(resource), resource.annotation(key)
    if workload is not None and resource.kind is not Kind.POD and key in (_USE, _SPACE, _MODE):
        return _on_pods(workload, key, noted)
    if noted.text is None or resource.kind not in _PLACES[key][0]:
        return None
    return changes().annotation(resource, key, None).label(resource, key, noted.text).fix("Write it as a label")


def _on_pods(workload: Workload, key: str, written: Node) -> Fix | None:
    if written.text is None or workload.template.get("metadata", "labels", key).present:
        return None
    made = changes().set_key(workload.template, ("metadata", "labels", key), written.text)
    return made.remove(written, prune=True).fix("Write it as a label of the pods")


def _set(written: Node, value: str | None) -> Fix | None:
    return None if value is None else changes().set(written, value).fix(f"Write {value}")


def _renamed(written: Node, key: str) -> Fix | None:
    return changes().rename(written, key).fix(f"Write {key}")
