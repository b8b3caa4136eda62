"""Which rules are asked of which objects: what an object's kind and keys tell, worked out once for all objects alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from meshlint.check.registry import Entry
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

Objects = Sequence["Resource | None"]
_MOST = 10_000  # sorts of objects that are remembered: an editor brings new ones all day


class Asked(NamedTuple):
    """The rules that are asked, by their place among the chosen ones: of an object, and of an environment as a whole."""

    of: Callable[[Resource], Sequence[int]]
    alone: Collection[int]


class Concerns:
    """Of the chosen rules, by their place among these: those that may find something in an object."""

    def __init__(self, chosen: Sequence[Entry]) -> None:
        self._chosen = chosen
        self.alone = [row for row, entry in enumerate(chosen) if not entry.engine and not entry.each]
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

    def pointing_to(self, kinds: Collection[Kind]) -> frozenset[int]:
        """The rules whose findings, wherever they stand, may point to one of these kinds."""
        entries = enumerate(self._chosen)
        return frozenset(row for row, entry in entries if entry.points_to is None or not entry.points_to.isdisjoint(kinds))

    def looks(self, kinds: Collection[Kind], count: Callable[[Kind], int]) -> int:
        """How often rules look at an object that may point to one of these kinds. `count`: the objects of a kind."""
        return sum(count(kind) for row in self.pointing_to(kinds) for kind in self._chosen[row].each)

    def kinds(self, rows: Iterable[int]) -> frozenset[Kind]:
        """What these rules look at."""
        return frozenset(kind for row in rows for kind in self._chosen[row].each)

    def named(self, names: Collection[str]) -> list[int]:
        return [row for row, entry in enumerate(self._chosen) if entry.name in names]

    def calls(self, mesh: Mesh, asked: Asked | None = None) -> Iterator[tuple[int, Objects]]:
        """The rules that are asked in an environment, each with its objects in their order; None: with the environment alone.
        `asked`: where it is not all that may find something."""
        held: dict[Kind, dict[int, list[Resource]]] = {}
        of, alone = asked or (self.of, self.alone)
        for kind in dict.fromkeys(resource.kind for resource in mesh.environment.resources):
            rows: dict[int, list[Resource]] = {}
            held[kind] = rows
            for resource in mesh.all(kind):
                for row in of(resource):
                    rows.setdefault(row, []).append(resource)
        for row in sorted({*alone, *(row for rows in held.values() for row in rows)}):
            each = self._chosen[row].each
            yield row, [resource for kind in each if kind in held for resource in held[kind].get(row, ())] if each else (None,)
