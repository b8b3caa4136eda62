"""What reading a file gave as plain values (lists, texts, numbers, bytes), and back: tables open when they are looked at.

A table is [exact, values, unknown rows, alias pairs, steps or nothing, parents, starts, ends, key starts, key ends, cut],
its places as bytes of 32-bit numbers, its values as they are but for UNKNOWN, which is null at one of the unknown rows.
A document that is not composed is [start, end]. `cut`: [start, rest] of a document without its body (read/partial.py).
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Final

from meshlint.model.document import Document, FileRead, Head, Trouble
from meshlint.model.later import COLUMNS, LaterTable, words_of
from meshlint.model.node import UNKNOWN, Node, Step, Table, Value
from meshlint.model.position import Position, Source, Span
from meshlint.model.tuples import NamedTuple
from meshlint.read.partial import CutMap, Unread, composed, uncut

Opened = Callable[[Any], Sequence[Any]]
_MEMO_SIZE: Final = 50_000
_texts: dict[str, str] = {}  # most come again and again
_PLACES: Final = ("parents", "starts", "ends", "key_starts", "key_ends")


class Packed(NamedTuple):
    """A file. `documents`: [table, row, apiVersion, kind, [[path, table, row] of inner ones], head]. `held`: words of the text,
    nothing where it could not be read."""

    documents: list[Any]
    troubles: list[Any]
    skipped: str | None
    skipped_kinds: list[str]
    template: bool
    bare: bool
    held: list[str] | None
    tables: list[Any]


def pack(file: FileRead) -> Packed:
    """What was read of a file as plain values; decoding makes the file of them again."""
    numbers: dict[int, int] = {}
    tables: list[Any] = []

    def number(table: Table) -> int:
        if id(table) not in numbers:
            numbers[id(table)] = len(tables)
            tables.append(_pack_table(table))
        return numbers[id(table)]

    documents = [
        [number(d.root.table), d.root.row, d.api_version, d.kind, [[path, number(at.table), at.row] for path, at in d.inner], d.known]
        for d in file.documents
    ]
    source = file.source
    held = None if source is None else words_of(source)
    troubles = [[said.rule, _pack_span(said.span), said.message, [*said.kinds], said.remedy] for said in file.troubles]
    return Packed(documents, troubles, file.skipped, [*file.skipped_kinds], file.template, file.bare, held, tables)


def unpack(packed: Packed, path: str, source: Source | None, opened: Opened, digest: bytes) -> FileRead:
    """The file again. `opened` decodes a table that is still encoded."""
    if source is None:
        tables: list[Table] = []
    else:
        tables = [PackedTable(source, row, opened) for row in packed.tables]
    documents = tuple(
        Document(Node(tables[table], row), api_version, kind, _inner(inner, tables) if inner else (), None if head is None else Head(*head))
        for table, row, api_version, kind, inner, head in packed.documents
    )
    troubles = tuple(Trouble(rule, path, _span(span), said, tuple(kinds), remedy) for rule, span, said, kinds, remedy in packed.troubles)
    kinds = tuple(packed.skipped_kinds)
    return FileRead(path, source, documents, troubles, packed.skipped, kinds, packed.template, packed.bare, digest)


def _inner(packed: Sequence[Any], tables: Sequence[Table]) -> tuple[tuple[str, Node], ...]:
    return tuple((where, Node(tables[table], row)) for where, table, row in packed)


def _pack_span(span: Span | None) -> list[int] | None:
    return None if span is None else [*span.start, *span.end]


def _span(packed: Sequence[int] | None) -> Span | None:
    return None if packed is None else Span(Position(*packed[:3]), Position(*packed[3:]))


def _pack_table(table: Table) -> list[Any]:
    if isinstance(table, LaterTable) and isinstance(table.make, Unread):
        return [table.make.start, table.make.end]
    values, cut = table.values, None
    if isinstance(values[0], CutMap):
        cut = [*values[0].stretch]
        values = [values[0].known(), *values[1:]]
    unknown: list[int] = []
    if UNKNOWN in values:
        unknown = [row for row, value in enumerate(values) if value is UNKNOWN]
        values = [None if value is UNKNOWN else value for value in values]
    boxes = [row for row, value in enumerate(values) if type(value) is dict or type(value) is list]
    steps = None if _steps(values, boxes, len(values)) == table.steps else table.steps
    places = [_bytes(getattr(table, column)) for column in _PLACES]
    return [table.exact, values, unknown, _aliases(values, boxes), steps, *places, cut]


def _aliases(values: Sequence[Value], boxes: Sequence[int]) -> list[list[int]]:
    """Rows whose collection is that of an earlier row."""
    first: dict[int, int] = {}
    return [[row, at] for row in boxes if (at := first.setdefault(id(values[row]), row)) != row]


def _steps(values: Sequence[Value], boxes: Sequence[int], count: int) -> list[Step]:
    """The steps as the collections tell them; merged keys and repeated ones are told otherwise."""
    steps: list[Step] = [""] * count
    for row in boxes:
        box = values[row]
        if isinstance(box, dict):
            for key, below in box.items():
                steps[below] = key
        elif isinstance(box, list):
            for index, below in enumerate(box):
                steps[below] = index
    return steps


def _bytes(column: array[int]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()


def _column(packed: bytes) -> array[int]:
    column = array("i")
    column.frombytes(packed)
    if sys.byteorder == "big":
        column.byteswap()
    return column


class PackedTable(Table):
    """A table that is opened column by column."""

    __slots__ = ("_opened", "_packed", "_row")

    def __init__(self, source: Source, packed: Any, opened: Opened) -> None:
        self.source = source
        self.origins = self._keys = None
        self._packed = packed
        self._opened = opened
        self._row: list[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name != "exact" and name not in COLUMNS:
            raise AttributeError(name)
        if self._row is None:
            self._row = list(self._opened(self._packed))
            self._packed = None
        if len(self._row) == 2:
            self._compose(*self._row)
        elif name == "values":
            self._open_values()
        elif name == "steps":
            self.steps = self._row[4] or self._derived()
        elif name == "exact":
            self.exact = self._row[0]
        else:
            at = 5 + _PLACES.index(name)
            setattr(self, name, _column(self._row[at]))
            self._row[at] = None
        return object.__getattribute__(self, name)

    def _compose(self, start: int, end: int) -> None:
        made = composed(self.source, start, end)
        for column in (*COLUMNS, "exact"):
            setattr(self, column, getattr(made, column))

    def _open_values(self) -> None:
        assert self._row is not None
        _, values, unknown, aliases, *_, cut = self._row
        if len(_texts) > _MEMO_SIZE:
            _texts.clear()
        same = _texts.setdefault
        self.values = values = [same(value, value) if type(value) is str else value for value in values]
        self._row[1] = None
        for row in unknown:
            values[row] = UNKNOWN
        for row, first in aliases:
            values[row] = values[first]
        if cut is not None:
            uncut(self, *cut)

    def _derived(self) -> list[Step]:
        boxes = [row for row, value in enumerate(self.values) if isinstance(value, (dict, list))]
        known = self.values[0]
        values = [known.known(), *self.values[1:]] if isinstance(known, CutMap) else self.values
        return _steps(values, boxes, len(values))
