"""Which data plane serves what, now, and what may become ambient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshlint.index.names import takes
from meshlint.index.store import Store
from meshlint.model.kind import WORKLOADS, Kind
from meshlint.model.mesh import Mode, Settings, Subject, Workload
from meshlint.model.node import Node
from meshlint.model.problem import MESH
from meshlint.model.resource import Resource

_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
_TEMPLATE = {Kind.CRON_JOB: ("spec", "jobTemplate", "spec", "template"), Kind.POD: ()}
_GATEWAY_NAMES = frozenset({"ingressgateway", "egressgateway", "eastwestgateway"})
_GATEWAY_LABELS = ("gateway.networking.k8s.io/gateway-name", "gateway.istio.io/managed", "istio.io/gateway-name")


class Dataplane:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._modes: dict[str, Mode] = {}
        self._candidates: dict[str, bool] = {}  # by namespace
        self._makers: dict[str, list[Resource]] | None = None  # what makes pods, by namespace
        self._workloads: dict[str, dict[tuple[str, str] | None, list[Workload]]] = {}
        self._selecting: dict[tuple[str, str], list[tuple[Mapping[str, str], Resource]]] | None = None
        self._gateways: list[Mapping[str, str]] | None = None  # the selectors of Istio Gateways
        self._managed: dict[tuple[str, str], list[tuple[str, Mapping[str, str]]]] | None = None  # labels of pods istiod makes
        self._any_ambient: bool | None = None
        self._labels: dict[str, tuple[Mapping[str, str], Resource | None]] = {}
        self._by_object: dict[Resource, Workload | None] = {}
        self._pod_modes: dict[Resource, Mode] = {}
        self._only_gateways: dict[tuple[str, tuple[tuple[str, str], ...]], bool] = {}

    def namespace_labels(self, namespace: str) -> tuple[Mapping[str, str], Resource | None]:
        """Labels of a namespace: of its object, else of what an Argo CD Application makes it with."""
        if namespace not in self._labels:
            self._labels[namespace] = self._namespace_labels(namespace)
        return self._labels[namespace]

    def _namespace_labels(self, namespace: str) -> tuple[Mapping[str, str], Resource | None]:
        found = self._store.find(Kind.NAMESPACE, "", namespace) if namespace else None
        if found is not None:
            return found.labels, found
        for application in self._store.of_kind(Kind.ARGO_APPLICATION):
            if application.spec.get("destination", "namespace").text == namespace and namespace:
                made = application.spec.get("syncPolicy", "managedNamespaceMetadata", "labels").strings()
                if made:
                    return made, application
        return {}, None

    def namespace_mode(self, namespace: str) -> Mode:
        if namespace not in self._modes:
            self._modes[namespace] = self._namespace_mode(namespace)
        return self._modes[namespace]

    def _namespace_mode(self, namespace: str) -> Mode:
        if namespace in _SYSTEM:
            return Mode.OUT
        labels, _ = self.namespace_labels(namespace)
        return _mode(labels.get("istio.io/dataplane-mode"), injection(labels))

    def mode(self, of: Subject) -> Mode:
        if isinstance(of, str):
            return self.namespace_mode(of)
        if of.kind not in WORKLOADS:
            return self.namespace_mode(_namespace_of(of))
        if of not in self._pod_modes:
            self._pod_modes[of] = self._pod_mode(of)
        return self._pod_modes[of]

    def _pod_mode(self, of: Resource) -> Mode:
        namespace = _namespace_of(of)
        pod = pod_template(of)
        if pod is None or namespace in _SYSTEM:
            return self.namespace_mode(namespace)
        own = pod_labels(of, pod)
        labels, _ = self.namespace_labels(namespace)
        inject = own.get("sidecar.istio.io/inject") or pod.get("metadata", "annotations").strings().get("sidecar.istio.io/inject")
        injected = injection(labels) if inject is None else inject == "true"
        return _mode(own.get("istio.io/dataplane-mode", labels.get("istio.io/dataplane-mode")), injected)

    def ambient_now(self, of: Subject) -> bool:
        if self._settings.assume_mode:
            return self._settings.assume_mode == "ambient" and self.candidate(of)
        if self._mesh_wide(of):
            if self._any_ambient is None:
                self._any_ambient = any(self.namespace_mode(n.name) is Mode.AMBIENT for n in self._store.of_kind(Kind.NAMESPACE))
            return self._any_ambient
        return self.mode(of) is Mode.AMBIENT

    def candidate(self, of: Subject) -> bool:
        if not isinstance(of, str):
            return self._candidate(of)
        if of not in self._candidates:
            self._candidates[of] = self._candidate(of)
        return self._candidates[of]

    def _candidate(self, of: Subject) -> bool:
        if self._mesh_wide(of):
            return True
        if _namespace_of(of) == self._settings.root_namespace:
            return False
        return self.mode(of) is not Mode.OUT

    def _mesh_wide(self, of: Subject) -> bool:
        if isinstance(of, str):
            return of == MESH
        return of.namespace == self._settings.root_namespace and of.kind.group.endswith("istio.io")

    def workload(self, of: Resource) -> Workload | None:
        if of.kind not in WORKLOADS:
            return None
        if of not in self._by_object:
            self._by_object[of] = as_workload(of)
        return self._by_object[of]

    def workloads(self, selector: Mapping[str, str], namespace: str) -> Sequence[Workload]:
        pair = next(iter(selector.items()), None)
        found = [*self._labelled(namespace, pair), *(self._labelled("", pair) if namespace else ())]
        return [workload for workload in found if takes(selector, workload.labels)]

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        if self._selecting is None:
            self._selecting = {}
            for service in self._store.of_kind(Kind.SERVICE):
                if selector := service.spec.get("selector").strings():
                    self._selecting.setdefault(min(selector.items()), []).append((selector, service))
        found = [pair for label in workload.labels.items() for pair in self._selecting.get(label, ())]
        return [s for selector, s in found if _same(s.namespace, workload.namespace) and takes(selector, workload.labels)]

    def selects_only_gateways(self, selector: Mapping[str, str], namespace: str) -> bool:
        if not selector:
            return False
        key = (namespace, tuple(selector.items()))
        if key not in self._only_gateways:
            found = self.workloads(selector, namespace)
            self._only_gateways[key] = all(workload.gateway for workload in found) if found else self.of_gateways(selector, namespace)
        return self._only_gateways[key]

    def of_gateways(self, labels: Mapping[str, str], namespace: str) -> bool:
        """Are pods with these labels, of which the repository shows none, gateways: by the labels, or as a Gateway takes or makes them?"""
        if gateway_labels(labels) or self._made(labels, namespace):
            return True
        if self._gateways is None:
            found = (gateway.spec.get("selector").strings() for gateway in self._store.of_kind(Kind.GATEWAY))
            self._gateways = [chosen for chosen in found if chosen]
        return any(chosen.items() <= labels.items() for chosen in self._gateways)

    def _made(self, labels: Mapping[str, str], namespace: str) -> bool:
        """Does istiod make pods with these labels for a Kubernetes Gateway? They get those of its infrastructure, else its own."""
        if self._managed is None:
            self._managed = {}
            for gateway in self._store.of_kind(Kind.K8S_GATEWAY):
                infrastructure = gateway.spec.get("infrastructure", "labels")
                given = infrastructure.strings() if infrastructure.present else gateway.labels
                for label in given.items() if gateway.spec.get("gatewayClassName").text == "istio" else ():
                    self._managed.setdefault(label, []).append((gateway.namespace, given))
        held = self._managed.get(next(iter(labels.items())), ()) if labels else ()
        return any(_same(where, namespace) and takes(labels, given) for where, given in held)

    def _labelled(self, namespace: str, pair: tuple[str, str] | None) -> Sequence[Workload]:
        """Workloads of a namespace that carry a label (None: all)."""
        if self._makers is None:
            self._makers = {}
            for kind in WORKLOADS:
                for resource in self._store.of_kind(kind):
                    self._makers.setdefault(resource.namespace, []).append(resource)
        if namespace not in self._workloads:
            held = self._workloads[namespace] = {}
            for resource in self._makers.get(namespace, ()):
                if (workload := self.workload(resource)) is not None:
                    for label in (None, *workload.labels.items()):
                        held.setdefault(label, []).append(workload)
        return self._workloads[namespace].get(pair, ())


def _namespace_of(of: Subject) -> str:
    if isinstance(of, str):
        return of
    return of.name if of.kind is Kind.NAMESPACE else of.namespace


def _same(one: str, other: str) -> bool:
    return one == other or not one or not other


def _mode(dataplane: str | None, injected: bool | None) -> Mode:
    if dataplane == "ambient":
        return Mode.BOTH if injected else Mode.AMBIENT
    if injected:
        return Mode.SIDECAR
    if dataplane == "none" or injected is False:
        return Mode.OUT
    return Mode.UNKNOWN


def injection(labels: Mapping[str, str]) -> bool | None:
    """Does a namespace with these labels get sidecars? None: its labels do not say. `istio-injection` wins over `istio.io/rev`."""
    if "istio-injection" in labels:
        return labels["istio-injection"] == "enabled"
    if "istio.io/dataplane-mode" in labels:
        return None
    return True if labels.get("istio.io/rev") else None


def pod_template(resource: Resource) -> Node | None:
    """The pod template of a workload (metadata and spec), of a Pod the object itself; None for other kinds."""
    if resource.kind not in WORKLOADS:
        return None
    template = resource.root.get(*_TEMPLATE.get(resource.kind, ("spec", "template")))
    return template if template else None


def pod_labels(resource: Resource, template: Node) -> Mapping[str, str]:
    """The labels of a workload's pods: of its template, and what Kustomize adds to them."""
    if resource.kind is Kind.POD:
        return resource.labels
    written = {**template.get("metadata", "labels").strings(), **resource.pod_labels}
    gone = [name for name in written if name not in resource.pod_labels and ("pods", name) in resource.places]
    return {name: value for name, value in written.items() if name not in gone} if gone else written


