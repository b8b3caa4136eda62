"""Templates of ApplicationSets filled in: `{{path}}` of fasttemplate, `{{ .path.path }}` of Go templates, as far as that
is mere substitution (argo-cd: applicationset/utils)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import UNKNOWN, Node, Table, Value, scalar_text

_FAST = lazy_regex(r"\{\{-?\s*\.?([\w.\[\]/-]+)\s*-?\}\}")
_ESCAPED = lazy_regex(r"[\n\\]|''")
_GO = lazy_regex(r"\{\{-?\s*(?:\.([\w.-]+)|index\s+\.([\w.-]+)\s+(?:(\d+)|\"([^\"]+)\"))\s*-?\}\}")


class Written(str):
    """A parameter's text, and the value of a file that gives it."""

    node: Node

    @classmethod
    def at(cls, node: Node) -> Written:
        made = cls(scalar_text(node.value))
        made.node = node
        return made


class _Origins:
    """What a template has from a parameter as a whole was written where the generator has it; what it puts together stands in
    the template, and is not exact."""

    def __init__(self, table: Table, filled: Mapping[int, Node | None]) -> None:
        self._table = table
        self._filled = filled

    def of(self, row: int) -> tuple[Node, bool]:
        given = self._filled.get(row)
        if given is not None:
            return given.origin, given.exact
        node = Node(self._table, row)
        return node.origin, node.exact and row not in self._filled


class Filled:
    """A template with its parameters: nodes stand where they are written, with the values that they have then."""

    def __init__(self, parameters: Mapping[str, str], go: bool) -> None:
        self._parameters = parameters
        self._go = go
        self._tables: dict[int, Table] = {}

    def node(self, node: Node) -> Node:
        """The same node with its template expressions filled in; what is not known stays so."""
        table = self._tables.get(id(node.table))
        if table is None:
            table = self._tables[id(node.table)] = self._table(node.table)
        return Node(table, node.row) if node.present else Node(table, ~node.row)

    def text(self, text: str) -> str | None:
        """A text with its parameters; None where one is not known."""
        filled = self._filled(text)
        return None if "{{" in filled else filled

    def _filled(self, text: str) -> str:
        return (_GO if self._go else _FAST).sub(self._one, text)

    def _one(self, match: re.Match[str]) -> str:
        if not self._go:
            return self._parameters.get(match[1], match[0])
        if match[1]:
            return self._parameters.get(match[1], match[0])
        key = f"{match[2]}[{match[3]}]" if match[3] else f"{match[2]}.{match[4]}"
        return self._parameters.get(key, match[0])

    def _table(self, table: Table) -> Table:
        """The table with other values."""
        made = Table(table.source)
        made.starts, made.ends, made.key_starts, made.key_ends = table.starts, table.ends, table.key_starts, table.key_ends
        made.parents, made.steps, made.exact = table.parents, table.steps, table.exact
        filled: dict[int, Node | None] = {}
        made.values = [self._value(table, row, value, filled) for row, value in enumerate(table.values)]
        made.origins = _Origins(table, filled)
        return made

    def _value(self, table: Table, row: int, value: Value, filled: dict[int, Node | None]) -> Value:
        if value is not UNKNOWN and not (isinstance(value, str) and "{{" in value):
            return value
        text = written(table, row) if value is UNKNOWN else str(value)
        whole = (_GO if self._go else _FAST).fullmatch(text)
        known = self._one(whole) if whole is not None else self._filled(text)
        if value is not UNKNOWN or "{{" not in known:
            filled[row] = known.node if isinstance(known, Written) else None
            return str(known)
        return UNKNOWN


def written(table: Table, row: int) -> str:
    """The text of a scalar that holds template expressions, without its quotes."""
    raw = table.source.text[table.starts[row] : table.ends[row]]
    if raw[:1] not in ("'", '"', "|", ">"):
        return " ".join(raw.split()) if "\n" in raw else raw
    if raw[0] == raw[-1] and raw[0] not in "|>" and not _ESCAPED.search(raw, 1, len(raw) - 1):
        return raw[1:-1]
    import yaml

    try:
        return str(yaml.load(raw, Loader=yaml.BaseLoader))  # noqa: S506 - scalars only, all as text
    except yaml.YAMLError:
        return raw


def unfilled(node: Node) -> str:
    """A text for messages, template expressions included."""
    return node.text or (written(node.table, node.row) if node.unknown else "")
