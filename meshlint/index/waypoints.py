"""Effective waypoints and Kubernetes Gateways."""

from __future__ import annotations

from collections.abc import Mapping

from meshlint.index.dataplane import Dataplane, pod_labels, pod_template
from meshlint.index.store import Store
from meshlint.model.kind import WORKLOADS, Kind
from meshlint.model.mesh import Host, Settings, Waypoint, WaypointState
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.selectors import selects_namespace

USE_WAYPOINT = "istio.io/use-waypoint"
_WAYPOINT_CLASSES = frozenset({"istio-waypoint", "istio-agentgateway-waypoint"})
_ISTIO_CONTROLLERS = ("istio.io/",)
_ISTIO_CLASSES = frozenset(
    {"istio", "istio-remote", "istio-waypoint", "istio-east-west", "istio-agentgateway", "istio-agentgateway-waypoint"}
)
_NONE = Waypoint(WaypointState.NONE, "", "", None, None)


class Waypoints:
    def __init__(self, store: Store, dataplane: Dataplane, settings: Settings) -> None:
        self._store = store
        self._dataplane = dataplane
        self._assumed = frozenset(settings.assume_waypoints)
        self._of: dict[Resource | str, Waypoint] = {}

    def of(self, of: Resource | Host) -> Waypoint:
        asked = of if isinstance(of, Resource) else of.resource or of.namespace
        if asked not in self._of:
            self._of[asked] = self._of_object(asked) if isinstance(asked, Resource) else self._of_namespace(asked)
        return self._of[asked]

    def _of_namespace(self, name: str) -> Waypoint:
        return self._labelled(self._namespace(name), name, "service")._replace(inherited=True) if name else _NONE

    def _of_object(self, resource: Resource) -> Waypoint:
        traffic = "workload" if resource.kind in WORKLOADS or resource.kind is Kind.WORKLOAD_ENTRY else "service"
        own = self._labelled(resource, resource.namespace, traffic)
        if own.state is not WaypointState.NONE or resource.kind is Kind.NAMESPACE:
            return own
        return self._labelled(self._namespace(resource.namespace), resource.namespace, traffic)._replace(inherited=True)

    def _namespace(self, name: str) -> Resource | None:
        return self._dataplane.namespace_labels(name)[1] if name else None

    def _labelled(self, holder: Resource | None, namespace: str, traffic: str) -> Waypoint:
        if holder is None:
            return _NONE
        node = label_node(holder, USE_WAYPOINT)
        labels = _labels(holder)
        name = labels.get(USE_WAYPOINT, "")
        if node.unknown or label_node(holder, f"{USE_WAYPOINT}-namespace").unknown:
            return Waypoint(WaypointState.MISSING, "", namespace, node, None)
        if not name:
            return _NONE
        if name == "none":
            return Waypoint(WaypointState.OPTED_OUT, "", "", node, None)
        default = holder.name if holder.kind is Kind.NAMESPACE else namespace
        where = labels.get("istio.io/use-waypoint-namespace") or default
        gateway = self._store.find_anywhere(Kind.K8S_GATEWAY, where, name)
        if gateway is None:
            known = name in self._assumed or f"{where}/{name}" in self._assumed
            return Waypoint(WaypointState.OK if known else WaypointState.MISSING, name, where, node, None)
        return Waypoint(self._fit(gateway, default, traffic), name, where, node, gateway)

    def _fit(self, gateway: Resource, namespace: str, traffic: str) -> WaypointState:
        serves = gateway.labels.get("istio.io/waypoint-for") or self._class_traffic(gateway) or "service"
        if serves != "all" and serves != traffic:
            return WaypointState.WRONG_TYPE
        if not self._admits(gateway, namespace):
            return WaypointState.DENIED
        return WaypointState.OK

    def _class_traffic(self, gateway: Resource) -> str | None:
        found = self._store.find(Kind.GATEWAY_CLASS, "", gateway.spec.get("gatewayClassName").text or "")
        return found.labels.get("istio.io/waypoint-for") if found else None

    def _admits(self, gateway: Resource, namespace: str) -> bool:
        if not namespace or not gateway.namespace:
            return True
        labels, holder = self._dataplane.namespace_labels(namespace)
        for listener in gateway.spec.each("listeners"):
            allowed = listener.get("allowedRoutes", "namespaces")
            origin = allowed.get("from").text or "Same"
            if origin == "All" or allowed.get("from").unknown or allowed.unknown:
                return True
            if origin == "Selector" and selects_namespace(allowed.get("selector"), namespace, labels if holder else None) is not False:
                return True
            if origin != "Selector" and namespace == gateway.namespace:
                return True
        return not any(gateway.spec.each("listeners")) and namespace == gateway.namespace

    def is_waypoint(self, gateway: Resource) -> bool:
        if gateway.kind is not Kind.K8S_GATEWAY:
            return False
        name = gateway.spec.get("gatewayClassName").text
        if name in _WAYPOINT_CLASSES:
            return True
        if name in _ISTIO_CLASSES or name is None:
            return False
        protocols = {listener.get("protocol").text for listener in gateway.spec.each("listeners")}
        return self._controller(name) == "istio.io/mesh-controller" or protocols == {"HBONE"}

    def istio_class(self, gateway: Resource) -> bool:
        """Does the repository tell that Istio runs a Kubernetes Gateway: by the name of its class, or its controller?"""
        name = gateway.spec.get("gatewayClassName").text
        return name is not None and (name in _ISTIO_CLASSES or (self._controller(name) or "").startswith(_ISTIO_CONTROLLERS))

    def foreign_class(self, gateway: Resource) -> bool:
        name = gateway.spec.get("gatewayClassName").text
        if name is None or name in _ISTIO_CLASSES:
            return False
        controller = self._controller(name)
        if controller is not None:
            return not controller.startswith(_ISTIO_CONTROLLERS)
        return "istio" not in name

    def _controller(self, name: str) -> str | None:
        found = self._store.find(Kind.GATEWAY_CLASS, "", name)
        return found.spec.get("controllerName").text if found else None


def label_node(holder: Resource, name: str) -> Node:
    """A label of an object, of a workload: of its pods, of an Argo CD Application: of the namespace that it makes."""
    if holder.kind is Kind.ARGO_APPLICATION:
        return holder.spec.get("syncPolicy", "managedNamespaceMetadata", "labels", name)
    if (pod := pod_template(holder)) is not None and holder.kind is not Kind.POD:
        return holder.pod_label(pod, name)
    return holder.label(name)


def _labels(holder: Resource) -> Mapping[str, str]:
    if holder.kind is Kind.ARGO_APPLICATION:
        return holder.spec.get("syncPolicy", "managedNamespaceMetadata", "labels").strings()
    if (pod := pod_template(holder)) is not None and holder.kind is not Kind.POD:
        return pod_labels(holder, pod)
    return holder.labels
