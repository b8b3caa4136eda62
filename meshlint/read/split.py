"""Where the documents of a YAML text begin, so that a broken one does not hide its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple
from meshlint.read.compose import compose
from meshlint.read.errors import ReadError

_SEPARATOR: Final = lazy_regex(r"(?:\A|(?<=[\r\n]))(?:---(?=[ \t\r\n]|\Z)|\.\.\.[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\r|\Z))")
_MARK: Final = re.compile(r"\n(?:---|\.\.\.)")  # begins with a literal: many times as fast as the above
_END: Final = r"(?:\r\n|\n|\r(?!\n)|\Z)"  # in one way only, or many lines are tried in all ways
_PRELUDE: Final = lazy_regex(rf"(?:[ \t]*(?:#[^\r\n]*)?{_END}|%[^\r\n]*{_END})*\Z")


class Piece(NamedTuple):
    """One document's stretch of the text and why it could not be composed, if it could not."""

    start: int
    end: int
    tables: list[Table]
    refused: ReadError | None


def boundaries(text: str) -> list[tuple[int, int]]:
    """Start and end of each document; directives and comments ahead of `---` belong to the document behind it."""
    out: list[tuple[int, int]] = []
    start = 0
    for match in _separators(text):
        end = match.start() if match.group() == "---" else match.end()
        if not _PRELUDE.match(text, start, end):
            out.append((start, end))
            start = end
        elif match.group() != "---":
            start = end
    if start < len(text) and not _PRELUDE.match(text, start):
        out.append((start, len(text)))
    return out


def _separators(text: str) -> Iterator[re.Match[str]]:
    if "\r---" in text or "\r..." in text:
        yield from _SEPARATOR.finditer(text)
        return
    for at in (0, *(mark.start() + 1 for mark in _MARK.finditer(text))):
        match = _SEPARATOR.match(text, at)
        if match is not None:
            yield match


def compose_pieces(text: str, source: Source) -> list[Piece]:
    """The documents of the text; where it fails as a whole, each document on its own."""
    try:
        return [Piece(0, len(text), compose(text, source), None)]
    except ReadError as refused:
        whole = refused
    pieces = [_piece(text, start, end, source) for start, end in boundaries(text)]
    if all(piece.refused is None for piece in pieces):
        return [Piece(0, len(text), [], whole)]
    return pieces


def _piece(text: str, start: int, end: int, source: Source) -> Piece:
    try:
        return Piece(start, end, compose(text[start:end], source, start), None)
    except ReadError as refused:
        return Piece(start, end, [], refused.moved(start))