def as_workload(resource: Resource) -> Workload | None:
    """What an object makes pods from; None where it makes none."""
    template = pod_template(resource)
    if template is None:
        return None
    labels = pod_labels(resource, template)
    return Workload(resource, template, resource.namespace, labels, _is_gateway(template, labels))


def gateway_labels(labels: Mapping[str, str]) -> bool:
    """Do these labels mark a gateway's pods (chart, IstioOperator, gateway controller)?"""
    for key in ("istio", "app", "app.kubernetes.io/name"):
        name = labels.get(key, "").removeprefix("istio-")
        if name in _GATEWAY_NAMES or name.endswith(tuple(f"-{gateway}" for gateway in _GATEWAY_NAMES)):
            return True
        if key != "istio" and name.replace("-", "").removeprefix("istio") in _GATEWAY_NAMES:
            return True
    return any(label in labels for label in _GATEWAY_LABELS)


def _is_gateway(template: Node, labels: Mapping[str, str]) -> bool:
    if template.get("metadata", "annotations").strings().get("inject.istio.io/templates", "").startswith("gateway"):
        return True
    if gateway_labels(labels):
        return True
    containers = list(template.get("spec").each("containers"))
    for container in containers:
        if container.get("image").text == "auto" and container.get("name").text == "istio-proxy":
            return len(containers) == 1  # beside an application it customises the sidecar
        args = [node.text for node in container.each("args")]
        if args[:2] == ["proxy", "router"]:
            return True
    return False
