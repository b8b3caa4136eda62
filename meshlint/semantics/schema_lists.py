"""Limits of lists and of maps with free keys: sizes, keys that may stand once, pairs that exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from meshlint.model.node import Node, scalar_text
from meshlint.model.schema import Fault, FaultKind
from meshlint.semantics.schema_shape import Shape

Say = Callable[[Node], str]  # the path of a value, for a message


def wrong_list(shape: Shape, at: Node, said: Say) -> Iterator[Fault]:
    """What the limits of its schema refuse about a list."""
    for key, limit in shape.limits.items():
        check = _LISTS.get(key)
        if check is not None:
            yield from check(shape, at, limit, said)


def wrong_map(shape: Shape, at: Node, said: Say) -> Iterator[Fault]:
    """What the limits of its schema refuse about a map."""
    for key, limit in shape.limits.items():
        check = _MAPS.get(key)
        if check is not None:
            yield from check(shape, at, limit, said)


def _count(at: Node) -> int:
    value = at.value
    return len(value) if isinstance(value, (list, dict)) else 0


def _fewest(shape: Shape, at: Node, least: int, said: Say) -> Iterator[Fault]:
    if _count(at) < least:
        has = f"has {_count(at)} entries" if _count(at) else "is empty"
        yield Fault(FaultKind.INVALID, at, f"{said(at)} {has}; at least {least} {'is' if least == 1 else 'are'} wanted")


def _most(shape: Shape, at: Node, most: int, said: Say) -> Iterator[Fault]:
    if _count(at) > most:
        yield Fault(FaultKind.INVALID, at, f"{said(at)} has {_count(at)} entries; at most {most} are allowed")


def _distinct(shape: Shape, at: Node, keys: Any, said: Say) -> Iterator[Fault]:
    """`keys`: those of a list map, or "set" for a list of scalars."""
    seen: dict[Any, Node] = {}
    for item in at.each():
        if keys == "set":
            key: Any = None if item.is_map or item.is_list else (type(item.value).__name__, item.value)
            what = scalar_text(item.value)
        else:
            parts = [_key_part(shape, item, name) for name in keys]
            key = None if any(part is None for part in parts) else tuple(parts)
            what = ", ".join(f"{name} {part}" for name, part in zip(keys, parts, strict=True))
        if key is None or item.unknown:
            continue
        if key in seen:
            place = item if keys == "set" or not item.get(keys[0]) else item.get(keys[0])
            first = seen[key]
            yield Fault(FaultKind.INVALID, place, f"{said(at)} holds {what} twice", ((first, "the first"),), "Keep one of them.")
        else:
            seen[key] = item if keys == "set" or not item.get(keys[0]) else item.get(keys[0])


def _key_part(shape: Shape, item: Node, name: str) -> str | None:
    """The value of a key, or its default; None where it is not known."""
    value = item.get(name)
    if value:
        return scalar_text(value.value) if not value.is_map and not value.is_list else None
    inside = shape.items
    field = inside.prop(name) if inside is not None else None
    return None if value.unknown or field is None or field.default is None else scalar_text(field.default)


def _unique(shape: Shape, at: Node, names: list[str], said: Say) -> Iterator[Fault]:
    """Keys of which each value may stand once; entries without the key do not count."""
    if "lt" in shape.limits and tuple(names) == shape.limits["lt"]:
        return
    for name in names:
        seen: dict[str, Node] = {}
        for item in at.each():
            value = item.get(name)
            if not value or value.is_map or value.is_list:
                continue
            text = scalar_text(value.value)
            if text in seen:
                yield Fault(
                    FaultKind.INVALID, value, f"{said(at)} holds {name} {text} twice", ((seen[text], "the first"),), "Keep one of them."
                )
            else:
                seen[text] = value


def _once(shape: Shape, at: Node, values: dict[str, list[str]], said: Say) -> Iterator[Fault]:
    for name, listed in values.items():
        seen: dict[str, Node] = {}
        for item in at.each():
            value = item.get(name)
            if value.text in seen and value.text in listed:
                text = f"{said(at)} holds {name} {value.text} twice; it may stand once"
                yield Fault(FaultKind.INVALID, value, text, ((seen[value.text], "the first"),), "Make one of them.")
            elif value.text is not None:
                seen[value.text] = value


def _pairs(shape: Shape, at: Node, pairs: dict[str, list[list[str]]], said: Say) -> Iterator[Fault]:
    for name, listed in pairs.items():
        found = {value.text: value for item in at.each() if (value := item.get(name)).text is not None}
        for pair in listed:
            if all(one in found for one in pair):
                first, second = sorted((found[one] for one in pair), key=lambda node: node.row)
                text = f"{said(at)} holds both {name} {first.text} and {name} {second.text}; only one of them may be there"
                yield Fault(FaultKind.EXCLUSIVE, second, text, ((first, "excludes it"),))


def _matches(shape: Shape, at: Node, most: int, said: Say) -> Iterator[Fault]:
    if any(rule.unknown or rule.get("matches").unknown for rule in at.each()):
        return
    count = sum(_count(rule.get("matches")) for rule in at.each())
    if count > most:
        yield Fault(FaultKind.INVALID, at, f"{said(at)} has {count} matches in all; at most {most} are allowed")


def _key_range(shape: Shape, at: Node, bounds: list[int], said: Say) -> Iterator[Fault]:
    for key, value in at.items():
        if not key.isdigit() or not bounds[0] <= int(key) <= bounds[1]:
            yield Fault(FaultKind.INVALID, value, f'{said(at)} has the key "{key}"; keys are numbers from {bounds[0]} to {bounds[1]}')


def _key_not_empty(shape: Shape, at: Node, _: int, said: Say) -> Iterator[Fault]:
    for key, value in at.items():
        if not key:
            yield Fault(FaultKind.INVALID, value, f"{said(at)} has an empty key")


def _key_no_star(shape: Shape, at: Node, _: int, said: Say) -> Iterator[Fault]:
    for key, value in at.items():
        if "*" in key:
            yield Fault(FaultKind.INVALID, value, f'{said(at)} has the key "{key}"; wildcards are not allowed here')


_Check = Callable[[Shape, Node, Any, Say], Iterator[Fault]]
_LISTS: dict[str, _Check] = {
    "minI": _fewest, "maxI": _most, "lt": _distinct, "uniq": _unique, "once": _once, "excl": _pairs, "maxMatches": _matches,
}  # fmt: skip
_MAPS: dict[str, _Check] = {
    "minP": _fewest, "maxP": _most, "keyRange": _key_range, "keyNonEmpty": _key_not_empty, "keyNoStar": _key_no_star,
}  # fmt: skip
