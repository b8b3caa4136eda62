"""One operation on one document, as changes to its text. Whether the document then says what was asked for, and nothing
else has changed, is checked by who calls this (document.py): places that are told apart wrongly end there."""

from __future__ import annotations

from meshlint.edit.emit import Plain, Style, entry, inline, is_block, is_plain_in_block, item, lines_of, quoted, scalar, spread
from meshlint.edit.layout import Layout
from meshlint.edit.pieces import Cut
from meshlint.edit.strings import changed
from meshlint.model.tuples import NamedTuple


class RefusedError(Exception):
    """An operation that cannot be done here: why, in words that follow "because"."""


class Writing(NamedTuple):
    """A document and how new text of it is written."""

    at: Layout
    style: Style

    def set(self, row: int, value: Plain) -> list[Cut]:
        """Another value in the place of one."""
        at = self.at
        if at.table.parents[row] < 0:
            raise RefusedError("it is the whole document")
        if at.in_flow(row) or at.json:
            return [(at.start(row), at.end(row), self._flow(row, value))]
        if at.key_start(row) < 0:
            return self._set_item(row, value)
        if is_block(value):
            return self._set_lines(row, value)
        return self._set_inline(row, self._same_quotes(row, value))

    def change(self, row: int, old: str, new: str) -> list[Cut]:
        """Another text in the place of one, written anew only where they differ."""
        start, end = self.at.start(row), self.at.end(row)
        cuts = changed(self.at.text[start:end], start, old, new)
        if cuts is None:
            raise RefusedError("the text is written in a way that is not followed")
        return cuts

    def _same_quotes(self, row: int, value: Plain) -> str:
        """The text of a value of one line; a string keeps the quotes of the one that it replaces."""
        mark = self.at.text[self.at.start(row) : self.at.start(row) + 1]
        if isinstance(value, str):
            bare = isinstance(self.at.table.values[row], str) and not self.at.in_flow(row) and mark not in ("", *"'\"|>*&!")
            if bare and is_plain_in_block(value):
                return value
            return scalar(value, mark if mark in "'\"" and self.at.start(row) < self.at.end(row) else "", self.style.quote)
        return inline(value, self.style)

    def _flow(self, row: int, value: Plain) -> str:
        at = self.at
        above = at.table.parents[row]
        if at.json and is_block(value) and "\n" in at.text[at.start(above) : at.end(above)]:
            return spread(value, self.style, at.margin(at.begin(row)))
        return self._same_quotes(row, value) if not at.json and isinstance(value, str) else inline(value, self.style)

    def _set_item(self, row: int, value: Plain) -> list[Cut]:
        at = self.at
        start, end = at.start(row), at.end(row)
        if not is_block(value):
            text = self._same_quotes(row, value)
            return [(start, end, text if start < end else f" {text}")]
        lines, column = lines_of(value, self.style), at.column(start)
        if start == end:
            column = at.column(start) - 1
            first, *rest = item(value, self.style)
            first = first[1:]
        else:
            first, *rest = lines
            column -= self.style.gap if isinstance(value, str) else 0
        below = "".join(f"{self.style.newline}{' ' * max(column, 0)}{line}" if line else self.style.newline for line in rest)
        return [(start, end, first), (at.line_end(end), at.line_end(end), below)]

    def _joined(self, lines: list[str], column: int) -> str:
        """Lines of which the first stands where it is put, the others in a column."""
        return self.style.newline.join([lines[0], *(" " * max(column, 0) + line if line else line for line in lines[1:])])

    def _after_colon(self, row: int) -> int:
        colon = self.at.text.find(":", self.at.key_end(row))
        if colon < 0:
            raise RefusedError("its key is written in a way that cannot be changed")
        return colon + 1

    def _set_inline(self, row: int, text: str) -> list[Cut]:
        at, after = self.at, self._after_colon(row)
        start, end = at.start(row), at.end(row)
        if start == end:
            return [(after, after, f" {text}")]
        if at.line_end(after) >= start and not at.is_block(row):
            return [(start, end, text)]
        return [(after, after, f" {text}"), (at.line_end(after), at.line_end(end), "")]

    def _set_lines(self, row: int, value: Plain) -> list[Cut]:
        at, after = self.at, self._after_colon(row)
        start, end = at.start(row), at.end(row)
        margin, newline = " " * at.column(at.key_start(row)), self.style.newline
        _, *below = entry("x", value, self.style)
        lines = "".join(f"{newline}{margin}{line}" if line else newline for line in below)
        sign = f" {lines_of(value, self.style)[0]}" if isinstance(value, str) else ""
        if start == end:
            return [(after, after, sign), (at.line_end(after), at.line_end(after), lines)]
        if at.line_end(after) >= start and not at.is_block(row):
            return [(after, end, sign), (at.line_end(end), at.line_end(end), lines)]
        return [(after, after, sign), (at.line_end(after), at.line_end(end), lines)]

    def add_entry(self, row: int, key: str, value: Plain, before: int | None = None) -> list[Cut]:
        """A new key of a mapping, behind its last one or before that of a row."""
        at = self.at
        if at.is_flow(row):
            return self._add_flow(row, f"{self._flow_key(row, key)}{self._colon(row)}{self._flow_value(row, value)}", before)
        own = at.own(row)
        if not own or not at.is_block(row):
            raise RefusedError("what is there is an alias")
        column = at.column(at.key_start(own[0]))
        lines = entry(key, value, self.style)
        if before is not None:
            place = at.key_start(before)
            return [(place, place, self._joined([*lines, ""], column) + " " * column)]
        return [self._behind(at.end(row), column, lines)]

    def _behind(self, end: int, column: int, lines: list[str]) -> Cut:
        place = self.at.line_end(end)
        return place, place, "".join(f"{self.style.newline}{' ' * column}{line}" if line else self.style.newline for line in lines)

    def add_item(self, row: int, value: Plain) -> list[Cut]:
        """A new item at the end of a list."""
        at = self.at
        if at.is_flow(row):
            return self._add_flow(row, self._flow_value(row, value), None)
        items = at.own(row)
        if not items or not at.is_block(row):
            raise RefusedError("what is there is an alias")
        return [self._behind(at.end(row), at.column(at.start(row)), item(value, self.style))]

    def _flow_key(self, row: int, key: str) -> str:
        own = self.at.own(row)
        mark = self.at.text[self.at.key_start(own[-1])] if own else ""
        if self.at.json or mark == '"':
            return quoted(key, '"') if not self.at.json else inline(key, self.style)
        return scalar(key, mark if mark == "'" else "", self.style.quote)

    def _colon(self, row: int) -> str:
        """How the mapping writes what stands between a key and its value."""
        for below in reversed(self.at.own(row)):
            between = self.at.text[self.at.key_end(below) : self.at.start(below)]
            if between.strip(" ") == ":" and (self.at.json or between.endswith(" ")):
                return between
        return ":" if self.style.tight else ": "

    def _flow_value(self, row: int, value: Plain) -> str:
        """A new value of a flow collection: over several lines in JSON that is written so."""
        at = self.at
        if at.json and is_block(value) and self._spread(row):
            own = at.own(row)
            margin = at.margin(at.begin(own[-1])) if own else at.margin(at.start(row)) + self.style.unit
            return spread(value, self.style, margin)
        own = at.own(row)
        if isinstance(value, str) and not at.json and own and at.text[at.start(own[-1])] == '"' and self._flow_key_is_quoted(own[-1]):
            return quoted(value, '"')
        return inline(value, self.style)

    def _flow_key_is_quoted(self, row: int) -> bool:
        return self.at.key_start(row) < 0 or self.at.text[self.at.key_start(row)] == '"'

    def _spread(self, row: int) -> bool:
        """Is JSON written over several lines here?"""
        at = self.at
        own = at.own(row)
        return "\n" in (at.text[at.start(row) : at.end(row)] if own else at.text[at.start(0) : at.end(0)])

    def _add_flow(self, row: int, new: str, before: int | None) -> list[Cut]:
        at = self.at
        own = at.own(row)
        if not own:
            opened, closed = at.text[at.start(row)], at.text[at.end(row) - 1]
            if at.json and self._spread(row):
                margin = at.margin(at.start(row))
                new = f"{self.style.newline}{margin}{self.style.unit}{new}{self.style.newline}{margin}"
            return [(at.start(row), at.end(row), f"{opened}{new}{closed}")]
        if before is not None:
            return [(at.begin(before), at.begin(before), f"{new},{self._space(own)}")]
        last, close = at.end(own[-1]), at.end(row) - 1
        rest = at.text[last:close]
        comment = rest.find("#")
        comma = rest.find(",", 0, comment) if comment >= 0 else rest.find(",")
        if comment >= 0:
            line = at.line_end(last + comment)
            first = [] if comma >= 0 else [(last, last, ",")]
            return [*first, (line, line, f"{self.style.newline}{at.margin(at.begin(own[-1]))}{new}{',' * (comma >= 0)}")]
        if comma >= 0:
            return [(last + comma + 1, last + comma + 1, f"{self._space(own)}{new},")]
        return [(last, last, f",{self._space(own)}{new}")]

    def _space(self, own: list[int]) -> str:
        """What stands between two entries of a flow collection, behind the comma."""
        at = self.at
        if len(own) > 1:
            between = at.text[at.end(own[-2]) : at.begin(own[-1])]
            if between.strip() == "," and between.startswith(","):
                return between[1:]
        above = at.table.parents[own[0]]
        lead = at.text[at.start(above) + 1 : at.begin(own[0])]
        return lead if "\n" in lead and not lead.strip() else "" if self.style.tight else " "

    def take_out(self, row: int) -> list[Cut]:
        """Remove an entry or item that is not the only one."""
        at = self.at
        own = at.own(at.table.parents[row])
        index = own.index(row)
        after = own[index + 1] if index + 1 < len(own) else None
        if at.in_flow(row):
            if after is not None:
                return [(at.begin(row), at.begin(after), "")]
            return [(at.end(own[index - 1]), at.end(row), "")]
        begin = at.key_start(row) if at.key_start(row) >= 0 else at.dash(row)
        if begin is None:
            raise RefusedError("the list item is written in a way that cannot be changed")
        column = at.column(begin)
        end = at.comments_below(max(at.end(row), begin), column)
        if at.text[at.line_start(begin) : begin].strip():
            return [(begin, self._next_content(end), "")]
        start = at.comments_above(begin) if index or at.table.parents[row] > 0 else at.line_start(begin)
        if end == len(at.text) and start > 0:
            return [(start - (2 if at.text.startswith("\r\n", start - 2) else 1), end, "")]
        return [(start, at.next_line(end), "")]

    def _next_content(self, offset: int) -> int:
        while offset < len(self.at.text) and self.at.text[offset].isspace():
            offset += 1
        return offset

    def rename(self, row: int, key: str) -> list[Cut]:
        """Another key for a value."""
        at = self.at
        start, end = at.key_start(row), at.key_end(row)
        if start < 0:
            raise RefusedError("it has no key")
        mark = at.text[start]
        text = inline(key, self.style) if at.json else scalar(key, mark if mark in "'\"" else "", self.style.quote)
        return [(start, end, text)]
