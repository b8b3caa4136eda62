"""Which rules are asked of which objects: what an object's kind and keys tell, worked out once for all objects alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.check.registry import Entry
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource

Objects = Sequence["Resource | None"]
_MOST = 10_000  # sorts of objects that are remembered: an editor brings new ones all day


class Concerns:
    """Of the chosen rules, by their place among these: those that may find something in an object."""

    def __init__(self, chosen: Sequence[Entry]) -> None:
        self._chosen = chosen
        self._alone = [row for row, entry in enumerate(chosen) if not entry.engine and not entry.each]
        self._choosy = {kind for entry in chosen if entry.needs for kind in entry.each}
        self._known: dict[tuple[Kind, frozenset[str] | None], list[int]] = {}

    def of(self, resource: Resource) -> list[int]:
        kind = resource.kind
        key = (kind, resource.keys if kind in self._choosy else None)  # to ask for keys may compose a document
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _MOST:
                self._known.clear()
            asked = [(row, entry) for row, entry in enumerate(self._chosen) if kind in entry.each]
            found = self._known[key] = [row for row, entry in asked if not entry.needs or resource.may_hold(entry.needs)]
        return found

    def calls(self, mesh: Mesh) -> Iterator[tuple[int, Objects]]:
        """The rules that are asked in an environment, each with its objects in their order; None: with the environment alone."""
        held: dict[Kind, dict[int, list[Resource]]] = {}
        for kind in dict.fromkeys(resource.kind for resource in mesh.environment.resources):
            rows: dict[int, list[Resource]] = {}
            held[kind] = rows
            for resource in mesh.all(kind):
                for row in self.of(resource):
                    rows.setdefault(row, []).append(resource)
        for row in sorted({*self._alone, *(row for rows in held.values() for row in rows)}):
            each = self._chosen[row].each
            yield row, [resource for kind in each if kind in held for resource in held[kind].get(row, ())] if each else (None,)
