"""YAML as people write it, line by line: several times as fast as the parser, and only where nothing is in doubt.

What it knows: mappings and lists in blocks; one-line scalars, plain or quoted; literal and simple folded block scalars;
brackets on one line (brackets.py); comments; documents between `---`. Any other line, and any indentation that
is not obvious, makes it give up on the whole text, which the parser then reads (events.py): it never says what is broken.
`tests/unit/read/test_read_lines.py` holds the two to the same tables.

Most lines of a repository come again and again: what a line says is worked out once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any, Final

from meshlint.model.node import Value
from meshlint.model.tuples import NamedTuple
from meshlint.read import scalars
from meshlint.read.brackets import bracketed, placed
from meshlint.read.words import known, said_by

_SCALAR, _NOTHING, _BLOCK, _FLOW, _BLANK, _SEPARATOR, _UNSURE = range(7)

_TAIL: Final = r"(?: +#(?!@).*| *)"  # ytt comments give the value
_WORD: Final = r"[A-Za-z0-9_][A-Za-z0-9_./-]*"
_TEXT: Final = r"\"[^\"\\\t]*\"|'[^'\t]*'"
_LINE: Final = re.compile(rf"( *)(- +)?(?:({_WORD}|{_TEXT}):(?: +|\Z))?").match
_PLAIN: Final = re.compile(
    rf"((?:[A-Za-z0-9_./($^~+;<\\]|-(?=[^ \t]))[^ \t:#]*(?:(?: +(?=[^ \t#])|:(?=[^ \t])|#)[^ \t:#]*)*){_TAIL}"
).fullmatch
_QUOTED: Final = re.compile(rf"(\"(?:[^\"\\\t]|\\[\"\\nt])*\"|'(?:[^'\t]|'')*'){_TAIL}").fullmatch
_HEADER: Final = re.compile(rf"([|>]-?){_TAIL}").fullmatch
_REST: Final = re.compile(_TAIL).fullmatch
_KINDS: Final = {'"': (_SCALAR, _QUOTED), "'": (_SCALAR, _QUOTED), "|": (_BLOCK, _HEADER), ">": (_BLOCK, _HEADER)}

_INDENT: Final = re.compile(r" *(?=[^ \t\n])").match
_BLANK_LINE: Final = re.compile(r"[ \t]+(?:\n|\Z)").match
_USUAL: Final = bytes([9, 10, *range(32, 127)])
_LONGEST_KEY: Final = 500
_MEMO_SIZE: Final = 30_000
_forms: dict[str, Form] = {}
_ends: dict[int, Callable[[str, int], re.Match[str] | None]] = {}


def forget() -> None:
    """Let go of what lines say."""
    _forms.clear()


class Form(NamedTuple):
    """What a line says: the column of its first word and of what follows a dash (-1: there is none), the key with its columns
    (None: there is none), what its value is, and the value with its columns; in brackets, the rows."""

    column: int
    inside: int
    key: str | None
    key_start: int
    key_end: int
    kind: int
    value: Any = None
    start: int = -1
    end: int = -1


_NO_WORDS: Final = Form(-1, -1, None, -1, -1, _BLANK)


def rows_of(text: str) -> list[list[Any]] | None:  # noqa: C901 - one loop over all lines: calls would double its time
    """The rows of each document (see rows.py); None where the parser has to say what the text is."""
    if text[:1] in ("{", "[") or _odd(text):
        return None
    if len(_forms) > _MEMO_SIZE:
        _forms.clear()
    forms = _forms
    documents: list[list[Any]] = []
    rows: list[Any] = []
    stack: list[Any] = []  # what the row of each open collection needs, and its column
    box: Any = None
    here = indent = key_start = key_end = -1
    waiting: str | None = None  # a key whose value has not come yet
    marked = False
    at = last = behind = 0
    for line in text.split("\n"):
        begin = at
        at += len(line) + 1
        if begin < behind:
            continue
        form = forms.get(line)
        if form is None:
            form = forms[line] = _form(line)
        column, inside, key, start, end, kind, value, value_start, value_end = form
        if kind >= _BLANK:
            if kind == _BLANK:
                continue
            if kind == _UNSURE:
                return None
            if rows or marked:
                documents.append(_closed(rows, stack, box, here, waiting, key_start, key_end, last) if rows else _nothing(begin))
            rows, stack, waiting, marked = [], [], None, True
            here = indent = key_start = key_end = -1
            continue
        if waiting is not None:
            row = len(rows)
            box[waiting] = row
            if column > indent or (inside >= 0 and column == indent):
                rows.append(None)
                box = [] if inside >= 0 else {}
                stack.append((box, row, begin + column, key_start, key_end, here, waiting, column))
                here, indent = row, column
            else:
                last = key_end + 1
                rows.append((None, last, last, key_start, key_end, here, waiting))
            waiting = None
        elif not rows:
            rows.append(None)
            box = [] if inside >= 0 else {}
            stack.append((box, 0, begin + column, -1, -1, -1, "", column))
            here, indent = 0, column
            if column:
                return None
        while column < indent or (column == indent and inside < 0 and type(box) is list):
            box, row, opened, key_start, key_end, parent, step, _ = stack.pop()
            rows[row] = (box, opened, last, key_start, key_end, parent, step)
            if not stack:
                return None
            box, here, _, _, _, _, _, indent = stack[-1]
        row = len(rows)
        key_start = key_end = -1
        if column != indent:
            return None
        if inside >= 0:
            if type(box) is not list:
                return None
            step = len(box)
            box.append(row)
            if key is not None:
                rows.append(None)
                box = {}
                stack.append((box, row, begin + inside, -1, -1, here, step, inside))
                here, indent = row, inside
                row += 1
        if key is not None:
            step, key_start, key_end = key, begin + start, begin + end
            if kind == _NOTHING:
                waiting = key
                continue
            box[key] = row
        if kind == _SCALAR:
            last = begin + value_end
        elif kind == _BLOCK:
            found = _block(text, value, begin + value_start, at, indent)
            if found is None:
                return None
            value, last, behind = found
        else:
            last = begin + value_end
            rows += placed(value, begin, (row, begin + value_start, last, key_start, key_end, here, step))
            continue
        rows.append((value, begin + value_start, last, key_start, key_end, here, step))
    if rows or marked:
        documents.append(_closed(rows, stack, box, here, waiting, key_start, key_end, last) if rows else _nothing(len(text)))
    return documents


def _nothing(at: int) -> list[Any]:
    """The row of a document that is empty and ends here."""
    return [(None, at, at, -1, -1, -1, "")]


def _closed(
    rows: list[Any], stack: list[Any], box: Any, here: int, waiting: str | None, key_start: int, key_end: int, last: int
) -> list[Any]:
    """The rows at the end of a document, where everything ends that is open."""
    if waiting is not None:
        box[waiting] = len(rows)
        last = key_end + 1
        rows.append((None, last, last, key_start, key_end, here, waiting))
    for value, row, start, key_start, key_end, parent, step, _ in stack:
        rows[row] = (value, start, last, key_start, key_end, parent, step)
    return rows


def _form(line: str) -> Form:
    """What a line says that stands outside of block scalars."""
    rest = line.strip(" ")
    if not rest or rest[0] == "#":
        return _NO_WORDS
    if rest == "---" and line[0] == "-":
        return _NO_WORDS._replace(kind=_SEPARATOR)
    match = _LINE(line)
    if match is None or not match.lastindex or match.lastindex < 2:
        return _NO_WORDS._replace(kind=_UNSURE)
    spaces, dash, said = match.groups()
    column, at = len(spaces), match.end()
    inside = column + len(dash) if dash else -1
    kind, value, end = _bracketed(line, at) if line[at : at + 1] in ("{", "[") else _value(line[at:])
    if kind == _UNSURE or (said is None and kind == _NOTHING) or match.end(3) - match.start(3) > _LONGEST_KEY:
        return _NO_WORDS._replace(kind=_UNSURE)
    key = None if said is None else sys.intern(said[1:-1] if said[0] in "\"'" else scalars.key_text(said))
    return Form(column, inside, key, match.start(3), match.end(3), kind, value, at, at + end)


def _bracketed(line: str, at: int) -> tuple[int, Any, int]:
    """What stands in brackets in column `at`: what it is, its rows, and how long it is."""
    found = bracketed(line, at)
    if found is None or not _REST(line, found[1]):
        return _UNSURE, None, 0
    return _FLOW, found[0], found[1] - at


def _value(text: str) -> tuple[int, Any, int]:
    """What stands behind a key or a dash: what it is, its value, and how long it is."""
    first = text[:1]
    if not first or (first == "#" and text[:2] != "#@"):
        return _NOTHING, None, 0
    kind, wanted = _KINDS.get(first, (_SCALAR, _PLAIN))
    match = wanted(text)
    if match is None:
        return _UNSURE, None, 0
    said: str = match[1]
    return kind, said_by(said) if kind == _SCALAR else said, match.end(1)


def _block(text: str, header: str, start: int, begin: int, indent: int) -> tuple[Value, int, int] | None:
    """The value of a block scalar whose lines begin at `begin`, where it ends, and where the next line begins."""
    match = _INDENT(text, begin)
    depth = match.end() - begin if match is not None else 0
    if depth <= indent:
        return None
    found = _end_of(depth)(text, begin)
    if found is None or _BLANK_LINE(text, behind := found.start() + 1):
        return None
    said = text[begin + depth : behind].replace("\n" + " " * depth, "\n").rstrip("\n")
    if header[0] == ">":
        if "\n\n" in said or "\n " in said or "\n\t" in said:
            return None
        said = said.replace("\n", " ")
    last = start + len(text[start:behind].rstrip())
    return known(said) if header[1:] else f"{said}\n", last, behind


def _end_of(depth: int) -> Callable[[str, int], re.Match[str] | None]:
    """A search for the end of the last line of a block that is indented so far."""
    if depth not in _ends:
        _ends[depth] = re.compile(rf"\n(?! {{{depth}}}|\n)").search
    return _ends[depth]


def _odd(text: str) -> bool:
    """Does it hold characters that the parser refuses, or takes for the end of a line?"""
    if text.isascii():
        return bool(text.encode().translate(None, _USUAL))
    return not text.replace("\n", "").replace("\t", "").isprintable()
