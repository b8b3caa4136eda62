"""Objects that are applied twice."""

from __future__ import annotations

from meshlint.index.store import Store
from meshlint.model.resource import Resource

_CONDITIONAL = ("{{", "#@", "{%")


class Twins:
    """What one environment applies more than once. In plain folders, copies in several files are alternatives."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._plain = store.environment.kind == "plain"
        groups = store.judged.by_identity.values()
        self._several = {resource for resources in groups if len(resources) > 1 for resource in resources}

    def before(self, resource: Resource) -> Resource | None:
        """The first object of the same identity before this one, in the same file where folders are plain."""
        self._store.asked.add(resource.kind)
        if resource not in self._several:
            return None
        for other in self._store.judged.by_identity.get(resource.identity, ()):
            if other is resource:
                return None
            if other.root != resource.root and not (self._plain and other.file != resource.file):
                return other if _certain(resource) and _certain(other) else None
        return None


def _certain(resource: Resource) -> bool:
    """Are its name and namespace written here, and does no template decide whether it is there?"""
    metadata = resource.root.get("metadata")
    text = resource.root.table.source.text
    named = bool(metadata.get("name")) and not metadata.get("namespace").unknown
    return named and not any(mark in text for mark in _CONDITIONAL)
