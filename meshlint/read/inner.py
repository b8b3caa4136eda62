"""Documents inside a string of another one: MeshConfig in a ConfigMap, Helm values in an Argo CD Application."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from meshlint.model.document import Document, Trouble
from meshlint.model.node import Node, Table, dotted
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.read.errors import ReadError
from meshlint.read.placeholders import is_template
from meshlint.read.rows import move

_OWN_KEYS: Final = ("mesh", "meshNetworks")
_VALUES: Final = "values.yaml"  # where Flux looks for the values of a release
_ENDINGS: Final = (".yaml", ".yml", ".json")
_MENTIONS: Final = ("meshConfig", "outboundTrafficPolicy", "rootNamespace", "defaultConfig", "trustDomain")
Found = list[tuple[str, Node]]


def with_inner(document: Document, every: bool = False) -> tuple[Document, list[Trouble]]:
    """The document with what its strings hold, and what of our own in them could not be read. `every`: also those of a ConfigMap that
    nobody but a release that names them takes for documents."""
    found: Found = []
    troubles: list[Trouble] = []
    for node, ours in _candidates(document, every):
        tables, refused = _parse(node)
        found += [(_path(document, node), table.root) for table in tables if table.root.is_map]
        if refused is not None and ours and not is_template(node.text or ""):
            troubles.append(refused)
    return (document._replace(inner=tuple(found)) if found else document), troubles


def documents_in(node: Node) -> list[Node]:
    """The documents of a string, such as an inline patch, in places of the outer file; none where it cannot be read."""
    return [table.root for table in _parse(node)[0]]


def documents_of(source: Source) -> list[Node]:
    """The documents of a text that is no manifest; none where it cannot be read, which the reader of its file reports."""
    try:
        return [table.root for table in compose(source.text, source)]
    except ReadError:
        return []


def _candidates(document: Document, every: bool) -> Iterator[tuple[Node, bool]]:
    """Strings that may hold a document, and whether it is one that only we would read."""
    root = document.root
    if document.kind == "ConfigMap" and document.api_version == "v1":
        for key, node in root.get("data").items():
            mentions = any(word in (node.text or "") for word in _MENTIONS)
            if node.text and (every or key in (*_OWN_KEYS, _VALUES) or (mentions and (key == "values" or key.endswith(_ENDINGS)))):
                yield node, key in _OWN_KEYS and (mentions or (root.get("metadata", "name").text or "").startswith("istio"))
    elif document.kind in ("Application", "ApplicationSet") and document.api_version.startswith("argoproj.io/"):
        spec = root.get("spec") if document.kind == "Application" else root.get("spec", "template", "spec")
        for source in (spec.get("source"), *spec.each("sources")):
            values = source.get("helm", "values")
            if values.text and values.text.strip() and source.get("helm", "valuesObject").value is None:
                yield values, False


def _path(document: Document, node: Node) -> str:
    return dotted(node.path[len(document.root.path) :])


def _parse(node: Node) -> tuple[list[Table], Trouble | None]:
    outer, text = node.table.source, node.text or ""
    mapped = _literal_lines(node, text)
    whole = (node.table.starts[node.row], node.table.ends[node.row])
    try:
        tables = compose(text, Source(outer.path, text))
    except ReadError as refused:
        place = outer.position(mapped(refused.offset) if mapped else whole[0])
        span = outer.span(place.offset, place.offset + 1 if mapped else whole[1])
        return [], Trouble(refused.rule, outer.path, span, f"in {dotted(node.path)}: {_said(refused, outer, mapped)}")
    for table in tables:
        _move(table, outer, mapped, whole)
    return tables, None


def _said(refused: ReadError, outer: Source, mapped: Callable[[int], int] | None) -> str:
    return refused.described(outer, mapped) if mapped else refused.message


def _move(table: Table, outer: Source, mapped: Callable[[int], int] | None, whole: tuple[int, int]) -> None:
    """Let the table speak of places in the outer file."""
    table.source = outer
    table.exact = mapped is not None
    count = len(table.values)
    if mapped is None:
        table.starts, table.ends = array("i", [whole[0]] * count), array("i", [whole[1]] * count)
        table.key_starts = array("i", (whole[0] if at >= 0 else -1 for at in table.key_starts))
        table.key_ends = array("i", (whole[1] if at >= 0 else -1 for at in table.key_ends))
        return
    move(table, mapped)


def _literal_lines(node: Node, text: str) -> Callable[[int], int] | None:
    """For a literal block scalar, a function from offsets in its text to offsets in the file; None for any other."""
    outer = node.table.source.text
    start, end = node.table.starts[node.row], node.table.ends[node.row]
    header = re.compile(r"(?:[&!]\S*\s+)*\|[^\r\n]*(?:\r\n|\n|\r)").match(outer, start, end)
    if header is None:
        return None
    begins, at = [], header.end()
    for match in re.compile(r"\r\n|\n|\r").finditer(outer, at, end):
        begins.append((at, match.start()))
        at = match.end()
    begins.append((at, end))
    return _mapping(outer, begins, text)


def _mapping(outer: str, lines: list[tuple[int, int]], text: str) -> Callable[[int], int] | None:
    inner = text.rstrip().split("\n")
    first = next((number for number, line in enumerate(inner) if line), None)
    if first is None or len(inner) != len(lines):
        return None
    indent = lines[first][1] - lines[first][0] - len(inner[first])
    starts, places, at = [], [], 0
    for (begin, end), line in zip(lines, inner, strict=True):
        content = min(begin + indent, end)
        if outer[content:end].rstrip() != line.rstrip():
            return None
        starts.append(at)
        places.append(content)
        at += len(line) + 1

    def mapped(offset: int) -> int:
        number = bisect_right(starts, offset) - 1
        return min(places[number] + offset - starts[number], lines[-1][1])

    return mapped
