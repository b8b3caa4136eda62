"""What every tool's output has in common: objects with origins, and outputs that differ from run to run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind
from meshlint.model.later import LaterTable
from meshlint.model.node import Node, Origins, Table
from meshlint.model.position import Source
from meshlint.read.file import read_text
from meshlint.read.partial import Unread
from meshlint.render.draft import Draft, drafts_of
from meshlint.render.origin.inner import inner_origins
from meshlint.render.recipe import Missing, Outcome

_NAMED = 3
CHANGING = "{{ different each time }}"  # what a template would fill in is not known: read/placeholders.py


class Made:
    """`place`: where a failure is reported."""

    place: Node | None = None
    missing: Sequence[Missing] = ()

    def outcome(self, text: str) -> Outcome:
        raise NotImplementedError

    def lacking(self) -> tuple[str | None, tuple[Missing, ...]]:
        """What is said of what is not here, and all of it."""
        texts = list(dict.fromkeys(lack.what for lack in self.missing))
        more = f" (and {len(texts) - _NAMED} more)" if len(texts) > _NAMED else ""
        return ("; ".join(texts[:_NAMED]) + more if texts else None), tuple(self.missing)

    def steady(self, outputs: Sequence[str]) -> str:
        """The output; of several, what they agree on. A line that differs has a value that nobody knows."""
        first = outputs[0].split("\n")
        for other in outputs[1:]:
            lines = other.split("\n")
            if len(lines) != len(first):
                first = first[: min(len(first), len(lines))]
            first = [mine if mine == theirs else _masked(mine, theirs) for mine, theirs in zip(first, lines, strict=False)]
        return "\n".join(first)


def _masked(line: str, other: str) -> str:
    key, colon, _ = line.partition(": ")
    indent = line[: len(line) - len(line.lstrip())]
    return f'{key}: "{CHANGING}"' if colon and other.startswith(key + colon) else f"{indent}{CHANGING}"


def objects(text: str, path: str, origins: Callable[[Document, int], Origins], namespace: str) -> tuple[FileRead, tuple[Draft, ...]]:
    """The output as a file, which is `path` only to what has no origin, with its objects. `origins` are asked for each document,
    which starts at the offset that is given. `namespace` is that of objects which say none."""
    file = read_text(text, path)
    file = file._replace(template=False, documents=tuple(file.documents))
    seen: set[int] = set()
    for document in file.documents:
        table = document.root.table
        if id(table) not in seen:
            seen.add(id(table))
            table.origins = origins(document, start_of(table))
        for where, root in document.inner:
            root.table.origins = inner_origins(document.root, where, root.table)
    return file, tuple(_in(draft, namespace) for draft in drafts_of(file))


def _in(draft: Draft, namespace: str) -> Draft:
    if not namespace or draft.namespace is not None or draft.kind.cluster_scoped or draft.kind is Kind.NAMESPACE:
        return draft
    return draft._replace(namespace=namespace)


def start_of(table: Table) -> int:
    """Where a document starts in its text, without reading it."""
    if isinstance(table, LaterTable) and isinstance(table.make, Unread):
        return table.make.start
    return table.starts[0]


def line_node(source: Source, start: int, end: int, value: str) -> Node:
    """A place in a text that is no YAML: a scalar of its own."""
    table = Table(source)
    table.values, table.steps = [value], [""]
    for column, at in ((table.starts, start), (table.ends, end), (table.key_starts, -1), (table.key_ends, -1), (table.parents, -1)):
        column.append(at)
    return Node(table, 0)


def key_node(source: Source, start: int, end: int) -> Node:
    """A place in a text that is no YAML: a collection with its key there."""
    table = Table(source)
    table.values, table.steps = [{}], [""]
    for column, at in ((table.starts, start), (table.ends, end), (table.key_starts, start), (table.key_ends, end), (table.parents, -1)):
        column.append(at)
    return Node(table, 0)


def object_node(source: Source, start: int, end: int, kind: Node | None) -> Node:
    """An object that a text gives, from `start` to `end`; findings about it stand at its kind."""
    first = (kind.table.starts[kind.row], kind.table.ends[kind.row]) if kind is not None else (start, min(end, start + 1))
    table = Table(source)
    table.values, table.steps = [{"apiVersion": 1, "kind": 2}, "v1", "Kind"], ["", "apiVersion", "kind"]
    for column, values in (
        (table.starts, (start, start, first[0])), (table.ends, (end, start, first[1])), (table.key_starts, (-1, -1, -1)),
        (table.key_ends, (-1, -1, -1)), (table.parents, (-1, 0, 0)),
    ):  # fmt: skip
        column.extend(values)
    return Node(table, 0)
