"""A table of values that nobody has written yet: what reading them as a text would give, without the places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshlint.model.node import UNKNOWN, Step, Table, Value
from meshlint.model.position import Source
from meshlint.read.placeholders import expression_finder


def table_of(value: Any, source: Source) -> Table:
    """`value` is made of mappings, lists and scalars. Every place is the start of the source."""
    table = Table(source)
    _add(table, value, -1, "")
    for column in (table.starts, table.ends):
        column.extend([0] * len(table.values))
    for column in (table.key_starts, table.key_ends):
        column.extend([0 if isinstance(step, str) else -1 for step in table.steps])
        column[0] = -1
    return table


def _add(table: Table, value: Any, above: int, step: Step) -> int:
    row = len(table.values)
    table.parents.append(above)
    table.steps.append(step)
    if isinstance(value, (dict, Mapping)):
        entries: dict[str, int] = {}
        table.values.append(entries)
        for key, below in value.items():
            entries[key] = _add(table, below, row, key)
    elif isinstance(value, (list, tuple)):
        items: list[int] = []
        table.values.append(items)
        for number, below in enumerate(value):
            items.append(_add(table, below, row, number))
    else:
        table.values.append(_scalar(value))
    return row


def _scalar(value: Any) -> Value:
    """A text that a template would fill in is not known."""
    find = expression_finder(value) if isinstance(value, str) and "\n" not in value else None
    found: Value = UNKNOWN if find is not None and find(value) else value
    return found
