"""Values without their places."""

from __future__ import annotations

from typing import Any

from meshlint.model.node import Node


def plain(node: Node) -> Any:
    """A value as Python's own dict, list and scalars; None where it is absent."""
    if node.is_map:
        return {key: plain(value) for key, value in node.items()}
    if node.is_list:
        return [plain(item) for item in node.each()]
    return node.value
