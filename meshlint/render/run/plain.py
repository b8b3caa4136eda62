"""Nodes as plain data, to be written for a tool."""

from __future__ import annotations

from typing import Any

from meshlint.model.node import UNKNOWN, Node
from meshlint.render.find.fill import written as text_of
from meshlint.render.run.stage import Refusal

_DEEPEST = 100
_MOST = 200_000  # values


def plain(node: Node) -> Any:
    """The value as JSON has it. What holds a template's expression is the text as it is written. Raises Refusal for values
    of a depth or number that nobody writes."""
    return _plain(node, 0, [0])


def _plain(node: Node, depth: int, count: list[int]) -> Any:
    count[0] += 1
    if depth > _DEEPEST or count[0] > _MOST:
        raise Refusal(f"{node.file} holds more than can be copied")
    if node.is_map:
        return {key: _plain(value, depth + 1, count) for key, value in node.items()}
    if node.is_list:
        return [_plain(item, depth + 1, count) for item in node.each()]
    return written(node) if node.value is UNKNOWN else node.value


def written(node: Node) -> str:
    """The text of a scalar as it stands in its file, without quotes."""
    return text_of(node.table, node.row)
