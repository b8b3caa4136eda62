"""Documents in strings of rendered objects (MeshConfig in a ConfigMap): where their values were written."""

from __future__ import annotations

from meshlint.model.node import Node, Origins, Table, dotted
from meshlint.read.inner import documents_in, documents_of
from meshlint.render.origin.match import scalars


class InnerOrigins:
    """Found by the path in the string, wherever that was written."""

    def __init__(self, outer: Node, table: Table) -> None:
        self._outer = outer
        self._table = table
        self._roots: list[Node] | None = None

    def of(self, row: int) -> tuple[Node, bool]:
        origin = self._outer.origin
        if self._roots is None:
            whole = origin.table.source.text.strip() == (origin.text or "").strip()
            self._roots = documents_of(origin.table.source) if whole else documents_in(origin) if origin.text else []
        node = Node(self._table, row)
        for root in self._roots:
            found = root.get(*node.path)
            if found.present:
                return found, self._outer.exact and _alike(found, node)
        return origin, False


def _alike(one: Node, other: Node) -> bool:
    return one.value == other.value if not (one.is_map or one.is_list) else one.is_map == other.is_map


def inner_origins(root: Node, where: str, table: Table) -> Origins:
    return InnerOrigins(_outer(root, where), table)


def _outer(root: Node, where: str) -> Node:
    """The string that a document was read from, by its written path."""
    for field in ("data", "spec"):
        for node in scalars(root.get(field)):
            if node.text and dotted(node.path[len(root.path) :]) == where:
                return node
    return root
