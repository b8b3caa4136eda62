"""PeerAuthentications above one: of its namespace, and of the mesh."""

from __future__ import annotations

from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.resource import Resource


class PeerAuthentications:
    """Those of one environment."""

    def __init__(self, store: Store, root: str) -> None:
        self._root = root
        self._wide: dict[str, list[Resource]] = {}  # those without a selector, by namespace
        for policy in store.of_kind(Kind.PEER_AUTHENTICATION):
            if not policy.spec.get("selector", "matchLabels").value:
                self._wide.setdefault(policy.namespace, []).append(policy)

    def above(self, policy: Resource) -> tuple[Resource | None, Resource | None]:
        """The first without a selector in the policy's namespace and in the root namespace, itself left out."""
        near = self._first(policy.namespace, policy) if policy.namespace and policy.namespace != self._root else None
        return near, self._first(self._root, policy)

    def _first(self, namespace: str, besides: Resource) -> Resource | None:
        return next((other for other in self._wide.get(namespace, ()) if other.identity != besides.identity), None)
