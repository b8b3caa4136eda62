"""Edits of several fixes on one text: which go together, and what the text becomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.edit.pieces import Cut
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.problem import Edit, Fix

_LINES = lazy_regex(r"(?:\r\n|\n|\r)( *)(?=[^ \r\n])")


def cut_of(edit: Edit) -> Cut:
    return edit.span.start.offset, edit.span.end.offset, edit.text


def consistent(fix: Fix) -> bool:
    """Do the edits of a fix keep apart from one another?"""
    held = Chosen()
    return all(held.takes(edit) and held.add(edit) for edit in fix.edits)


def sorted_cuts(edits: Iterable[Edit]) -> list[Cut]:
    """The edits of one text in order; those that several fixes share once, insertions at one place in the order given."""
    unique = list(dict.fromkeys(map(cut_of, edits)))
    return [cut for _, cut in sorted(enumerate(unique), key=lambda pair: (pair[1][:2], pair[0]))]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with edits that go together."""
    parts, at = [], 0
    for start, end, new in sorted_cuts(edits):
        parts += [text[at:start], new]
        at = end
    return "".join((*parts, text[at:]))


class Chosen:
    """Edits that go together, by file."""

    def __init__(self) -> None:
        self._cuts: dict[str, list[Cut]] = {}

    def takes(self, edit: Edit) -> bool:
        """Can the edit be made together with those that are there? The same edit again can."""
        new = cut_of(edit)
        return all(new == old or _apart(old, new) for old in self._cuts.get(edit.file, ()))

    def leaves(self, edit: Edit) -> bool:
        """Does it take away what stands next to what is taken away already? Both together may leave a list without items."""
        start, end, new = cut_of(edit)
        cuts = self._cuts.get(edit.file, ())
        return not new and any(not old[2] and (old[1] == start or old[0] == end) for old in cuts if old != (start, end, new))

    def add(self, edit: Edit) -> bool:
        self._cuts.setdefault(edit.file, []).append(cut_of(edit))
        return True


def _apart(one: Cut, other: Cut) -> bool:
    if one[0] == one[1] == other[0] == other[1]:
        return _side_by_side(one[2], other[2])
    if one[0] == other[0]:
        return one[0] == one[1] or other[0] == other[1]
    first, second = (one, other) if one[0] < other[0] else (other, one)
    return first[1] <= second[0]


def _side_by_side(one: str, other: str) -> bool:
    """Can two insertions at one place follow one another? New items of a list, new documents, and new keys of a mapping
    that are not the same."""
    if one.lstrip("\r\n").startswith("---") and other.lstrip("\r\n").startswith("---"):
        return True
    first, second = _begins(one), _begins(other)
    if first is None or second is None or first[0] != second[0]:
        return False
    return not set(first[1]) & set(second[1])


def _begins(text: str) -> tuple[int, Sequence[str]] | None:
    """Column and keys of lines that are put in; of list items, which may be the same, no keys."""
    found = list(_LINES.finditer(text))
    if not found or found[0].start():
        return None
    column = len(found[0][1])
    lines = [text[match.end() :].splitlines()[0] for match in found if len(match[1]) == column]
    return column, [line.partition(": ")[0].rstrip(":") for line in lines if not line.startswith("- ")]
