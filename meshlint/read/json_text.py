"""JSON that libyaml refuses (tabs, long keys, surrogate escapes) as the same tables with the same places."""

from __future__ import annotations

import re
from typing import Final

from meshlint.model.node import UNKNOWN, Step, Table, Value
from meshlint.model.position import Source
from meshlint.read.errors import ReadError
from meshlint.read.placeholders import expression_finder
from meshlint.read.rows import MAX_DEPTH
from meshlint.read.scalars import resolve

_TOKEN: Final = re.compile(
    r"[ \t\r\n]*(?:(?P<mark>[{}\[\],:])|(?P<string>\"[^\"\\\x00-\x1f]*(?:\\.[^\"\\\x00-\x1f]*)*\")"
    r"|(?P<bare>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null))"
)
_BLANK: Final = re.compile(r"[ \t\r\n]*\Z")


class _Builder:
    """A table that grows by values, and the way down to where the next one belongs."""

    def __init__(self, text: str, source: Source) -> None:
        self.table = Table(source)
        self.stack: list[int] = []
        self.key: tuple[str, int, int] | None = None
        self.find = expression_finder(text)

    def add(self, value: Value, start: int, end: int) -> int:
        table, row = self.table, len(self.table.values)
        step: Step = ""
        parent = self.stack[-1] if self.stack else -1
        box = table.values[parent] if self.stack else None
        if isinstance(box, dict) and self.key is not None:
            step = self.key[0]
            box[step] = row
        elif isinstance(box, list):
            step = len(box)
            box.append(row)
        places = self.key[1:] if self.key else (-1, -1)
        columns = (table.starts, table.ends, table.key_starts, table.key_ends, table.parents)
        for column, number in zip(columns, (start, end, *places, parent), strict=True):
            column.append(number)
        table.values.append(value)
        table.steps.append(step)
        self.key = None
        return row

    def scalar(self, value: Value, start: int, end: int) -> None:
        if self.find is not None and isinstance(value, str) and "\n" not in value and self.find(value):
            value = UNKNOWN
        self.add(value, start, end)

    def open(self, box: dict[str, int] | list[int], start: int) -> None:
        self.stack.append(self.add(box, start, start + 1))
        if len(self.stack) > MAX_DEPTH:
            raise ReadError("limit-reached", f"nested deeper than {MAX_DEPTH:,} levels", start)

    def close(self, end: int) -> None:
        self.table.ends[self.stack.pop()] = end

    @property
    def closer(self) -> str:
        return "}" if self.in_map else "]"

    @property
    def in_map(self) -> bool:
        return bool(self.stack) and isinstance(self.table.values[self.stack[-1]], dict)


def compose_json(text: str, source: Source) -> list[Table]:
    """The documents of a JSON text: one, or several one behind the other, as kubectl takes them. Raises ReadError."""
    tables: list[Table] = []
    at = 0
    while not tables or not _BLANK.match(text, at):
        building = _Builder(text, source)
        want = "value"
        while want != "end":
            match = _TOKEN.match(text, at)
            if match is None:
                raise _refused(text, at, want)
            want = _take(building, match, want)
            at = match.end()
        tables.append(building.table)
    return tables


def _take(building: _Builder, match: re.Match[str], want: str) -> str:
    """Use one token where `want` allows it; gives what may come next."""
    mark, start, end = match["mark"], match.start(match.lastgroup or 0), match.end()
    if want.startswith("key") and match["string"]:
        building.key = (_string(match["string"], start), start, end)
        return "colon"
    if want == "colon" and mark == ":":
        return "value"
    if want == "comma" and mark == ",":
        return "key" if building.in_map else "value"
    if mark and mark in "}]" and (want == "comma" or want.endswith("or end")) and mark == building.closer:
        building.close(end)
        return "comma" if building.stack else "end"
    if want.startswith("value") and mark and mark in "{[":
        building.open({} if mark == "{" else [], start)
        return "key or end" if mark == "{" else "value or end"
    if want.startswith("value") and not mark:
        building.scalar(_string(match["string"], start) if match["string"] else resolve(match["bare"]), start, end)
        return "comma" if building.stack else "end"
    raise _refused(match.string, match.start(), want)


def _string(literal: str, start: int) -> str:
    if "\\" not in literal:
        return literal[1:-1]
    import json

    try:
        found = str(json.loads(literal))
    except json.JSONDecodeError as error:
        raise ReadError("yaml-syntax", f"not JSON: {error.msg}", start + error.pos) from None
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refused(text: str, at: int, want: str) -> ReadError:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return ReadError("yaml-syntax", f"not JSON: expected {want.replace('or end', 'or the end of the collection')}", at)
