"""The strings of an object, wherever they stand, and what is written in them."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node

_DEPTH = 24


def strings_below(node: Node, depth: int = _DEPTH) -> Iterator[Node]:
    """Every string at or below a value, in the order of the text, those that a template fills in among them."""
    if node.text is not None or node.unknown:
        yield node
    elif depth:
        for item in node.each() if node.is_list else (below for _, below in node.items()):
            yield from strings_below(item, depth - 1)


def written(node: Node) -> str:
    """The text of a string; where a template fills in parts of it, as it stands in the file: what is written in it is certain
    all the same (the words of a script, the metrics of a query)."""
    if node.text is not None or not node.unknown:
        return node.text or ""
    table, row = node.table, node.row
    return table.source.text[table.starts[row] : table.ends[row]] if table.exact else ""
