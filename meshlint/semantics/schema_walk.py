"""Walks an object along the schema of its kind, as the API server of the target would judge it.

Null is taken out of where it is not allowed, before anything else is judged; so is what the schema does not know. Metadata
and status are not judged. Nothing is concluded from what a template fills in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from meshlint.model.names import close_name
from meshlint.model.node import UNKNOWN, Node, dotted
from meshlint.model.resource import Resource
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.target import Target
from meshlint.semantics.as_written import TEMPLATE_KEY, conditional, is_expectation
from meshlint.semantics.schema_groups import exclusive, missing, unions
from meshlint.semantics.schema_lists import wrong_list, wrong_map
from meshlint.semantics.schema_shape import Shape, shape_of
from meshlint.semantics.schema_sound import BESIDE, HEAD, is_sound
from meshlint.semantics.schema_values import plain_name, wrong_scalar, wrong_type

_DEPENDING = frozenset({FaultKind.MISSING, FaultKind.EXCLUSIVE})
_PATCHED = frozenset({FaultKind.MISSING, FaultKind.EXCLUSIVE, FaultKind.INVALID})


def faults(resource: Resource, target: Target) -> tuple[Fault, ...]:
    """What the target's API server does not accept of an object, in the order of the text."""
    shape = shape_of(resource.kind, resource.version, target)
    if shape is None or not resource.root.is_map:
        return ()
    found = [*([] if is_sound(shape, resource.root) else walked(shape, resource, target)), *_related(resource, target)]
    if not found:
        return ()
    silent = _silent(resource)
    return tuple(sorted((fault for fault in found if fault.kind not in silent), key=lambda fault: fault.at.row))


def walked(shape: Shape, resource: Resource, target: Target) -> list[Fault]:
    """What the schema refuses of single values, and of those that stand together."""
    walk = _Walk(resource, release_of(resource, target))
    walk.object(shape)
    return walk.found


def _related(resource: Resource, target: Target) -> Iterator[Fault]:
    """What rules about several values refuse (CEL); their modules are imported where an object of the kind is."""
    if resource.kind.group.endswith(".istio.io"):
        from meshlint.semantics.schema_cel_istio import refused
    else:
        from meshlint.semantics.schema_cel import refused
    return refused(resource, target)


def _silent(resource: Resource) -> frozenset[FaultKind]:
    """What cannot be concluded of an object that is not written here as it is applied."""
    if resource.partial:
        return _PATCHED
    if conditional(resource):
        return _DEPENDING
    return frozenset({FaultKind.MISSING}) if is_expectation(resource) else frozenset()


def release_of(resource: Resource, target: Target) -> str:
    """For messages: whose CRDs decide."""
    if resource.kind.group.endswith(".istio.io"):
        return f"Istio {target.istio}"
    return f"Gateway API {target.gateway_api}"


