"""Fields that belong together: required ones, groups of which one (at least, at most) may be there, members of a union."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from meshlint.model.node import Node
from meshlint.model.schema import Fault, FaultKind
from meshlint.semantics.schema_shape import Shape

Say = Callable[[Node], str]
Present = Mapping[str, Node]  # the fields that are there, those that a template fills in among them


def missing(shape: Shape, at: Node, present: Present, said: Say) -> Iterator[Fault]:
    """Required fields, alone or one of a group, that an object lacks."""
    for name in shape.required:
        if name not in present:
            where = said(at)
            text = f"{where} lacks {name}, which is required" if where else f"lacks {name}, which is required"
            yield Fault(FaultKind.MISSING, at.get(name) if at.is_map else at, text)
    for group in (*shape.limits.get("anyOf", ()), *shape.limits.get("exactlyOne", ())):
        if not any(name in present for name in group):
            yield Fault(FaultKind.MISSING, at.get(group[0]), f"{said(at)} lacks {' or '.join(group)}; one of them is required")


def exclusive(shape: Shape, at: Node, present: Present, said: Say) -> Iterator[Fault]:
    """Fields that stand together though one excludes the other."""
    for group in (*shape.limits.get("atMostOne", ()), *shape.limits.get("exactlyOne", ())):
        found = sorted((present[name] for name in group if name in present), key=lambda node: node.row)
        if len(found) > 1:
            names = " and ".join(str(node.path[-1]) for node in found)
            text = f"{said(at)} has {names}; only one of them may be there"
            yield Fault(FaultKind.EXCLUSIVE, found[1], text, ((found[0], "excludes it"),), "Keep one of them.")


def unions(shape: Shape, at: Node, present: Present, said: Say) -> Iterator[Fault]:
    """A member is there if and only if the discriminator has its value."""
    for name, members in shape.limits.get("union", {}).items():
        members = {value: member for value, member in members.items() if member in shape.known}
        chosen = _chosen(shape, name, present)
        if chosen is None:
            continue
        for value, member in members.items():
            if member in present and value != chosen:
                at_name = present.get(name, at)
                text = f"{said(present[member])} is set, but {name} is {chosen}: it belongs to {name} {value}"
                remedy = f"Write {name}: {value}, or leave {member} out."
                yield Fault(FaultKind.EXCLUSIVE, present[member], text, ((at_name, f"{name} is {chosen}"),), remedy)
            elif value == chosen and member not in present and not _wrong_member(members, present, chosen):
                yield Fault(FaultKind.MISSING, at.get(member), f"{said(at)} lacks {member}, which {name} {chosen} requires")


def _wrong_member(members: Mapping[str, str], present: Present, chosen: str) -> bool:
    """Is another member set in its place? Then that is said, and only that."""
    return any(member in present for value, member in members.items() if value != chosen)


def _chosen(shape: Shape, name: str, present: Present) -> str | None:
    """The value of the discriminator; None where it is unknown or not one of the allowed."""
    field = shape.prop(name)
    if field is None:
        return None
    node = present.get(name)
    value = field.default if node is None else node.value
    allowed: Sequence[object] = field.limits.get("enum", (value,))
    return value if isinstance(value, str) and value in allowed else None
