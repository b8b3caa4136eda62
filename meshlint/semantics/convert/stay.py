"""Why something cannot be converted."""

from __future__ import annotations

from meshlint.model.conversion import Because
from meshlint.model.node import UNKNOWN, Node


class Stay(Exception):  # noqa: N818 - a verdict, not an error
    """This part stays what it is, and this value decides it."""

    def __init__(self, at: Node, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.because = Because(at, text, remedy)


def known(node: Node) -> None:
    """Stay where a template fills in any of it."""
    if UNKNOWN not in node.table.values:
        return
    stack = [node]
    while stack:
        at = stack.pop()
        if at.value is UNKNOWN:
            raise Stay(at, "is filled in by a template", "Convert what is rendered from it.")
        if at.is_map:
            stack += [below for _, below in at.items()]
        elif at.is_list:
            stack += list(at.each())


def only(node: Node, allowed: frozenset[str], what: str) -> None:
    """Stay where a mapping has other keys that say something."""
    for key, below in node.items():
        if key not in allowed and below.value not in (None, "", [], {}, False):
            raise Stay(below, f"{what} has {key}, which is not known to have a counterpart")
