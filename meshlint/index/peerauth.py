"""PeerAuthentications above one: of its namespace, and of the mesh."""

from __future__ import annotations

from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.resource import Resource


def above(policy: Resource, store: Store, root: str) -> tuple[Resource | None, Resource | None]:
    """The PeerAuthentications without a selector of the policy's namespace and of the root namespace, itself left out."""
    found: dict[str, Resource] = {}
    for other in store.of_kind(Kind.PEER_AUTHENTICATION):
        wide = not other.spec.get("selector", "matchLabels").value
        if wide and other.identity != policy.identity and other.namespace in (policy.namespace, root):
            found.setdefault(other.namespace, other)
    near = found.get(policy.namespace) if policy.namespace and policy.namespace != root else None
    return near, found.get(root)
