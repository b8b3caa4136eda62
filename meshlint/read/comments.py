"""The comments of a YAML text that speak to meshlint: `# meshlint: ignore[ML101, vs-retries] reason`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from meshlint.model.later import COMMENT
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple
from meshlint.read.split import compose_pieces

_DIRECTIVE: Final = lazy_regex(
    r"(?<!\S)#+[ \t]*meshlint:[ \t]*(?P<verb>[\w-]*)[ \t]*(?:\[(?P<words>[^\]]*)\])?[ \t]*(?P<reason>.*?)(?=[ \t]+#[ \t]|[ \t]*\Z)"
)
_WORD: Final = lazy_regex(r"[^\s,]+")
_BLOCK: Final = lazy_regex(r"(?:[&!]\S*\s+)*[|>][^\r\n]*")
_HASH: Final = lazy_regex(r"(?:(?<=[ \t])|(?<![^\r\n]))#")

_LONGEST: Final = 2_000  # characters of a comment that are looked at
_FARTHEST: Final = 100  # lines of comments between one and what it speaks of

_NO_END: Final = 1 << 62

Stretch = tuple[int, int]


class Comment(NamedTuple):
    """One instruction in a comment. Places are offsets: `span` of the instruction, `words_span` of what the brackets hold,
    `comment` of the whole comment that it stands in. `alone`: nothing else stands on its line. `certain`: the text around it
    was parsed. `line` (from zero) is the line that it speaks of: its own, or the one below; None where that has nothing."""

    verb: str
    words: tuple[str, ...]
    reason: str
    span: Stretch
    words_span: Stretch | None
    comment: Stretch
    alone: bool
    certain: bool
    line: int | None


def comments(source: Source) -> list[Comment]:
    """The instructions of a file; JSON has no comments."""
    if not source.holds(COMMENT) or source.path.lower().endswith(".json"):
        return []
    strings = Strings(source)
    return [found for line in _lines(source) for found in _on_line(source, strings, line)]


class Strings:
    """Where the strings of a text stand that may hold what looks like a comment, and where it could not be parsed."""

    def __init__(self, source: Source) -> None:
        pieces = compose_pieces(source.text, source)
        inside = sorted({stretch for piece in pieces for table in piece.tables for stretch in _strings(table)})
        self._inside = inside
        self._broken = [(piece.start, piece.end) for piece in pieces if piece.refused is not None]

    def hold(self, offset: int) -> bool:
        """Is the character a part of a string?"""
        return _within(offset, self._inside)

    def certain(self, offset: int) -> bool:
        """Could the document around the character be parsed?"""
        return not _within(offset, self._broken)


def _within(offset: int, stretches: list[Stretch]) -> bool:
    number = bisect_right(stretches, (offset, _NO_END)) - 1
    return number >= 0 and offset < stretches[number][1]


def comment_start(source: Source, strings: Strings, line: int) -> int | None:
    """Where the comment of a line begins. In a text that does not parse, only what begins its line is taken for one."""
    start = source.line_starts[line]
    end = start + len(source.line(line))
    for match in _HASH.finditer(source.text, start, end):
        at = match.start()
        if strings.certain(at):
            if not strings.hold(at):
                return at
        elif at == start:
            return at
    return None


def _lines(source: Source) -> Iterator[int]:
    """The lines that hold the mark."""
    at, last = source.text.find(COMMENT), -1
    while at >= 0:
        line = source.position(at).line
        if line != last:
            yield line
        last = line
        at = source.text.find(COMMENT, at + len(COMMENT))


def _on_line(source: Source, strings: Strings, line: int) -> Iterator[Comment]:
    start = comment_start(source, strings, line)
    if start is None:
        return
    first = source.line_starts[line]
    end = first + len(source.line(line).rstrip())
    alone = not source.text[first:start].strip()
    about = _below(source, line) if alone else line
    text = source.text[start : min(end, start + _LONGEST)]
    for match in _DIRECTIVE.finditer(text):
        span = (start + match.start(), start + match.end())
        words_span = None if match["words"] is None else (start + match.start("words"), start + match.end("words"))
        words = tuple(_WORD.findall(match["words"] or ""))
        yield Comment(match["verb"], words, match["reason"].strip(), span, words_span, (start, end), alone, strings.certain(start), about)


def _below(source: Source, line: int) -> int | None:
    """The next line that is no comment, None where it is empty."""
    for below in range(line + 1, line + _FARTHEST):
        text = source.line(below).strip()
        if not text.startswith("#"):
            return below if text else None
    return None


def _strings(table: Table) -> Iterator[Stretch]:
    """Scalars and keys with a hash in them. The line of a block scalar's sign is no part of what it holds."""
    text = table.source.text
    above = frozenset(table.parents)
    for row in range(len(table.values)):
        keyed = (table.key_starts[row], table.key_ends[row])
        if keyed[0] >= 0 and "#" in text[keyed[0] : keyed[1]]:
            yield keyed
        start, end = table.starts[row], table.ends[row]
        if row in above or isinstance(table.values[row], (dict, list)) or text.find("#", start, end) < 0:
            continue
        sign = _BLOCK.match(text, start, end)
        yield (sign.end() if sign else start, end)
