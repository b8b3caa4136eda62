"""Values without their places."""

from __future__ import annotations

from typing import Any

from meshlint.model.node import Node, Table, Value


def plain(node: Node) -> Any:
    """A value as Python's own dict, list and scalars; None where it is absent."""
    return _plain(node.value, node.table)


def _plain(value: Value, table: Table) -> Any:
    if isinstance(value, dict):
        return {key: _plain(table.values[row], table) for key, row in value.items()}
    return [_plain(table.values[row], table) for row in value] if isinstance(value, list) else value
