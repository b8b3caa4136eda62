"""Places in a text: from zero, counted in code points, one meaning everywhere."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

_LINE_BREAK = re.compile(r"\r\n|\n|\r")


class Position(NamedTuple):
    """A point in a text; `line`, `column` and `offset` count from zero, in code points."""

    line: int
    column: int
    offset: int


class Span(NamedTuple):
    """A stretch of text; `end` is the first position behind it."""

    start: Position
    end: Position


class Source:
    """One file: its path (relative to the root, posix) and its text without a byte order mark."""

    __slots__ = ("_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts: list[int] | None = None

    @property
    def line_starts(self) -> list[int]:
        """Offset of each line's first character."""
        if self._starts is None:
            self._starts = _line_starts(self.text)
        return self._starts

    def position(self, offset: int) -> Position:
        """The place of an offset; an offset behind the text is its end."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.line_starts, offset) - 1
        return Position(line, offset - self.line_starts[line], offset)

    def span(self, start: int, end: int) -> Span:
        return Span(self.position(start), self.position(end))

    def line(self, number: int) -> str:
        """The text of a line (from zero), without its line break."""
        starts = self.line_starts
        if not 0 <= number < len(starts):
            return ""
        end = starts[number + 1] if number + 1 < len(starts) else len(self.text)
        return self.text[starts[number] : end].rstrip("\r\n")

    def holds(self, word: str) -> bool:
        """Does the text hold the word?"""
        return word in self.text

    def __repr__(self) -> str:
        return f"Source({self.path!r})"


def _line_starts(text: str) -> list[int]:
    if "\r" in text:
        return [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts[:-1]
