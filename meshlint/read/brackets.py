"""Collections in brackets that stand on one line, of plain names and quoted texts; part of lines.py."""

from __future__ import annotations

import re
import sys
from typing import Any, Final

from meshlint.model.node import Step
from meshlint.read import scalars
from meshlint.read.words import said_by

_ITEM: Final = re.compile(r"\"[^\"\\\t]*\"|'[^'\t]*'|[A-Za-z0-9_./][A-Za-z0-9_./*-]*").match
_KEY: Final = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_./-]{0,499}): +").match
_BLANKS: Final = re.compile(" *").match
_CLOSES: Final = {"{": "}", "[": "]"}
_DEEPEST: Final = 20

Row = tuple[Any, int, int, int, int, int, Step]
"""A value with its columns, those of its key, the number of the row that it is in, and its key or index."""


def bracketed(line: str, at: int) -> tuple[list[Row], int] | None:
    """The rows of the collection that begins in a column, numbered from zero, and the column behind it; None where it is not
    certain what it is."""
    rows: list[Any] = []
    end = _collection(line, at, rows, (-1, -1, -1, ""), 0)
    return None if end < 0 else (rows, end)


def placed(rows: list[Row], begin: int, about: tuple[Any, ...]) -> list[Row]:
    """These rows in a text where their line begins. `about`: the number of the first of them, and that row without its value."""
    row, *place = about
    out: list[Any] = [(_moved(rows[0][0], row), *place)]
    for value, start, end, key_start, key_end, parent, step in rows[1:]:
        key = (begin + key_start, begin + key_end) if key_start >= 0 else (-1, -1)
        out.append((_moved(value, row), begin + start, begin + end, *key, row + parent, step))
    return out


def _moved(value: Any, by: int) -> Any:
    if type(value) is list:
        return [by + row for row in value]
    return {key: by + row for key, row in value.items()} if type(value) is dict else value


def _collection(line: str, at: int, rows: list[Any], about: tuple[int, int, int, Step], depth: int) -> int:
    """Add the rows of a collection; the column behind it, -1 where it is not certain. `about`: what its row says of its key."""
    key_start, key_end, parent, step = about
    closes, row = _CLOSES[line[at]], len(rows)
    box: Any = {} if closes == "}" else []
    rows.append(None)
    end = _past_blanks(line, at + 1)
    if line[end : end + 1] != closes:
        end = _entries(line, end, rows, box, row, closes, depth) if depth < _DEEPEST else -1
    if end < 0:
        return -1
    rows[row] = (box, at, end + 1, key_start, key_end, parent, step)
    return end + 1


def _entries(line: str, at: int, rows: list[Any], box: Any, row: int, closes: str, depth: int) -> int:
    """Add the rows of what is in a collection; the column of its end."""
    while True:
        about: tuple[int, int, int, Step] = (-1, -1, row, len(box))
        if closes == "}":
            key = _KEY(line, at)
            if key is None:
                return -1
            name = sys.intern(scalars.key_text(key[1]))
            about, at = (key.start(1), key.end(1), row, name), key.end()
            box[name] = len(rows)
        else:
            box.append(len(rows))
        at = _entry(line, at, rows, about, depth)
        if at < 0:
            return -1
        at = _past_blanks(line, at)
        if line[at : at + 1] == closes:
            return at
        if line[at : at + 1] != ",":
            return -1
        at = _past_blanks(line, at + 1)


def _entry(line: str, at: int, rows: list[Any], about: tuple[int, int, int, Step], depth: int) -> int:
    """Add the rows of one value; the column behind it."""
    if line[at : at + 1] in ("{", "["):
        return _collection(line, at, rows, about, depth + 1)
    item = _ITEM(line, at)
    if item is None:
        return -1
    key_start, key_end, parent, step = about
    rows.append((said_by(item[0]), at, item.end(), key_start, key_end, parent, step))
    return item.end()


def _past_blanks(line: str, at: int) -> int:
    found = _BLANKS(line, at)
    return found.end() if found is not None else at
