"""A quick look at an object along the schema of its kind: is there surely nothing to say of it?

Most objects have nothing wrong. What stands under a field is often the same set of keys, and the same texts come again: both are
judged once. Where anything is out of the ordinary the answer is no, and the whole walk (meshlint.semantics.schema_walk) tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, Final, TypeVar

from meshlint.model.node import UNKNOWN, Node, Table
from meshlint.semantics.schema_groups import exclusive, missing, unions
from meshlint.semantics.schema_lists import wrong_list, wrong_map
from meshlint.semantics.schema_shape import Shape
from meshlint.semantics.schema_values import wrong_scalar

HEAD: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
BESIDE: Final = ("x-", "$")  # how keys begin that may stand beside spec
_Key = TypeVar("_Key")
_Found = TypeVar("_Found")
_MOST: Final = 2_000  # values, and sets of keys, that are remembered of a field
_Fields = tuple["Shape | None", ...]  # of each key, in their order; None: nothing below it is judged
_WRONG: Final[_Fields] = (None,)  # in their place: the keys alone have something wrong, or may have


def is_sound(shape: Shape, root: Node) -> bool:
    """Is there surely nothing wrong with an object? Its metadata and status are not judged."""
    value = root.value
    if type(value) is not dict:
        return False
    keys = tuple(value)
    fields = shape.sound_keys.get(keys) or _remembered(shape.sound_keys, keys, _root_fields(shape, root, keys))
    return fields is not _WRONG and _all_sound(zip(fields, value.values(), strict=True), root.table, root.table.values)


def _root_fields(shape: Shape, root: Node, keys: Iterable[str]) -> _Fields:
    judged = {key: node for key, node in root.items() if key not in HEAD and not key.startswith(BESIDE)}
    fields = {key: shape.prop(key) for key in judged}
    wrong = None in fields.values() or any(missing(shape, root, judged, _unsaid))
    return _WRONG if wrong else tuple(fields.get(key) for key in keys)


def _all_sound(held: Iterable[tuple[Shape | None, int]], table: Table, values: Sequence[Any]) -> bool:
    """`held`: what some values are for, with their rows. Most values of a repository pass by here, so all is done in one loop."""
    for field, row in held:
        if field is None:
            continue
        value = values[row]
        kind = type(value)
        if kind not in field.accepts:
            if value is not UNKNOWN:
                return False
        elif kind is dict:
            if not _sound_map(field, row, value, table, values):
                return False
        elif kind is list:
            if not _sound_list(field, row, value, table, values):
                return False
        elif field.limits and value not in field.sound_values and not _sound_scalar(field, value):
            return False
    return True


def _sound_scalar(shape: Shape, value: Any) -> bool:
    return not any(wrong_scalar(shape, value)) and _remembered(shape.sound_values, value, True)


def _sound_list(shape: Shape, row: int, value: Sequence[int], table: Table, values: Sequence[Any]) -> bool:
    items = shape.items
    if items is not None and not _all_sound(zip(repeat(items), value), table, values):
        return False
    return not shape.limits or not any(wrong_list(shape, Node(table, row), _unsaid))


def _sound_map(shape: Shape, row: int, value: dict[str, int], table: Table, values: Sequence[Any]) -> bool:
    keys = tuple(value)
    fields = shape.sound_keys.get(keys)
    if fields is None:
        free = shape.values
        if free is not None and not (shape.known or shape.limits or shape.required):
            return _all_sound(zip(repeat(free), value.values()), table, values)
        fields = _remembered(shape.sound_keys, keys, _fields(shape, Node(table, row)))
    if fields is _WRONG or not _all_sound(zip(fields, value.values(), strict=True), table, values):
        return False
    if not shape.limits or "union" not in shape.limits:
        return True
    at = Node(table, row)
    return not any(unions(shape, at, dict(at.items()), _unsaid))


def _fields(shape: Shape, at: Node) -> _Fields:
    found = [shape.prop(key) or shape.values for key, _ in at.items()]
    if None in found and not shape.open:
        return _WRONG
    present = {key: node for (key, node), field in zip(at.items(), found, strict=True) if field is not None}
    wrong = (*missing(shape, at, present, _unsaid), *exclusive(shape, at, present, _unsaid), *wrong_map(shape, at, _unsaid))
    return _WRONG if wrong else tuple(found)


def _remembered(memo: dict[_Key, _Found], key: _Key, found: _Found) -> _Found:
    if len(memo) >= _MOST:
        memo.clear()
    memo[key] = found
    return found


def _unsaid(_: Node) -> str:
    return ""
