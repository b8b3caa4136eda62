"""What breaks a rule as data, and how its message names values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from meshlint.model.mesh import Mesh
from meshlint.model.node import Node, Step, Value, dotted, scalar_text
from meshlint.model.resource import Resource
from meshlint.semantics.as_written import conditional, is_expectation
from meshlint.semantics.json_schema import BROKEN, HOLDS, Breach, Schema, View
from meshlint.semantics.patterns import Budget

_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z](?:[\w.-]|\[\d+\]|\[\"[^\"\]]*\"\])*)\}")
_STEP: Final = re.compile(r"\[(\d+)\]|\[\"([^\"\]]*)\"\]|([^.\[\]]+)")
_LONGEST: Final = 80  # characters of a value in a message


class Given(Node):
    """A value that something else than the object's text gives: Kustomize, an application. It stands where that is written."""

    __slots__ = ("given",)

    def __init__(self, at: Node, given: Value | dict[str, Node]) -> None:
        super().__init__(at.table, at.row if at.present else ~at.row)
        self.given = given

    @property
    def value(self) -> Value:
        return self.given  # type: ignore[return-value]  # a mapping of nodes is asked for its keys only

    def items(self) -> Iterator[tuple[str, Node]]:
        if isinstance(self.given, dict):
            yield from self.given.items()  # type: ignore[misc]

    def get(self, *steps: Step) -> Node:
        if not steps:
            return self
        below = dict(self.items()).get(str(steps[0]))
        return Node(self.table, ~self.row) if below is None else below.get(*steps[1:])

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def breaches(where: Schema | None, require: Schema, resource: Resource, mesh: Mesh, budget: Budget) -> tuple[Breach, ...]:
    """Nothing where the rule does not look at the object, or where it cannot be known."""
    budget.one_more()
    instead = given(resource, mesh)
    found = _found(where, require, resource, View(budget, instead=instead))
    if found and (is_expectation(resource) or conditional(resource)):
        found = _found(where, require, resource, View(budget, open=True, instead=instead))
    return found


def _found(where: Schema | None, require: Schema, resource: Resource, view: View) -> tuple[Breach, ...]:
    if where is not None and where.judge(resource.root, view).state != HOLDS:
        return ()
    verdict = require.judge(resource.root, view)
    return tuple(dict.fromkeys(verdict.breaches)) if verdict.state == BROKEN else ()


def given(resource: Resource, mesh: Mesh) -> Mapping[int, Mapping[str, Node]]:
    """By row of a mapping: the keys that are applied with other values than the text has."""
    metadata = resource.root.get("metadata")
    if not metadata.is_map:
        return {}
    out: dict[int, dict[str, Node]] = {}
    for key, value in (("name", resource.name), ("namespace", resource.namespace)):
        written = metadata.get(key)
        if value and not written.unknown and written.value != value:
            out.setdefault(metadata.row, {})[key] = Given(written, value)
    for field in ("labels", "annotations"):
        _merge(out, metadata, field, resource, field)
    workload = mesh.workload(resource) if any(field == "pods" for field, _ in resource.places) else None
    if workload is not None:
        _merge(out, workload.template.get("metadata"), "labels", resource, "pods")
    return out


def _merge(out: dict[int, dict[str, Node]], metadata: Node, field: str, resource: Resource, places: str) -> None:
    set_here = {key: node for (kind, key), node in resource.places.items() if kind == places}
    if not set_here or not metadata.is_map:
        return
    written = metadata.get(field)
    entries = {key: node for key, node in written.items() if key not in set_here}
    entries.update((key, node) for key, node in set_here.items() if node is not None)
    out.setdefault(metadata.row, {})[field] = Given(written, entries)


def filled(message: str, breach: Breach, resource: Resource, mesh: Mesh) -> str:
    """The message with the values that it names: {value}, {path}, {wants}, {title}, or paths such as {spec.hosts[0]}."""
    view = View(Budget(), instead=given(resource, mesh))
    path = dotted(breach.at.path[len(resource.root.path) :])
    special = {
        "value": "nothing" if not breach.at.present and not isinstance(breach.at, Given) else _shown(breach.at),
        "path": ".".join(part for part in (path, breach.key if not breach.at.present else "") if part) or "the object",
        "wants": breach.wants,
        "title": resource.title,
    }

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return special[name] if name in special else _shown(looked_up(name, resource.root, view))

    return " ".join(_PLACEHOLDER.sub(value, message).split())


def placeholders(message: str) -> list[str]:
    return _PLACEHOLDER.findall(message)


def looked_up(path: str, root: Node, view: View) -> Node:
    """The value at a path of an object, as it is applied."""
    node = root
    for index, quoted, key in _STEP.findall(path):
        node = node.get(int(index)) if index else _below(node, quoted or key, view)
    return node


def _below(node: Node, key: str, view: View) -> Node:
    found = view.entries(node).get(key)
    return node.get(key) if found is None else found


def _shown(node: Node) -> str:
    if node.unknown:
        return "what a template fills in"
    if not node.present and node.value is None:
        return "nothing"
    if node.is_list:
        return ", ".join(_shown(item) for item in node.each()) or "an empty list"
    if node.is_map:
        return f"a mapping of {', '.join(key for key, _ in node.items()) or 'nothing'}"
    text = "null" if node.value is None else scalar_text(node.value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
