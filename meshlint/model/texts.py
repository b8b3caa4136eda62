"""The strings of an object, wherever they stand, and what is written in them."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node, Unknown

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


def may_say(root: Node, *words: str) -> bool:
    """May a value or a key of an object hold one of these words (in small letters), in any case? A look at all of its document at
    once, before one at each value: yes where it stands beside others in a list, or a template fills something in."""
    whole = root.table.values[0]
    if root.row or not isinstance(whole, dict):
        return True
    len(whole)  # all of it, where a part is still to be composed
    values = root.table.values
    kinds = set(map(type, values))
    if Unknown in kinds:
        return True
    said = [value for value in values if type(value) is str]
    if int in kinds:
        said += [str(value) for value in values if type(value) is int]
    text = "\n".join((*said, *root.table.keys)).lower()
    return any(word in text for word in words)