class _Walk:
    """`above`: the shapes on the way to where the walk is, outermost first."""

    def __init__(self, resource: Resource, release: str) -> None:
        self.root = resource.root
        self.table = resource.root.table
        self.values: Any = ()
        self.kind = resource.kind.kind
        self.release = release
        self.above: list[Shape] = []
        self.found: list[Fault] = []

    def said(self, at: Node) -> str:
        return dotted(at.path[len(self.root.path) :])

    def object(self, shape: Shape) -> None:
        """The root: what is beside spec is not judged, but for keys that no object has."""
        entries = list(self.root.items())
        self.values = self.table.values  # looking into an object may have read it only now
        self.above.append(shape)
        present: dict[str, Node] = {}
        for key, node in entries:
            child = shape.prop(key)
            if key in HEAD or key.startswith(BESIDE):
                continue
            if child is not None:
                if node.value is not None:
                    present[key] = node
                    self.visit(child, node.row)
            elif not TEMPLATE_KEY.search(key):
                self.unknown(shape, key, node, [name for name, _ in entries])
        self.found += missing(shape, self.root, present, self.said)

    def visit(self, shape: Shape, row: int) -> None:
        value = self.values[row]
        if value is UNKNOWN:
            return
        if (wrong := wrong_type(shape, value)) is not None:
            if value is not None or not shape.nullable:
                self.invalid(row, wrong, "")
        elif isinstance(value, dict):
            self.above.append(shape)
            self.mapping(shape, row, value)
            self.above.pop()
        elif isinstance(value, list):
            self.sequence(shape, row, value)
        elif shape.limits:
            for text, remedy in wrong_scalar(shape, value):
                self.invalid(row, text, remedy)

    def sequence(self, shape: Shape, row: int, value: list[int]) -> None:
        items = shape.items
        if items is not None:
            for below in value:
                self.visit(items, below)
        if shape.limits:
            self.found += wrong_list(shape, Node(self.table, row), self.said)

    def mapping(self, shape: Shape, row: int, value: dict[str, int]) -> None:
        values, free = self.values, shape.values
        present: dict[str, Node] = {}
        misspelt: dict[str, Node] = {}  # one defect, one finding: what an unknown name stands for is not missing as well
        known = True
        for key, below in value.items():
            child = shape.prop(key)
            if child is None and free is not None:
                child = free
            if child is not None:
                if values[below] is not None or child.nullable:
                    present[key] = Node(self.table, below)
                    self.visit(child, below)
            elif TEMPLATE_KEY.search(key):
                known = False
            elif not shape.open:
                misspelt.update(self.unknown(shape, key, Node(self.table, below), value))
        if not known:
            return
        at = Node(self.table, row)
        if shape.required or "anyOf" in shape.limits or "exactlyOne" in shape.limits:
            self.found += missing(shape, at, {**misspelt, **present}, self.said)
        if shape.limits:
            self.found += exclusive(shape, at, present, self.said)
            self.found += unions(shape, at, present, self.said)
            self.found += wrong_map(shape, at, self.said)

    def invalid(self, row: int, text: str, remedy: str) -> None:
        at = Node(self.table, row)
        self.found.append(Fault(FaultKind.INVALID, at, f"{self.said(at)} {text}", (), remedy))

    def unknown(self, shape: Shape, key: str, at: Node, beside: Collection[str]) -> dict[str, Node]:
        """Say that a field is unknown; give the field that it probably stands for, if there is one."""
        why = shape.later.get(key)
        if why is not None:
            self.found.append(Fault(FaultKind.UNKNOWN, at, f"{self.said(at)} {why}; the target is {self.release}", (), ""))
            return {}
        meant = self.other_spelling(shape, key) or self.lacking(shape, at, beside)
        remedy = f"Write {meant}." if meant and plain_name(meant) == plain_name(key) else ""
        if meant and not remedy:
            remedy = f"Did you mean {meant}, which is required and not there?"
        name = meant or ""
        if not remedy:
            remedy, name = self.elsewhere(shape, key, at)
        text = f"{self.said(at)} is no field of {self.kind} in {self.release}"
        self.found.append(Fault(FaultKind.UNKNOWN, at, text, (), remedy, name))
        return {meant: at} if meant else {}

    def other_spelling(self, shape: Shape, key: str) -> str | None:
        folded = plain_name(key)
        return next((name for name in shape.known if plain_name(name) == folded), None)

    def lacking(self, shape: Shape, at: Node, beside: Collection[str]) -> str | None:
        """The one required field that is not there, if the value fits it."""
        lacking: list[str] = [name for name in shape.required if name not in beside]
        if len(lacking) == 1 and (field := shape.prop(lacking[0])) is not None and wrong_type(field, self.values[at.row]) is None:
            return lacking[0]
        return None

    def elsewhere(self, shape: Shape, key: str, at: Node) -> tuple[str, str]:
        """What was probably wanted: a field of another place, or a close name, which comes second if the value fits it."""
        for upper in reversed(self.above[:-1]):
            if upper.prop(key) is not None:
                return f"{key} is a field of {upper.path or 'the object itself'}: check the indentation.", ""
        if near := close_name(key, shape.known):
            field = shape.prop(near)
            return f"Did you mean {near}?", near if field is not None and wrong_type(field, self.values[at.row]) is None else ""
        homes = [name for name in shape.known if (field := shape.prop(name)) is not None and key in field.inside.known]
        return f"{key} is a field of {shape.below(homes[0])}: check the indentation." if len(homes) == 1 else "", ""
