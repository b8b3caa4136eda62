"""The source lines of a finding, underlined exactly, whatever tabs, wide or invisible characters they hold."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.position import Source
from meshlint.model.problem import Location
from meshlint.report.paint import Paint
from meshlint.report.visible import visible

_TAB = 4
_LONGEST = 160  # code points of a line shown whole; of a longer one, a window around the place
_BEFORE, _WINDOW = 50, 120
_MARKED_LINES = 4


def layout(line: str) -> tuple[str, list[int]]:
    """A line as shown, and the terminal column (from 0) at which each code point starts, with one entry for the end."""
    parts: list[str] = []
    starts = [0]
    at = 0
    for char in line:
        text = " " * (_TAB - at % _TAB) if char == "\t" else visible(char)
        parts.append(text)
        at += width(text)
        starts.append(at)
    return "".join(parts), starts


def shown(line: str) -> str:
    """A line as shown."""
    return line if line.isprintable() else layout(line)[0]


def width(text: str) -> int:
    """Columns that visible text takes on a terminal: wide East Asian characters and emoji take 2, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    total = 0
    for char in text:
        if category(char) not in ("Mn", "Me", "Cf"):
            total += 2 if east_asian_width(char) in "WF" else 1
    return total


class _Window:
    """Which code points of the lines are shown: all, unless the marked line is very long."""

    def __init__(self, line: str, column: int) -> None:
        cut = len(line) > _LONGEST
        self.first = max(0, min(column, len(line)) - _BEFORE) if cut else 0
        self.last = self.first + (_WINDOW if cut else _LONGEST)

    def crop(self, line: str) -> tuple[str, int]:
        """The part shown, and how many code points it was moved to the left."""
        left, right = "\u2026" if self.first else "", "\u2026" if len(line) > self.last else ""
        return left + line[self.first : self.last] + right, self.first - len(left)


def _marked(location: Location, number: int, line: str) -> tuple[int, int]:
    """First and last (exclusive) code point to underline in a line; both count from 0."""
    begin = location.column - 1 if number == location.line - 1 else len(line) - len(line.lstrip())
    end = location.end_column - 1 if number == location.end_line - 1 else len(line)
    begin = max(0, min(begin, len(line)))
    return begin, min(max(end, begin), len(line))


def _underline(shown_line: str, moved: int, span: tuple[int, int]) -> str:
    begin, end = (min(max(edge - moved, 0), len(shown_line)) for edge in span)
    if not (shown_line.isascii() and shown_line.isprintable()):
        _, starts = layout(shown_line)
        begin, end = starts[begin], starts[end]
    return " " * begin + "^" * max(1, end - begin)


def snippet(source: Source, location: Location, paint: Paint, style: str, *, context: int = 1, gutter: int | None = None) -> Iterator[str]:
    """Lines `12 | text` with a line of carets under each marked one; `gutter` is the width of the line numbers."""
    first, end = location.line - 1, location.end_line - 1
    if location.end_column <= 1 and end > first:  # ends behind a line break: that line is not marked
        end -= 1
        location = location._replace(end_line=end + 1, end_column=len(source.line(end)) + 1)
    last = min(end, first + _MARKED_LINES - 1)
    stop = min((end if last == end else last) + context, len(source.line_starts) - 1)
    size = gutter or len(str(stop + 1))
    window = _Window(source.line(first), location.column - 1)
    for number in range(max(0, first - context), stop + 1):
        line = source.line(number)
        part, moved = window.crop(line)
        if number > last and last < end:
            yield paint("gutter", f"{'...':>{size}} |") + paint("dim", f" to line {end + 1}")
            return
        if not line.strip() and not first <= number <= last:
            continue
        yield f"{paint('gutter', f'{number + 1:>{size}} |')} {shown(part)}".rstrip()
        if first <= number <= last and (line.strip() or first == end):
            marks = _underline(part, moved, _marked(location, number, line))
            yield f"{paint('gutter', ' ' * size + ' |')} {paint(style, marks)}"
