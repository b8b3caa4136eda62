"""Templates of charts read line by line: which line writes which key, below which conditions and loops.

A template is no YAML. But whoever writes one indents it as the YAML that comes out, so the indentation of lines that are not
control structures tells where a line belongs, whichever branch it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple

_ACTION = re.compile(r"\{\{-?(?:\s*/\*.*?\*/\s*|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^`\"])*?)-?\}\}", re.DOTALL)
_CONTROL = re.compile(r"^(if|range|with|define|block|else|end)\b\s*(.*)$", re.DOTALL)
_ASSIGNED = re.compile(r"^(\$\w+)\s*:?=\s*(.*)$", re.DOTALL)
_INSIDE = r"\{\{(?:[^}]|\}(?!\}))*\}\}"  # each text is one in one way only: what backtracks takes ages
_KEY = re.compile(
    r"(\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'|"
    rf"(?:{_INSIDE}|[^\s:#\"'{{\[&*!|>-]|[:#-](?=\S))(?:{_INSIDE}|(?!\{{\{{)[^\s:#]|\s+(?=[^\s:]|:\S)|:(?=\S)|(?<=\S)#)*?)\s*:(?=\s|$)"
)
_INDENT = re.compile(r"\bn?indent\s+(\d+)")
_BLOCK = re.compile(r"^[|>][+-]?\d*[+-]?\s*(?:#.*)?$")
_MOST_LINES = 50_000
_NUMBERS = count()


class Scope(NamedTuple):
    """What changes the meaning of names from a line on: `range`, `with`, or `set` (a variable), with the expression; `at` tells
    one from another."""

    kind: str
    expression: str
    at: int
    variable: str = ""


class Line(NamedTuple):
    """One line that gives YAML. `indent`: its column, of `- key: x` that of the key; `items`: the columns of dashes before it.
    `key` is None for an item that is a scalar, and for what fills in more lines (`fill`). `value` is the text behind it, from
    `start` to `end`; of a text in lines (`|`) `block` is where the lines end."""

    indent: int
    items: tuple[int, ...]
    key: str | None
    key_start: int
    key_end: int
    start: int
    end: int
    value: str
    fill: bool
    scopes: tuple[Scope, ...]
    block: int = 0


class Piece(NamedTuple):
    """What stands between two `---`."""

    start: int
    end: int
    lines: tuple[Line, ...]


class Template:
    """A file of a chart: its pieces, and the bodies of what it defines."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.pieces: list[Piece] = []
        self.defines: dict[str, tuple[Line, ...]] = {}
        _Reader(self).read()


