"""The lines of a template as a tree, by their indentation."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.model.position import Source
from meshlint.render.origin.template import Line


class Outline:
    """A key, an item of a list, or the whole: what stands below it. `fills` are lines that give more keys or items."""

    __slots__ = ("children", "column", "fills", "is_item", "items", "line", "source")

    def __init__(self, source: Source, line: Line | None, column: int, is_item: bool = False) -> None:
        self.source = source
        self.line = line
        self.column = column
        self.is_item = is_item
        self.children: list[Outline] = []
        self.items: list[Outline] = []
        self.fills: list[Line] = []


def outline(source: Source, lines: Sequence[Line]) -> Outline:
    root = Outline(source, None, -1)
    stack = [root]
    for line in lines:
        for column in line.items:
            while len(stack) > 1 and (stack[-1].column > column or (stack[-1].column == column and stack[-1].is_item)):
                stack.pop()
            item = Outline(source, line, column, True)
            stack[-1].items.append(item)
            stack.append(item)
        if line.key is None and not line.fill:
            continue
        while len(stack) > 1 and stack[-1].column >= line.indent and not _holds(stack[-1], line):
            stack.pop()
        if line.fill:
            stack[-1].fills.append(line)
            continue
        child = Outline(source, line, line.indent)
        stack[-1].children.append(child)
        stack.append(child)
    return root


def _holds(upper: Outline, line: Line) -> bool:
    """Does a line of the same column belong to what is above it? The first key of an item does, and the items that fill an
    empty key."""
    if upper.is_item:
        return upper.line is line
    empty = upper.line is not None and not upper.line.value and not upper.children and not upper.items
    return line.fill and upper.column == line.indent and empty
