"""Where the values of a document stand in its text, and how the document is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from meshlint.edit.emit import Style
from meshlint.model.node import Table

_LOOK = 500  # rows from which the style is taken


class Layout:
    """One document: the rows of its table as stretches of its text. All offsets count from the start of that."""

    def __init__(self, table: Table, text: str, base: int) -> None:
        """`base`: where the text begins in that of the table."""
        self.table = table
        self.text = text
        self._base = base
        self._returns = "\r" in text
        self.json = table.source.path.lower().endswith(".json") or self._json_root()

    def _json_root(self) -> bool:
        """Is the whole document one object in braces, with its keys in double quotes?"""
        if not self.text.startswith("{", self.start(0)):
            return False
        first = self._first()
        return first is not None and self.text.startswith('"', self.key_start(first))

    def _first(self) -> int | None:
        """The first row that stands right in the document's collection."""
        return 1 if len(self.table.parents) > 1 else None

    def start(self, row: int) -> int:
        return self.table.starts[row] - self._base

    def end(self, row: int) -> int:
        return self.table.ends[row] - self._base

    def key_start(self, row: int) -> int:
        """-1: it has no key."""
        at = self.table.key_starts[row]
        return at - self._base if at >= 0 else -1

    def key_end(self, row: int) -> int:
        return self.table.key_ends[row] - self._base

    def own(self, row: int) -> list[int]:
        """The rows that stand right in a collection, as they are written: merge keys and repeated keys included."""
        parents = self.table.parents
        out, at = [], row + 1
        while at < len(parents) and parents[at] >= row:
            if parents[at] == row:
                out.append(at)
            at += 1
        return out

    def begin(self, row: int) -> int:
        """Where an entry or item of a flow collection begins: its key, else its value."""
        return self.key_start(row) if self.key_start(row) >= 0 else self.start(row)

    def is_flow(self, row: int) -> bool:
        return isinstance(self.table.values[row], (dict, list)) and self.text[self.start(row)] in "{["

    def in_flow(self, row: int) -> bool:
        """Does it stand in a flow collection?"""
        above = self.table.parents[row]
        return above >= 0 and self.is_flow(above)

    def is_block(self, row: int) -> bool:
        """A mapping or list in block style; what an alias stands for is not."""
        value = self.table.values[row]
        return isinstance(value, (dict, list)) and self.text[self.start(row)] not in "{[*"

    def line_start(self, offset: int) -> int:
        if not self._returns:
            return self.text.rfind("\n", 0, offset) + 1
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, before its line break."""
        marks = "\n\r" if self._returns else "\n"
        ends = [at for at in (self.text.find(mark, offset) for mark in marks) if at >= 0]
        return min(ends, default=len(self.text))

    def next_line(self, offset: int) -> int:
        """Where the line after that of an offset begins."""
        end = self.line_end(offset)
        return end + 2 if self.text.startswith("\r\n", end) else min(end + 1, len(self.text))

    def column(self, offset: int) -> int:
        return offset - self.line_start(offset)

    def margin(self, offset: int) -> str:
        """The blanks that a line begins with."""
        start = self.line_start(offset)
        line = self.text[start : self.line_end(offset)]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def dash(self, row: int) -> int | None:
        """Where the dash of a block list's item stands."""
        above = self.table.parents[row]
        items = self.own(above)
        if row == items[0]:
            return self.start(above) if self.text.startswith("-", self.start(above)) else None
        column = self.column(self.start(above))
        at = self.next_line(self.end(items[items.index(row) - 1]))
        while at < len(self.text):
            line = self.text[at : self.line_end(at)]
            if line[column : column + 1] == "-" and not line[:column].strip():
                return at + column
            at = self.next_line(at)
        return None

    def comments_above(self, offset: int) -> int:
        """Where the comment lines begin that stand right above a line, in the column of the offset."""
        at, column = self.line_start(offset), self.column(offset)
        while at > 0:
            above = self.line_start(at - (2 if self.text.startswith("\r\n", at - 2) else 1))
            line = self.text[above:at]
            if not (line.startswith("#", column) and not line[:column].strip()):
                break
            at = above
        return at

    def comments_below(self, offset: int, column: int) -> int:
        """The end of the comment lines that follow a line and are indented deeper than the column; of the line without any."""
        end = self.line_end(offset)
        at = self.next_line(offset)
        while at < len(self.text):
            line = self.text[at : self.line_end(at)]
            body = line.lstrip(" ")
            if not body.startswith("#") or len(line) - len(body) <= column:
                break
            end, at = self.line_end(at), self.next_line(at)
        return end

    def style(self) -> Style:
        """How the document is written, taken from what it has most of."""
        steps, dashes, gaps = list[int](), list[int](), list[int]()
        for row, value in enumerate(self.table.values[:_LOOK]):
            if self.table.key_starts[row] < 0:
                gaps += self._gap(row)
            elif isinstance(value, dict):
                steps += self._step(row, 1)
            elif isinstance(value, list):
                dashes += self._step(row, 0)
        marks = [self.text[at : at + 1] for at in (start - self._base for start in self.table.starts[:_LOOK])]
        newline = "\r\n" if "\r\n" in self.text else "\n" if "\n" in self.text or "\r" not in self.text else "\r"
        quote = "'" if marks.count("'") > marks.count('"') else '"'
        step = _most(steps, 2)
        return Style(step, _most(dashes, 0), _most(gaps, 2), quote, newline, self.json, self._unit(), self.json and self._tight())

    def _step(self, row: int, least: int) -> Sequence[int]:
        """Of a block collection below a key, the columns from the key to the first entry."""
        if not self.is_block(row) or self.in_flow(row):
            return ()
        columns = self.column(self.start(row)) - self.column(self.key_start(row))
        return (columns,) if columns >= least else ()

    def _gap(self, row: int) -> Sequence[int]:
        """Of an item, the columns from its dash to its value."""
        above = self.table.parents[row]
        if above >= 0 and self.start(row) < self.end(row) and self.is_block(above):
            before = self.text[self.line_start(self.start(row)) : self.start(row)]
            if before.strip() == "-":
                return (len(before) - before.index("-"),)
        return ()

    def _tight(self) -> bool:
        """Is JSON written without blanks?"""
        text = self.text[self.start(0) : self.end(0)]
        return '": ' not in text and '":' in text

    def _unit(self) -> str:
        """The margin of a JSON object's first key, as far as it goes beyond the object's own."""
        first = self._first()
        margin = "" if first is None else self.margin(self.begin(first))
        return margin or "  "


def _most(found: Sequence[int], default: int) -> int:
    counts = Counter(found)
    return max(counts, key=lambda key: (counts[key], -key)) if counts else default
