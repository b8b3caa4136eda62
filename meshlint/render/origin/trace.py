"""A rendered object beside the outline of its template: each value finds the line, or the entry of the values, that set it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Union

from meshlint.model.node import Node, scalar_text
from meshlint.model.position import Source
from meshlint.model.tuples import NamedTuple
from meshlint.read.compose import compose
from meshlint.read.errors import ReadError
from meshlint.render.origin.expressions import At, Env, included_env, operands, resolve, thing_of, turns
from meshlint.render.origin.made import key_node, line_node
from meshlint.render.origin.match import Claims, alike
from meshlint.render.origin.outline import Outline, outline
from meshlint.render.origin.template import Line, actions

_INCLUDE = re.compile(r"\b(?:include|template)\s+[\"`]([^\"`]+)[\"`]\s*(.*)$", re.DOTALL)
_PATH = re.compile(r"(?<![\w\"])\$?\w*(?:\.[\w-]*)+|\$\w+")
_FILE = re.compile(r"\.Files\.(?:Get|Lines)\s+[\"`]([^\"`]+)[\"`]")
_TURNS = 60
_WORK = 60_000  # steps for one object
_DEEPEST = 60
Choices = Mapping[int, int]


class Place(NamedTuple):
    """An outline in one turn of the loops around it."""

    outline: Outline
    env: Env
    choices: Choices


Entry = Union[Place, Node]


class Trace:
    """`claims` are of one object; how well they fit counts the values that were found."""

    def __init__(self, claims: Claims, work: list[int] | None = None, depth: int = 0) -> None:
        self.claims = claims
        self._work = work if work is not None else [_WORK]
        self._depth = depth

    def _scratch(self) -> Trace:
        return Trace(Claims(), self._work, self._depth + 1)

    def _best(self, made: Node, entries: Sequence[Entry]) -> int:
        """Take the entry that fits best, the first of those that fit alike."""
        if len(entries) == 1 or self._work[0] < 0:
            return self.value(made, entries[0])
        best, chosen = -1, None
        for entry in entries[:_TURNS]:
            tried = self._scratch()
            if (found := tried.value(made, entry)) > best:
                best, chosen = found, tried
        if chosen is not None:
            self.claims.exact.update(chosen.claims.exact)
            self.claims.near.update(chosen.claims.near)
        return max(best, 0)

    def value(self, made: Node, entry: Entry) -> int:
        """How many values of `made` are found in an entry."""
        self._work[0] -= 1
        if isinstance(entry, Node):
            before = len(self.claims.exact)
            self.claims.take(made, entry)
            return len(self.claims.exact) - before
        line = entry.outline.line
        if line is not None and (made.is_map or made.is_list):
            self.claims.exact[made.row] = _key_of(entry.outline, line)
        if self._depth > _DEEPEST:
            return 0
        if line is not None and _is_flow(line) and (made.is_map or made.is_list):
            return self._flowing(made, entry, line)
        if made.is_map:
            return self.mapping(made, entry)
        if made.is_list:
            return self._list(made, entry)
        return self._scalar(made, entry) if line is not None else 0

    def mapping(self, made: Node, place: Place) -> int:
        count = 0
        for key, value in made.items():
            entries = [one for child in place.outline.children for one in _turned(child, place) if _is_key(key, one)]
            if entries:
                count += 1 + self._best(value, entries)
            else:
                count += self._filled(made, key, value, place)
        return count

    def _filled(self, made: Node, key: str, value: Node, place: Place) -> int:
        """A key that no line writes: from a block of values, or from a define."""
        for fill, source in _fills(place):
            for entry in self._given(fill, source, place):
                if isinstance(entry, At):
                    if nodes := At(entry.world, (*entry.path, key)).nodes():
                        return 1 + self._values(value, At(entry.world, (*entry.path, key)), nodes)
                else:
                    inner = [one for child in entry.outline.children for one in _turned(child, entry) if _is_key(key, one)]
                    if inner:
                        return 1 + self._best(value, inner)
                    if self._depth < _DEEPEST and entry.outline.fills:
                        tried = self._scratch()
                        if found := tried._filled(made, key, value, entry):
                            self.claims.exact.update(tried.claims.exact)
                            self.claims.near.update(tried.claims.near)
                            return found
        return self._file(value, place, key)

    def _expression(self, made: Node, span: tuple[int, int], source: Source, env: Env) -> bool:
        """Is the value one of those that an expression is made of?"""
        text = source.text[span[0] : span[1]]
        for node in (*_literals(text, span[0], source), *operands(text, span[0], source, env)):
            if alike(made, node):
                self.claims.exact[made.row] = node
                return True
        return False

    def _text(self, made: Node, place: Place, line: Line, source: Source) -> int:
        """A text in lines: literal, or a file of the chart."""
        written = source.text[line.end : line.block]
        node = line_node(source, line.start, line.block, made.text or "")
        if "{{" not in written and _lines(written) == _lines(made.text or ""):
            self.claims.exact[made.row] = node
            return 1
        if (got := _FILE.search(written)) is not None and self._found(made, place, got[1].rpartition("/")[2]):
            return 1
        self.claims.near[made.row] = node
        return 0

    def _file(self, value: Node, place: Place, name: str) -> int:
        """A text that was taken from a file of the chart."""
        return self._found(value, place, name) if any(".Files" in fill.value for fill, _ in _fills(place)) else 0

    def _found(self, value: Node, place: Place, name: str) -> int:
        found = place.env.world.file(name, value.text) if value.text is not None else None
        if found is not None:
            self.claims.exact[value.row] = found
        return found is not None

    def _flowing(self, made: Node, place: Place, line: Line) -> int:
        """Braces and brackets on one line, with expressions in them."""
        source = place.outline.source
        node = _composed(line, source)
        if node is None:
            return 0
        before = len(self.claims.exact)
        self.claims.take(made, node)
        env = place.env.with_scopes(line.scopes, source, place.choices)
        for row, written in [*self.claims.near.items()]:
            if written.table is node.table and "{{" in source.text[written.table.starts[written.row] : written.table.ends[written.row]]:
                self._expression(Node(made.table, row), (written.table.starts[written.row], written.table.ends[written.row]), source, env)
        return len(self.claims.exact) - before

    def _given(self, fill: Line, source: Source, place: Place) -> Iterator[Union[Place, At]]:
        """What a line fills in: the body of a define, or values."""
        env = place.env.with_scopes(fill.scopes, source, place.choices)
        for _, _, inside in actions(fill.value):
            included = _INCLUDE.search(inside)
            if included is not None:
                if (found := env.world.defines.get(included[1])) is not None:
                    inner = included_env(included[2].rstrip(") "), env)
                    yield Place(outline(*found), inner, place.choices)
                continue
            for match in _PATH.finditer(inside):
                thing = thing_of(inside, env) if inside.startswith("index ") else resolve(match[0], env)
                if isinstance(thing, At) and any(node.is_map or node.is_list for node in thing.nodes()):
                    yield thing

    def _values(self, made: Node, at: At, nodes: Sequence[Node]) -> int:
        """Values taken over as they are; mappings of several sources are merged."""
        first = nodes[0]
        if made.is_map and first.is_map:
            self.claims.exact.setdefault(made.row, first)
            found = 1
            for key, value in made.items():
                lower = At(at.world, (*at.path, key))
                if below := lower.nodes():
                    found += self._values(value, lower, below)
            return found
        before = len(self.claims.exact)
        self.claims.take(made, first)
        return len(self.claims.exact) - before

    def _list(self, made: Node, place: Place) -> int:
        entries = list(self._entries(place))
        items = list(made.each())
        if len(entries) == len(items):
            return sum(self.value(item, entry) for item, entry in zip(items, entries, strict=True))
        count = at = 0
        for item in items:
            scores = [(self._scratch().value(item, entry), -number) for number, entry in enumerate(entries[at : at + _TURNS], at)]
            if not scores:
                break
            chosen = -max(scores)[1]
            count += self.value(item, entries[chosen])
            at = chosen + (len(entries) > chosen + 1)
        return count

    def _entries(self, place: Place) -> Iterator[Entry]:
        """The items that a list may have, in their order: each loop unrolled."""
        for item in place.outline.items:
            yield from _turned(item, place)
        for fill, source in _fills(place):
            for given in self._given(fill, source, place):
                if isinstance(given, At):
                    nodes = given.nodes()
                    yield from nodes[0].each() if nodes and nodes[0].is_list else ()
                else:
                    yield from self._entries(given)

    def _scalar(self, made: Node, place: Place) -> int:
        line, source = place.outline.line, place.outline.source
        assert line is not None
        if line.block:
            return self._text(made, place, line, source)
        if "{{" not in source.text[line.start : line.end]:
            node = _composed(line, source)
            if node is not None and alike(made, node):
                self.claims.exact[made.row] = node
                return 1
            self.claims.near[made.row] = _value_of(line, source)
            return -1 if line.value[:1] not in ("|", ">", "&", "*") else 0
        env = place.env.with_scopes(line.scopes, source, place.choices)
        if self._expression(made, (line.start, line.end), source, env):
            return 1
        if (got := _FILE.search(line.value)) is not None and self._file(made, place, got[1].rpartition("/")[2]):
            return 1
        self.claims.near[made.row] = _value_of(line, source)
        return 0


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _turned(child: Outline, place: Place) -> list[Place]:
    """A line in every turn of the loops that begin between its parent and itself."""
    line = child.line
    assert line is not None
    new = [scope for scope in line.scopes if scope.kind == "range" and scope.at not in place.choices]
    out: list[Choices] = [place.choices]
    for scope in new:
        before = line.scopes[: line.scopes.index(scope)]
        more: list[Choices] = []
        for choices in out:
            env = place.env.with_scopes(before, child.source, choices)
            more += [{**choices, scope.at: number} for number in range(turns(thing_of(scope.expression, env)))]
        out = more[:_TURNS]
    return [Place(child, place.env, choices) for choices in out]


def _is_key(key: str, place: Place) -> bool:
    line = place.outline.line
    if line is None or line.key is None:
        return False
    if "{{" not in line.key:
        return line.key == key
    env = place.env.with_scopes(line.scopes, place.outline.source, place.choices)
    return any(scalar_text(node.value) == key for node in operands(line.key, line.key_start, place.outline.source, env))


def _fills(place: Place) -> Iterator[tuple[Line, Source]]:
    """The lines that fill in more, and the expression behind the key."""
    line = place.outline.line
    if line is not None and "{{" in line.value:
        yield line, place.outline.source
    for fill in place.outline.fills:
        yield fill, place.outline.source


def _key_of(shape: Outline, line: Line) -> Node:
    if line.key is None:
        return line_node(shape.source, line.start, line.end, line.value)
    return key_node(shape.source, line.key_start, line.key_end)


def _value_of(line: Line, source: Source) -> Node:
    if line.start == line.end:
        return key_node(source, line.key_start, line.key_end)
    return line_node(source, line.start, line.end, line.value)


def _is_flow(line: Line) -> bool:
    return line.value[:1] in ("[", "{") and line.value[:2] != "{{"


def _composed(line: Line, source: Source) -> Node | None:
    """The literal value of a line, with something of the same length for its actions."""
    text = line.value
    for start, end, _ in actions(text):
        text = text[:start] + "x" * (end - start) + text[end:]
    try:
        tables = compose(text, source, line.start) if text and text[:1] not in ("|", ">") else []
    except (ReadError, ValueError):
        return None
    return tables[0].root if tables else None


def _literals(value: str, offset: int, source: Source) -> Iterator[Node]:
    """What stands between the actions of a value: one of it may be all that a branch prints."""
    at = 0
    for start, end, _ in (*actions(value), (len(value), len(value), "")):
        text = value[at:start]
        if (inner := text.strip(" \"'")) and (at or start < len(value)):
            begin = offset + at + text.index(inner)
            yield line_node(source, begin, begin + len(inner), inner)
        at = end
