"""Which namespaces the repository shows to be in the mesh."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.index.dataplane import Dataplane
from meshlint.index.store import Store
from meshlint.model.kind import MESHED_BY, WORKLOADS, Kind
from meshlint.model.mesh import Mode, Subject
from meshlint.model.resource import Resource

_IN_MESH = frozenset({Mode.SIDECAR, Mode.AMBIENT, Mode.BOTH})


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
