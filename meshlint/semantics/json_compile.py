"""JSON schemas of rules as data, compiled: everything wrong with one is said at its place, and none can run for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meshlint.model.names import close_name
from meshlint.model.node import Node
from meshlint.semantics.json_keywords import KEYWORDS
from meshlint.semantics.json_schema import Context, Schema, SchemaError, resolved
from meshlint.semantics.patterns import Budget

DEEPEST: Final = 64  # schemas inside of schemas
MOST: Final = 5_000  # schemas of a rule
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$comment", "title", "description", "default", "examples"})


def compiled(node: Node, budget: Budget) -> Schema:
    """The schema that a mapping writes down. Raises SchemaError with the place of what cannot be used."""
    return _Compiler(node, budget).whole()


class _Compiler:
    def __init__(self, root: Node, budget: Budget) -> None:
        self.root = root
        self.budget = budget
        self.made: list[Schema] = []
        self.shared: dict[str, Schema] = {}
        self.inside: dict[int, list[Schema]] = {}  # by number: the schemas that are judged on the same value

    def whole(self) -> Schema:
        schema = self.schema(self.root, 0)
        self._no_circles()
        return schema

    def schema(self, at: Node, depth: int) -> Schema:
        if depth > DEEPEST or len(self.made) >= MOST:
            raise SchemaError(at, f"more than {DEEPEST} schemas inside of one another" if depth > DEEPEST else f"more than {MOST} schemas")
        made = Schema(at, len(self.made))
        self.made.append(made)
        self.inside[made.number] = []
        if isinstance(at.value, bool):
            made.never = not at.value
        elif at.is_map:
            for key, below in at.items():
                self._keyword(made, key, below, depth)
        else:
            raise SchemaError(at, "a schema must be a mapping, true or false")
        return made

    def _keyword(self, made: Schema, key: str, at: Node, depth: int) -> None:
        if key in _ANNOTATIONS or key == "$defs":
            return
        maker = KEYWORDS.get(key)
        if maker is None:
            raise SchemaError(at, f"{key} is not supported{_near(key, KEYWORDS)}")
        judge = maker(at, Context(self, made, depth))
        if judge is not None:
            made.judges.append(judge)

    def reference(self, at: Node) -> Schema:
        text = at.text or ""
        name = text.removeprefix("#/$defs/")
        target = self.root.get("$defs", name)
        if name == text or not target.present:
            raise SchemaError(at, f"$ref {at.value!r}: only #/$defs/NAME of this very schema can be meant; nothing is read or fetched")
        if name not in self.shared:
            self.shared[name] = placeholder = Schema(target, -1)
            made = self.schema(target, 1)
            placeholder.target = made
        return self.shared[name]

    def note(self, made: Schema, same: Schema) -> None:
        self.inside[made.number].append(same)

    def _no_circles(self) -> None:
        """A schema that is judged by way of itself on the same value would never end."""
        done: set[int] = set()
        for first in self.made:
            path: list[tuple[Schema, int]] = [(first, 0)]
            on_path = {first.number}
            while path:
                schema, at = path.pop()
                below = self.inside[schema.number]
                if schema.number in done or at == len(below):
                    done.add(schema.number)
                    on_path.discard(schema.number)
                    continue
                path.append((schema, at + 1))
                child = resolved(below[at])
                if child.number in on_path:
                    raise SchemaError(child.at, "this schema refers to itself without going into the value")
                if child.number not in done:
                    on_path.add(child.number)
                    path.append((child, 0))


def _near(key: str, known: Mapping[str, object]) -> str:
    near = close_name(key, known)
    return f"; did you mean {near}?" if near else f"; there are {', '.join(sorted(known))}"
