"""Values and where they stand: a Node is a two-slot view over the compact table of its document."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final, Protocol, Union

from meshlint.model.position import Source, Span

Step = Union[str, int]
_KEYS: dict[frozenset[str], frozenset[str]] = {}  # documents of one sort hold the same keys, and share them
_MOST_KEYS: Final = 10_000


class Unknown:
    """The value of a scalar that a template fills in: nothing is concluded from it."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
Value = Union[None, bool, int, float, str, Unknown, dict[str, int], list[int]]


class Origins(Protocol):
    """Where the values of a rendered document were written, row by row."""

    def of(self, row: int) -> tuple[Node, bool]:
        """A value of a file of the repository, and whether it is the one that was carried over, not the nearest known."""
        ...


class Table:
    """One document as parallel columns, a row a value, in the order of the text; row 0 is the root.

    `values` holds a scalar as Kubernetes reads it, a mapping as {key: row}, a sequence as [row].
    `starts`/`ends` are offsets of the value, `key_starts`/`key_ends` of its key (-1: it has none).
    A row made by an alias shares its anchor's value, but has its own place, key and parent.
    A rendered document has `origins`, which answer for its places.
    """

    __slots__ = ("_keys", "ends", "exact", "key_ends", "key_starts", "origins", "parents", "source", "starts", "steps", "values")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.values: list[Value] = []
        self.starts = array("i")
        self.ends = array("i")
        self.key_starts = array("i")
        self.key_ends = array("i")
        self.parents = array("i")
        self.steps: list[Step] = []
        self.exact = True
        self.origins: Origins | None = None
        self._keys: frozenset[str] | None = None

    @property
    def keys(self) -> frozenset[str]:
        """All keys in it, at any depth, and of those of labels and annotations the domains: istio.io/ of istio.io/rev."""
        if self._keys is None:
            root = self.values[0]
            if isinstance(root, dict):
                len(root)  # all of it, where a part is still to be composed: that makes other columns
            keys: set[str] = set().union(*[value for value in self.values if isinstance(value, dict)])
            found = frozenset(keys.union([key[: key.index("/") + 1] for key in keys if "/" in key]))
            if len(_KEYS) > _MOST_KEYS:
                _KEYS.clear()
            self._keys = _KEYS.setdefault(found, found)
        return self._keys

    @property
    def root(self) -> Node:
        return Node(self, 0)


