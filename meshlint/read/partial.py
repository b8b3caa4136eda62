"""Documents that are composed only as far as something looks into them (see prescan.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from meshlint.model.document import Document
from meshlint.model.later import LaterTable
from meshlint.model.node import Node, Table
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.read.documents import document_at, hide_encrypted
from meshlint.read.errors import ReadError
from meshlint.read.prescan import Part

_NOWHERE: Final = frozenset({"$patch", "sops", "sopsMetadata", "items"})  # keys that a cut part does not hold (prescan.py)


class CutMap(dict[str, int]):
    """The root mapping of a document whose body is not composed. Asking for what may be in the body composes it."""

    __slots__ = ("complete", "stretch")

    def __init__(self, known: dict[str, int], complete: Callable[[], dict[str, int]], stretch: tuple[int, int]) -> None:
        """`stretch`: start and end of the whole document."""
        super().__init__(known)
        self.complete = complete
        self.stretch = stretch

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key)
        if found is not None:
            return found
        return default if key in _NOWHERE else self.complete().get(key, default)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.complete()

    def __getitem__(self, key: str) -> int:
        return self.complete()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.complete())

    def __len__(self) -> int:
        return len(self.complete())

    def keys(self) -> Any:
        return self.complete().keys()

    def items(self) -> Any:
        return self.complete().items()

    def values(self) -> Any:
        return self.complete().values()

    def known(self) -> dict[str, int]:
        """What is composed."""
        return {key: dict.__getitem__(self, key) for key in dict.__iter__(self)}


class Unread:
    """Composes a document of a text when it is called."""

    __slots__ = ("end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end

    def __call__(self, source: Source) -> Table:
        return composed(source, self.start, self.end)


def later(source: Source, part: Part) -> Document:
    """A document of which only the head is known."""
    return Document(Node(LaterTable(source, Unread(part.start, part.end)), 0), part.api_version, part.kind)


def cut(source: Source, part: Part) -> Document:
    """A document without its body. Raises ReadError where it does not end as it seems to."""
    (table,) = compose(source.text[part.start : part.end], source, part.start)
    uncut(table, part.start, part.rest)
    return document_at(table.root, part.api_version, part.kind)


def uncut(table: Table, start: int, rest: int) -> None:
    """Let the table of a cut document complete itself; the rows that it has stay where they are."""
    known = table.values[0]
    assert isinstance(known, dict)

    def complete() -> dict[str, int]:
        if isinstance(table.values[0], CutMap):
            _take_over(table, composed(table.source, start, rest))
        box = table.values[0]
        return box if isinstance(box, dict) else {}

    table.values[0] = CutMap(known, complete, (start, rest))


def _take_over(table: Table, full: Table) -> None:
    if len(full.values) < len(table.values):  # the body is broken: what is composed is all that is known
        full, full.values = table, [table.values[0].known(), *table.values[1:]]  # type: ignore[union-attr]
    table.values, table.steps, table.parents = full.values, full.steps, full.parents
    table.starts, table.ends, table.key_starts, table.key_ends = full.starts, full.ends, full.key_starts, full.key_ends


def composed(source: Source, start: int, end: int) -> Table:
    """The only document of a stretch; one that is broken is empty."""
    try:
        (table,) = compose(source.text[start:end], source, start)
    except (ReadError, ValueError):
        (table,) = compose("{}", source, start)
    hide_encrypted(table)
    return table
