"""A text under change: what is left of the original, and what was written between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshlint.model.tuples import NamedTuple

Cut = tuple[int, int, str]  # replace the text from one offset to another


class _Piece(NamedTuple):
    """A stretch of the original from `start` on, or (-1) new text."""

    start: int
    text: str


class Pieces:
    def __init__(self, text: str) -> None:
        self._pieces = [_Piece(0, text)]
        self._length = len(text)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self._pieces)

    def copy(self) -> Pieces:
        other = Pieces("")
        other._pieces, other._length = self._pieces, self._length
        return other

    def apply(self, cuts: Iterable[Cut]) -> None:
        """Make changes; their places are those of the text as it is now."""
        for start, end, _, text in sorted(((start, end, number, text) for number, (start, end, text) in enumerate(cuts)), reverse=True):
            self._pieces = [*self._part(0, start), _Piece(-1, text), *self._part(end, None)]

    def _part(self, start: int, end: int | None) -> Iterator[_Piece]:
        at = 0
        for piece in self._pieces:
            low, high = max(start - at, 0), len(piece.text) if end is None else min(end - at, len(piece.text))
            at += len(piece.text)
            if low < high:
                yield _Piece(piece.start + low if piece.start >= 0 else -1, piece.text[low:high])

    def cuts(self) -> list[Cut]:
        """All changes, in places of the original."""
        out: list[Cut] = []
        at, new = 0, ""
        for piece in (*self._pieces, _Piece(self._length, "")):
            if piece.start < 0:
                new += piece.text
                continue
            if new or piece.start > at:
                out.append((at, piece.start, new))
            at, new = piece.start + len(piece.text), ""
        return out
