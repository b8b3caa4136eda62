"""JSON schemas judged on Nodes, for rules as data: what breaks a schema is given with its place.

A part of draft 2020-12: everything that can be decided on the value itself. Nothing is fetched, `$ref` stays inside of the
schema (`#/$defs/NAME`), patterns take linear time (meshlint.semantics.patterns), and work is counted. What a template fills in
is not known: neither does it hold nor does it break. An integer is also a float without a fraction, true is no number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, Union

from meshlint.model.node import UNKNOWN, Node
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.patterns import Budget, Pattern, PatternError

BROKEN, UNSURE, HOLDS = -1, 0, 1

_TYPES: Final[Mapping[str, str]] = {
    "null": "null", "boolean": "true or false", "object": "a mapping", "array": "a list", "number": "a number", "string": "text",
    "integer": "a whole number",
}  # fmt: skip


class SchemaError(ValueError):
    """A schema that cannot be used, and the place in it."""

    def __init__(self, at: Node, message: str) -> None:
        super().__init__(message)
        self.at = at


class Breach(NamedTuple):
    """A value that breaks a schema, and what the schema wants of it. `key`: the property that is missing or not allowed."""

    at: Node
    wants: str
    keyword: str
    key: str = ""


class Verdict(NamedTuple):
    """`state`: BROKEN, UNSURE or HOLDS."""

    state: int
    breaches: tuple[Breach, ...] = ()


YES, MAYBE = Verdict(HOLDS), Verdict(UNSURE)


def broken(at: Node, wants: str, keyword: str, key: str = "") -> Verdict:
    return Verdict(BROKEN, (Breach(at, wants, keyword, key),))


class View:
    """An object as it is judged: its text, and by row of a mapping what is there instead of or beside what is written.

    `open`: more may be there than is written (conditions of templates, expectations of tests): nothing is missed.
    """

    __slots__ = ("budget", "instead", "known", "open")

    def __init__(self, budget: Budget, open: bool = False, instead: Mapping[int, Mapping[str, Node]] | None = None) -> None:
        self.budget = budget
        self.open = open
        self.instead = instead or {}
        self.known: dict[tuple[Schema, Node], Verdict] = {}

    def entries(self, node: Node) -> dict[str, Node]:
        found = dict(node.items())
        if node.present and (more := self.instead.get(node.row)) is not None:
            found.update(more)
        return found


Judge = Callable[["Node", Any, View], Verdict]


class Schema:
    """One compiled schema: the keywords that it consists of, in their order."""

    __slots__ = ("at", "judges", "never", "number", "target")

    def __init__(self, at: Node, number: int) -> None:
        self.at = at
        self.number = number
        self.judges: list[Judge] = []
        self.never = False
        self.target: Schema | None = None

    def judge(self, node: Node, view: View) -> Verdict:
        """`node` is present."""
        key = (self, node)
        known = view.known.get(key)
        if known is None:
            view.budget.spend(1 + len(self.judges))
            known = view.known[key] = self._judged(node, view)
        return known

    def _judged(self, node: Node, view: View) -> Verdict:
        if self.never:
            return Verdict(BROKEN, (Breach(node, "must not be there", "false"),))
        value = node.value
        return together([judge(node, value, view) for judge in self.judges])


def together(verdicts: list[Verdict]) -> Verdict:
    """All of them."""
    state = min((one.state for one in verdicts), default=HOLDS)
    if state == HOLDS:
        return YES
    return Verdict(state, tuple(breach for one in verdicts for breach in one.breaches)) if state == BROKEN else MAYBE


def resolved(schema: Schema) -> Schema:
    while schema.target is not None:
        schema = schema.target
    return schema


class Compiler(Protocol):
    """What compiles the schemas inside of a schema (meshlint.semantics.json_compile)."""

    @property
    def budget(self) -> Budget: ...
    def schema(self, at: Node, depth: int) -> Schema: ...
    def reference(self, at: Node) -> Schema: ...
    def note(self, made: Schema, same: Schema) -> None: ...


class Context:
    """What a keyword needs to be compiled: the schema it stands in, and how to compile schemas below it."""

    def __init__(self, compiler: Compiler, made: Schema, depth: int) -> None:
        self._compiler = compiler
        self.made = made
        self._depth = depth

    @property
    def budget(self) -> Budget:
        return self._compiler.budget

    def below(self, at: Node) -> Schema:
        """A schema for a value inside of the value."""
        return self._compiler.schema(at, self._depth + 1)

    def same(self, at: Node) -> Schema:
        """A schema for the same value."""
        return self._noted(self._compiler.schema(at, self._depth + 1))

    def reference(self, at: Node) -> Schema:
        return self._noted(self._compiler.reference(at))

    def sibling(self, key: str) -> Schema | None:
        at = self.made.at.get(key)
        return self.same(at) if at.present else None

    def pattern(self, at: Node, text: str | None) -> Pattern:
        if text is None:
            raise SchemaError(at, "a pattern must be text")
        try:
            made = Pattern(text)
        except PatternError as error:
            raise SchemaError(at, f"pattern {text[:60]!r}: {error}") from None
        self._compiler.budget.spend(len(made))
        return made

    def _noted(self, schema: Schema) -> Schema:
        self._compiler.note(self.made, schema)
        return schema


def wants_type(names: list[str]) -> str:
    return f"must be {' or '.join(_TYPES[name] for name in names)}"


def type_names(at: Node) -> list[str]:
    names = [str(one.value) for one in at.each()]
    for name in names:
        if name not in _TYPES:
            raise SchemaError(at, f"type {name!r} is none of {', '.join(_TYPES)}")
    return names


def is_type(value: object, name: str) -> bool:
    if name == "integer":
        return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    expected: dict[str, Union[type, None]] = {"null": None, "boolean": bool, "object": dict, "array": list, "string": str}
    of = expected[name]
    return value is None if of is None else isinstance(value, of)


def plain(node: Node, budget: Budget) -> Any:
    """A value that can be compared as JSON compares; UNKNOWN where something in it is not known."""
    budget.spend(1)
    value = node.value
    if isinstance(value, dict):
        entries = {key: plain(below, budget) for key, below in node.items()}
        return UNKNOWN if any(one is UNKNOWN for one in entries.values()) else ("map", frozenset(entries.items()))
    if isinstance(value, list):
        items = tuple(plain(below, budget) for below in node.each())
        return UNKNOWN if any(one is UNKNOWN for one in items) else ("list", items)
    if isinstance(value, bool) or value is None or value is UNKNOWN:
        return value if value is UNKNOWN else ("", value)
    return value
