"""One document under change: operations one after another, each held to what it was to do."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from meshlint.edit.emit import Plain, Style
from meshlint.edit.lately import Lately
from meshlint.edit.layout import Layout
from meshlint.edit.operations import RefusedError, Writing
from meshlint.edit.pieces import Cut, Pieces
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import UNKNOWN, Node, Step, Table
from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple
from meshlint.read.documents import documents_of
from meshlint.read.file import tables_of
from meshlint.read.inner import with_inner
from meshlint.read.split import boundaries

Path = tuple[Step, ...]
_LARGEST: Final = 2_000_000  # characters of a document that is read again for each change
_DEEPEST: Final = 200
_MOST_KEPT: Final = 32  # texts whose documents are remembered
_stretches: Final = Lately[list[tuple[int, int]]](_MOST_KEPT)
_styles: Final = Lately[Style](_MOST_KEPT)
_wholes: Final = Lately[Any](_MOST_KEPT)
_RENDERED: Final = lazy_regex(r"^[ \t]*#[^\r\n]*(?:\{\{|\{%|<%)|^[ \t]*#@|[ \t]#@", re.MULTILINE)
_HEAD: Final = lazy_regex(r"(?:(?:---)?[ \t]*(?:#[^\r\n]*)?[\r\n]|%[^\r\n]*[\r\n])*(?:---[ \t]+)?(?:[&!]\S*\s+)*")
_MOST: Final = 200_000  # values, with those that aliases repeat
_MANAGED: Final = "its values are signed or encrypted (sops)"
_NOT_ALONE: Final = "it cannot be changed alone: an alias, or the way it is written, ties it to something else"


class Part:
    """The stretch of a file that holds one document, and what has become of it."""

    def __init__(self, table: Table) -> None:
        self.path = table.source.path
        self.start, self.end, text, self._inner = _founds.of(id(table), table, lambda: _found(table))
        self._pieces = Pieces(text)
        self._table = table
        self._base = self.start  # where the text of the table begins in the file: 0 once it was read again
        self._moves: list[Callable[[Path], Path]] = []
        self._whole: Any = None
        self._style: Style | None = None
        self.gone = False
        self._kept = 0  # characters of the text that stay when the document goes

    def clear(self) -> None:
        """Take the whole document away; what a blank line or --- parts from it at the top of a file is about the file."""
        self.gone = True
        if self.start == 0:
            head = self._pieces.text[: self._layout().start(0)]
            mark = re.search(r"^---", head, re.MULTILINE)
            kept = mark.start() if mark else max((match.end() for match in re.finditer(r"\n\r?\n", head)), default=0)
            self._kept = kept if head[:kept].strip() else 0

    def cuts(self) -> Iterator[Cut]:
        """All changes, in places of the file."""
        if self.gone:
            return iter([(self.start + self._kept, self.end, "")])
        return ((self.start + start, self.start + end, text) for start, end, text in self._pieces.cuts())

    def now(self, path: Path) -> Path:
        """Where a value of the original is by now."""
        if self.gone:
            raise RefusedError("an earlier operation of the fix removed it")
        for move in self._moves:
            path = move(path)
        return path

    def row(self, path: Path) -> int | None:
        """The row of a value by its path of now; None: it is absent. Raises RefusedError for what an alias stands for."""
        node = self._table.root.get(*path)
        if not node.present:
            return None
        if node.path != path:
            raise RefusedError(_NOT_ALONE)
        return node.row

    def value(self, path: Path) -> Any:
        return plain(self._table.root.get(*path))

    def own_row(self, path: Path) -> int | None:
        """The same of an entry that may come from a merged mapping: it is then absent here."""
        above, row = self._table.root.get(*path[:-1]), self._table.root.get(*path)
        return row.row if row.present and row.parent == above else None

    def do(self, make: Callable[[Writing], Sequence[Cut]], expected: Any, move: Callable[[Path], Path] | None = None) -> None:
        """Change the text, and look whether the document is as expected then. Raises RefusedError, and has changed nothing."""
        layout, style = self._layout(), self.style()
        cuts = [*make(Writing(layout, style))]
        end = len(layout.text)
        if not self._become(cuts, expected) and not self._become([*cuts, (end, end, style.newline)], expected):
            raise RefusedError(_NOT_ALONE)
        if move is not None:
            self._moves.append(move)

    def _become(self, cuts: Sequence[Cut], expected: Any) -> bool:
        """Make the changes if the document then is as expected."""
        pieces = self._pieces.copy()
        pieces.apply(cuts)
        table = self._read(pieces.text)
        if table is None or not same(value := _whole(table), expected):
            return False
        self._pieces, self._table, self._base, self._whole = pieces, table, 0, value
        return True

    @property
    def inside(self) -> bool:
        """Does it stand in a string of another document?"""
        return self._inner is not None

    def style(self) -> Style:
        """How the document is written, as it was found."""
        if self._style is None:
            self._style = _style_of(self._table, self._layout())
        return self._style

    def _layout(self) -> Layout:
        return Layout(self._table, self._pieces.text, self._base)

    def whole(self) -> Any:
        """The document as plain values."""
        if self._whole is None:
            self._whole = _whole(self._table)
        return self._whole

    def _read(self, text: str) -> Table | None:
        tables = _tables(self.path, text)
        if self._inner is None:
            return tables[0] if len(tables) == 1 else None
        found = dict(_inner_tables(tables))
        return found.get(self._inner)


class _Found(NamedTuple):
    """Where a document begins and ends in its file, its text, and which one it is of those inside of strings."""

    start: int
    end: int
    text: str
    inner: tuple[int, str] | None


_founds: Final = Lately[_Found](_MOST_KEPT)


def _found(table: Table) -> _Found:
    source, at = table.source, table.starts[0]
    start, end = _stretch(source, at)
    text = source.text[start:end]
    _refuse(table, text)
    return _Found(start, end, text, None if _HEAD.fullmatch(text, 0, at - start) else _inner(text, source.path, at - start))


def _whole(table: Table) -> Any:
    """A document as plain values, which nobody changes."""
    return _wholes.of(id(table), table, lambda: plain(table.root))


def stretches(source: Source) -> list[tuple[int, int]]:
    """Where the documents of a text begin and end. Those of the last texts are kept: fixes come file by file."""
    return _stretches.of(id(source), source, lambda: boundaries(source.text))


@lru_cache(_MOST_KEPT)
def _tables(path: str, text: str) -> list[Table]:
    """The documents of a text: fixes of several findings begin with the same change."""
    return tables_of(Source(path, text))


def _style_of(table: Table, layout: Layout) -> Style:
    """The same for the documents of the last fixes: several are proposed for one."""
    return _styles.of(id(table), table, layout.style)


def _stretch(source: Source, at: int) -> tuple[int, int]:
    """The document that an offset lies in."""
    pairs = stretches(source)
    found = bisect_right(pairs, (at, len(source.text))) - 1
    return pairs[found] if found >= 0 else (0, len(source.text))


def _refuse(table: Table, text: str) -> None:
    if len(text) > _LARGEST:
        raise RefusedError(f"its document has more than {_LARGEST:,} characters")
    if "#" in text and _RENDERED.search(text):
        raise RefusedError("a template decides on parts of its document")
    if "sops" in text and any(key in ("sops", "sopsMetadata") for key, _ in table.root.items()):
        raise RefusedError(_MANAGED)


def _inner(text: str, path: str, at: int) -> tuple[int, str] | None:
    """Which document inside of a string it is that begins at an offset; None: it is the document itself."""
    tables = tables_of(Source(path, text))
    if len(tables) != 1:
        raise RefusedError("its file cannot be read as a whole")
    if tables[0].starts[0] == at:
        return None
    for name, table in _inner_tables(tables):
        if table.starts[0] == at and table.exact:
            return name
    raise RefusedError("it stands inside of a string")


def _inner_tables(tables: Sequence[Table]) -> Iterator[tuple[tuple[int, str], Table]]:
    for table in tables:
        for number, document in enumerate(documents_of(table)):
            for path, root in with_inner(document, every=True)[0].inner:
                yield (number, path), root.table


def plain(node: Node) -> Any:
    """A value as dict, list and scalars; UNKNOWN stays. Raises RefusedError for what is nested too deep, or too much."""
    left = _MOST
    values = node.table.values

    def made(row: int, depth: int) -> Any:
        nonlocal left
        left -= 1
        value = values[row]
        if type(value) is str or not isinstance(value, (dict, list)):
            return value
        if not depth or left < 0:
            raise RefusedError("its document is nested too deep, or aliases repeat too much of it")
        if isinstance(value, dict):
            return {key: made(below, depth - 1) for key, below in value.items()}
        return [made(below, depth - 1) for below in value]

    return made(node.row, _DEEPEST) if node.present else None


def same(one: Any, other: Any) -> bool:
    """Are two values equal, with types, whatever the order of keys?"""
    if one is other:
        return True
    if type(one) is str:
        return type(other) is str and one == other
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (dict, Mapping)) and isinstance(other, (dict, Mapping)):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    return type(one) is type(other) and bool(one == other)


def known(value: Any) -> bool:
    """Does no template fill in any of it?"""
    if isinstance(value, (dict, Mapping)):
        return all(known(below) for below in value.values())
    return all(known(below) for below in value) if isinstance(value, list) else value is not UNKNOWN


def with_value(whole: Any, path: Path, value: Plain) -> Any:
    """The same values, with another one at a path (a key may be new, an index may be the next one)."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(whole, (dict, Mapping)) and isinstance(step, str):
        return {**whole, step: with_value(whole.get(step), rest, value)}
    if isinstance(whole, list) and isinstance(step, int) and step <= len(whole):
        return [*whole[:step], with_value(whole[step] if step < len(whole) else None, rest, value), *whole[step + 1 :]]
    raise RefusedError("there is another kind of value above it")


def without(whole: Any, path: Path) -> Any:
    """The same values but for the one at a path."""
    step, rest = path[0], path[1:]
    if rest:
        return with_value(whole, (step,), without(whole[step], rest))
    if isinstance(step, int):
        return [*whole[:step], *whole[step + 1 :]]
    return {key: value for key, value in whole.items() if key != step}