class Node:
    """One value of a document and its place. An absent value is a false Node at its nearest parent's place."""

    __slots__ = ("_row", "table")

    def __init__(self, table: Table, row: int) -> None:
        self.table = table
        self._row = row

    @property
    def row(self) -> int:
        """Row of the value in its table, of the nearest present parent if the value is absent."""
        return self._row if self._row >= 0 else ~self._row

    @property
    def present(self) -> bool:
        return self._row >= 0

    @property
    def value(self) -> Value:
        return self.table.values[self._row] if self._row >= 0 else None

    @property
    def unknown(self) -> bool:
        """Is the value filled in by a template, so that nothing is known of it?"""
        return self._row >= 0 and self.table.values[self._row] is UNKNOWN

    def __bool__(self) -> bool:
        """Present, not null, and known."""
        if self._row < 0:
            return False
        value = self.table.values[self._row]
        return value is not None and value is not UNKNOWN

    @property
    def text(self) -> str | None:
        """The value if it is a string, else None."""
        if self._row < 0:
            return None
        value = self.table.values[self._row]
        return value if isinstance(value, str) else None

    @property
    def scalar(self) -> bool | int | float | str | None:
        """The value if it is a known scalar, else None: it can be compared and kept in sets."""
        value = self.value
        return value if isinstance(value, (bool, int, float, str)) else None

    @property
    def is_map(self) -> bool:
        return self._row >= 0 and isinstance(self.table.values[self._row], dict)

    @property
    def is_list(self) -> bool:
        return self._row >= 0 and isinstance(self.table.values[self._row], list)

    def get(self, *steps: Step) -> Node:
        """The value under these keys and indices; never fails."""
        table, row = self.table, self._row
        if row < 0:
            return self
        for step in steps:
            value = table.values[row]
            if type(value) is dict:
                below = value.get(step)  # type: ignore[arg-type]
            elif isinstance(value, dict):
                below = value.get(step) if isinstance(step, str) else None
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                below = value[step]
            else:
                below = None
            if below is None:
                return Node(table, ~row)
            row = below
        return Node(table, row)

    def each(self, *steps: Step) -> Iterator[Node]:
        """Every value under these keys, through every item of the lists on the way and at the end."""
        if not steps:
            return self._entries()
        found = self.get(steps[0])._entries()
        for step in steps[1:]:
            found = chain.from_iterable([node.get(step)._entries() for node in found])
        return found

    def _entries(self) -> Iterator[Node]:
        value = self.table.values[self._row] if self._row >= 0 else None
        if isinstance(value, list):
            return map(Node, repeat(self.table), value)
        return iter(() if value is None else (self,))

    def items(self) -> Iterator[tuple[str, Node]]:
        """Keys and values of a mapping, in the order of the text; nothing for any other value."""
        value = self.value
        return zip(value, map(Node, repeat(self.table), value.values()), strict=False) if isinstance(value, dict) else iter(())

    def strings(self) -> dict[str, str]:
        """The entries of a mapping whose values are known scalars, as text (labels, annotations)."""
        value, out = self.value, dict[str, str]()
        for key, row in value.items() if isinstance(value, dict) else ():
            below = self.table.values[row]
            if below is not None and below is not UNKNOWN and not isinstance(below, (dict, list)):
                out[key] = below if isinstance(below, str) else scalar_text(below)
        return out

    @property
    def parent(self) -> Node | None:
        if self._row < 0:
            return Node(self.table, ~self._row)
        above = self.table.parents[self._row]
        return Node(self.table, above) if above >= 0 else None

    @property
    def path(self) -> tuple[Step, ...]:
        """Keys and indices from the document's root; of an absent value, its nearest present parent's."""
        parents, names = self.table.parents, self.table.steps
        steps: list[Step] = []
        row = self.row
        while (above := parents[row]) >= 0:
            steps.append(names[row])
            row = above
        return tuple(reversed(steps))

    @property
    def origin(self) -> Node:
        """Where it was written: the value of a file that a rendered one comes from, of any other value itself."""
        origins = self.table.origins
        return self if origins is None else origins.of(self.row)[0].origin

    @property
    def exact(self) -> bool:
        """Is the place that of the value itself, not the nearest one known?"""
        origins = self.table.origins
        if origins is None:
            return self.table.exact
        origin, carried = origins.of(self.row)
        return carried and origin.exact

    @property
    def span(self) -> Span:
        """Where the value stands; a collection runs from its first character to the end of its last value."""
        at = self.origin
        return at.table.source.span(at.table.starts[at.row], at.table.ends[at.row])

    @property
    def key_span(self) -> Span | None:
        at = self.origin
        row = at.row
        if at.table.key_starts[row] < 0:
            return None
        return at.table.source.span(at.table.key_starts[row], at.table.key_ends[row])

    @property
    def place(self) -> Span:
        """Where a finding about this value stands: the scalar itself, the key of a collection or of an
        absent value's parent, the first key of a list item, the value of `kind` for a whole object."""
        source, start, end = self.marked
        return source.span(start, end)

    @property
    def marked(self) -> tuple[Source, int, int]:
        """The same as a text and the offsets in it."""
        at = self.origin
        table, row = at.table, at.row
        if self._row >= 0 and at._row >= 0 and not isinstance(table.values[row], (dict, list)):
            start, end, key = table.starts[row], table.ends[row], table.key_starts[row]
            return (table.source, start, end) if start < end or key < 0 else (table.source, key, table.key_ends[row])
        while True:
            if table.key_starts[row] >= 0:
                return table.source, table.key_starts[row], table.key_ends[row]
            first = _first_key(table, row)
            if first is not None:
                return table.source, *first
            if table.parents[row] < 0:
                return table.source, table.starts[row], table.ends[row]
            row = table.parents[row]

    @property
    def file(self) -> str:
        return self.origin.table.source.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.table is other.table and self._row == other._row

    def __hash__(self) -> int:
        return hash((id(self.table), self._row))

    def __repr__(self) -> str:
        return f"Node({self.file}:{'.'.join(map(str, self.path))}={self.value!r})"


def _first_key(table: Table, row: int) -> tuple[int, int] | None:
    """Without a key of its own: the value of `kind` of an object, else the first key."""
    node = Node(table, row)
    kind = node.get("kind")
    if kind.text and node.get("apiVersion"):
        return table.starts[kind.row], table.ends[kind.row]
    value = table.values[row]
    below = next(iter(value.values()), -1) if isinstance(value, dict) else -1
    return (table.key_starts[below], table.key_ends[below]) if below >= 0 and table.key_starts[below] >= 0 else None


def scalar_text(value: Value) -> str:
    """A scalar as the text Kubernetes would show."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def dotted(path: tuple[Step, ...]) -> str:
    """A path as people write it: spec.http[0].route[1].destination.subset."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif step.replace("_", "").replace("-", "").isalnum():
            out += f".{step}" if out else step
        else:
            out += f'["{step}"]'
    return out
