"""Rows of values, as reading gives them, and the tables that are made of them."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Final

from meshlint.model.node import Step, Table, Value
from meshlint.model.position import Source

MAX_DEPTH: Final = 1_000
Row = tuple[Value, int, int, int, int, int, Step]


def table_of(rows: list[Row], source: Source, shift: int) -> Table:
    values, starts, ends, key_starts, key_ends, parents, steps = zip(*rows, strict=True)
    table = Table(source)
    table.values = list(values)
    table.steps = list(steps)
    table.parents = array("i", parents)
    table.starts, table.ends = _column(starts, shift), _column(ends, shift)
    table.key_starts, table.key_ends = _column(key_starts, shift), _column(key_ends, shift)
    return table


def _column(places: tuple[int, ...], shift: int) -> array[int]:
    """Places of a text that begins `shift` characters later; -1, no place, stays."""
    return array("i", [at + shift if at >= 0 else -1 for at in places] if shift else places)


def move(table: Table, moved: Callable[[int], int]) -> None:
    """Let every place of the table be where `moved` says."""
    table.starts, table.ends = array("i", map(moved, table.starts)), array("i", map(moved, table.ends))
    table.key_starts = array("i", (moved(at) if at >= 0 else -1 for at in table.key_starts))
    table.key_ends = array("i", (moved(at) if at >= 0 else -1 for at in table.key_ends))
