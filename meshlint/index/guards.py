"""Policies on the way into a pod: who is let in, and whether in plaintext."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.index.names import takes
from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.mesh import Settings, Workload
from meshlint.model.resource import Resource


class Guards:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._root = settings.root_namespace

    def of(self, workload: Workload) -> Iterator[Resource]:
        """The AuthorizationPolicies and the STRICT PeerAuthentications that take a workload's pods, without targetRefs."""
        for policy in self._store.of_kind(Kind.PEER_AUTHENTICATION):
            if policy.spec.get("mtls", "mode").text == "STRICT" and self._takes(policy, workload):
                yield policy
        for policy in self._store.of_kind(Kind.AUTHORIZATION_POLICY):
            if not policy.spec.get("targetRefs").present and not policy.spec.get("targetRef").present and self._takes(policy, workload):
                yield policy

    def _takes(self, policy: Resource, workload: Workload) -> bool:
        near = policy.namespace in (workload.namespace, self._root)
        return near and takes(policy.spec.get("selector", "matchLabels").strings(), workload.labels)
