"""Places in a text: from zero, counted in code points, one meaning everywhere."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

from meshlint.model.tuples import NamedTuple

_NOTHING: Mapping[str, bool] = {}
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
    """One file: its path (relative to the root, posix) and its text without a byte order mark, which may be read again when
    it is next looked at."""

    __slots__ = ("_read", "_starts", "_text", "held", "path")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._text: str | None = text
        self._starts: Sequence[int] | None = None
        self._read: Callable[[], str] = str
        self.held: Mapping[str, bool] = _NOTHING  # whether it holds some words, where that is known

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = self._read()
        return self._text

    def glance(self) -> str:
        """The text for one look: where it has to be read, it is not kept."""
        return self._read() if self._text is None else self._text

    def let_go(self, read: Callable[[], str], held: Mapping[str, bool]) -> None:
        """Keep whether the text holds some words, instead of the text, which `read` gives again."""
        self._text, self._read, self.held, self._starts = None, read, held, None

    @property
    def line_starts(self) -> Sequence[int]:
        """Offset of each line's first character."""
        if self._starts is None:
            self._starts = _line_starts(self.text)
        return self._starts

    def position(self, offset: int) -> Position:
        """The place of an offset; an offset behind the text is its end."""
        offset = min(max(offset, 0), len(self.text))
        starts = self.line_starts
        line = bisect_right(starts, offset) - 1
        return Position(line, offset - starts[line], offset)

    def region(self, start: int, end: int) -> tuple[int, int, int, int]:
        """Line and column of a stretch's start and of its end, from 1."""
        if start < 0 or end < start or end > len(self.text):
            (line, column, _), (end_line, end_column, _) = self.span(start, end)
            return line + 1, column + 1, end_line + 1, end_column + 1
        starts = self.line_starts
        first = bisect_right(starts, start)
        begin = starts[first - 1]
        if first == len(starts) or end < starts[first]:
            return first, start - begin + 1, first, end - begin + 1
        last = bisect_right(starts, end)
        return first, start - begin + 1, last, end - starts[last - 1] + 1

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
        known = self.held.get(word)
        return word in self.text if known is None else known

    def __repr__(self) -> str:
        return f"Source({self.path!r})"


def _line_starts(text: str) -> Sequence[int]:
    """An array: large repositories have millions of lines."""
    if "\r" in text:
        return array("i", (0, *(match.end() for match in _LINE_BREAK.finditer(text))))
    starts = array("i", accumulate(map((1).__add__, map(len, text.split("\n"))), initial=0))
    starts.pop()
    return starts