class _Reader:
    def __init__(self, template: Template) -> None:
        self._template = template
        self._text = template.source.text
        self._lines: list[Line] = []
        self._stack: list[list[Scope]] = [[]]
        self._open: list[tuple[str, str]] = []  # what `end` closes: the word, and the name of a define
        self._outer: list[list[Line]] = []
        self._block: int | None = None
        self._starts = 0
        self._closed = self._text.rfind("}}")

    def read(self) -> None:
        text, at = self._text, 0
        for _ in range(_MOST_LINES):
            if at >= len(text):
                break
            end = self._line_end(at)
            self._line(at, end)
            at = end + 1
        self._piece(len(text))

    def _line_end(self, at: int) -> int:
        """The end of a line; an action that goes on over several is one."""
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        position = at
        while 0 <= (found := self._text.find("{{", position, end)) < self._closed:
            match = _ACTION.match(self._text, found)
            if match is None:
                return end
            position = match.end()
            if position > end:
                end = self._text.find("\n", position)
                end = len(self._text) if end < 0 else end
        return end

    def _piece(self, end: int) -> None:
        self._template.pieces.append(Piece(self._starts, end, tuple(self._lines)))
        self._lines = []
        self._block = None
        self._starts = end

    def _line(self, start: int, end: int) -> None:
        text = self._text[start:end]
        if text.startswith("---") and not self._outer:
            self._piece(start)
            text = text[3:]
            start += 3
        left = self._printed(text, start)
        if left.strip() and (self._block is not None or not left.lstrip().startswith("#")):
            self._add(left, start)

    def _printed(self, text: str, start: int) -> str:
        """A line with blanks in the place of what controls; the body of a define that ends on the line is a line of it."""
        left, at, opened = "", 0, 0
        for match in _ACTION.finditer(text) if "}}" in text else ():
            left += text[at : match.start()]
            depth = len(self._outer)
            shown = self._control(match, left[opened:], start + opened)
            if len(self._outer) > depth:
                opened = len(left) + len(shown)
            elif len(self._outer) < depth:
                left = left[:opened] + " " * (len(left) - opened)
            left += shown
            at = match.end()
        return left + text[at:]

    def _control(self, match: re.Match[str], before: str, start: int) -> str:
        """Take note of what an action controls; blanks in its place. What prints stays. `before`: what its line printed."""
        inside = match[0][2:-2].strip("-").strip()
        if inside.startswith("/*") or not inside:
            return " " * len(match[0])
        control, assigned = _CONTROL.match(inside), _ASSIGNED.match(inside)
        if assigned is not None:
            self._stack[-1].append(Scope("set", assigned[2], next(_NUMBERS), assigned[1]))
        elif control is not None:
            if control[1] == "end" and self._open and self._open[-1][0] == "define" and before.strip():
                self._add(before, start)
            self._enter(control[1], control[2])
        else:
            return match[0]
        return " " * len(match[0])

    def _enter(self, word: str, rest: str) -> None:
        if word == "end":
            if self._open:
                self._close(*self._open.pop())
            return
        if word == "else":
            if self._open and self._stack[-1:] and len(self._stack) > 1:
                self._stack[-1] = []
            if rest.startswith("with"):
                self._stack[-1].append(Scope("with", rest[4:].strip(), next(_NUMBERS)))
            return
        name = rest.split()[0].strip("\"`") if word in ("define", "block") and rest else ""
        self._open.append((word, name))
        self._stack.append([])
        if word in ("range", "with"):
            variables, sign, expression = rest.partition(":=")
            scope = Scope(word, expression.strip() if sign else rest, next(_NUMBERS), variables.strip() if sign else "")
            self._stack[-1].append(scope)
        elif word == "define":
            self._outer.append(self._lines)
            self._lines = []
            self._block = None

    def _close(self, word: str, name: str) -> None:
        if len(self._stack) > 1:
            self._stack.pop()
        if word == "define" and self._outer:
            self._template.defines[name] = tuple(self._lines)
            self._lines = self._outer.pop()
            self._block = None

    def _add(self, text: str, start: int) -> None:
        indent = len(text) - len(text.lstrip())
        if self._block is not None:
            if indent > self._block:
                self._lines[-1] = self._lines[-1]._replace(block=start + len(text.rstrip()))
                return
            self._block = None
        items, at = [], indent
        while text[at : at + 1] == "-" and text[at + 1 : at + 2] in ("", " "):
            items.append(at)
            at += 1
            at += len(text[at:]) - len(text[at:].lstrip())
        for line in self._read(text, at, tuple(items), start):
            self._lines.append(line)

    def _read(self, text: str, at: int, items: tuple[int, ...], start: int) -> Iterator[Line]:
        body = text[at:].rstrip()
        scopes = tuple(scope for scopes in self._stack for scope in scopes)
        key = _KEY.match(body)
        if key is None:
            fill = not items and body.startswith("{{")
            found = _INDENT.search(body) if fill else None
            column = int(found[1]) if found else at
            yield Line(column, items, None, start + at, start + at, start + at, start + at + len(body), body, fill, scopes)
            return
        value = body[key.end() :]
        offset = at + key.end() + len(value) - len(value.lstrip())
        value = _uncommented(value.strip())
        if _BLOCK.match(value):
            self._block = items[-1] if items else at
        name = key[1].strip("\"'") if key[1][:1] in "\"'" else key[1].rstrip()
        yield Line(at, items, name, start + at, start + at + len(key[1]), start + offset, start + offset + len(value), value, False, scopes)


def _uncommented(value: str) -> str:
    """Without the comment at the end; in quotes and actions a hash is none."""
    if "#" not in value or value[:1] in "\"'":
        return value
    hidden = _ACTION.sub(lambda match: "x" * len(match[0]), value)
    found = re.search(r"(?:^|\s)#", hidden)
    return value[: found.start()].rstrip() if found else value


def actions(text: str) -> Iterator[tuple[int, int, str]]:
    """The actions of a text: start, end and what is inside."""
    for match in _ACTION.finditer(text):
        yield match.start(), match.end(), match[0][2:-2].strip("-").strip()
