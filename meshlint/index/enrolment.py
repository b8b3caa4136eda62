"""Which namespaces the repository shows to be in the mesh, and what enrols pods in ambient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.index.store import Store
from meshlint.model.kind import MESHED_BY, WORKLOADS, Kind
from meshlint.model.mesh import Mode, Subject
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_IN_MESH = frozenset({Mode.SIDECAR, Mode.AMBIENT, Mode.BOTH})
_CNI_CHARTS = frozenset({"cni", "istio-cni"})


class Enrolment:
    def __init__(self, store: Store, dataplane: Dataplane) -> None:
        self._store = store
        self._dataplane = dataplane
        self._objects: frozenset[str] | None = None

    def meshed(self, of: Subject) -> bool:
        if isinstance(of, str):
            return self._namespace(of)
        filled_in = not of.namespace and of.root.get("metadata", "namespace").present
        return not filled_in and self._namespace(of.namespace)

    def _namespace(self, namespace: str) -> bool:
        if not self._dataplane.candidate(namespace):
            return False
        if self._dataplane.namespace_mode(namespace) in _IN_MESH or self._dataplane.ambient_now(namespace):
            return True
        if self._objects is None:
            self._objects = frozenset(self._shown())
        return namespace in self._objects

    def _shown(self) -> Iterator[str]:
        """The namespaces that hold configuration of sidecars, or pods that ask for one."""
        for kind in MESHED_BY:
            for resource in self._store.of_kind(kind):
                if self._speaks_to_sidecars(resource):
                    yield resource.namespace
        for kind in WORKLOADS:
            for resource in self._store.of_kind(kind):
                if self._dataplane.mode(resource) in _IN_MESH:
                    yield resource.namespace

    def _speaks_to_sidecars(self, resource: Resource) -> bool:
        if resource.kind is Kind.VIRTUAL_SERVICE:
            gateways = [node.text for node in resource.spec.each("gateways")]
            return not gateways or "mesh" in gateways
        selector = resource.spec.get("selector", "matchLabels").strings()
        targeted = resource.spec.get("targetRefs").present or resource.spec.get("targetRef").present
        return not targeted and not self._dataplane.selects_only_gateways(selector, resource.namespace)

    def selectors(self) -> Sequence[Node]:
        found = [node for kind in _INSTALLERS for resource in self._store.of_kind(kind) for node in _selectors(resource)]
        return [node for node in found if node.value]


_INSTALLERS = (Kind.ISTIO_CNI, Kind.ISTIO_OPERATOR, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION)


def _selectors(resource: Resource) -> Iterator[Node]:
    values = resource.spec.get("values")
    if resource.kind is Kind.ARGO_APPLICATION:
        values = resource.spec.get("source", "helm", "valuesObject")
    chart = resource.spec.get("chart", "spec", "chart").text or resource.spec.get("source", "chart").text
    yield values.get("cni", "ambient", "enablementSelectors")
    if chart in _CNI_CHARTS:
        yield values.get("ambient", "enablementSelectors")
