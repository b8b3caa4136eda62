"""Fields and enum values of Gateway API kinds by release and channel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from meshlint import facts
from meshlint.model.node import Node, scalar_text
from meshlint.model.support import Field

_CHANNELS = ("standard", "experimental")
_ABSENT: dict[tuple[str, str, str], tuple[Field, ...]] = {}


@cache
def field_in(release: str, channel: str, kind: str, path: str, value: str | None = None) -> Field:
    """What a release and channel say about a field, or about one value of it."""
    parts = facts.spans_of(kind, path, value)
    here = all(facts.within(part.get(channel, []), release) for part in parts)
    standard, experimental = (_latest([facts.first(part.get(name, [])) for part in parts]) for name in _CHANNELS)
    ends = [end for part in parts if (end := facts.last(*(part.get(name, []) for name in _CHANNELS)))]
    removed = min(ends, key=facts.order) if ends else None
    renamed = facts.renamed(kind, path) if removed and value is None else None
    return Field(kind, path, value, here, standard, experimental, removed, facts.gateway_api()["newest"], renamed)


def _latest(starts: list[str | None]) -> str | None:
    """A field is there once all that it stands in is there."""
    known = [start for start in starts if start is not None]
    return max(known, key=facts.order) if len(known) == len(starts) else None


def absent(release: str, channel: str, kind: str) -> tuple[Field, ...]:
    """Fields and values of spec that some release has and this one lacks; nothing for a kind that it does not serve."""
    key = (release, channel, kind)
    if key not in _ABSENT:
        _ABSENT[key] = tuple(_absent(*key)) if facts.served(kind, release, channel) else ()
    return _ABSENT[key]


def _absent(release: str, channel: str, kind: str) -> Iterator[Field]:
    history = facts.gateway_api()["kinds"][kind]
    above: list[str] = []
    for path in sorted(path for path in history.get("fields", {}) if path.startswith("spec.")):
        field = field_in(release, channel, kind, path)
        if not field.in_target and not _inside(path, above):
            above.append(path)
            yield field
    for path, values in sorted(history.get("enums", {}).items()):
        if path.startswith("spec.") and not _inside(path, above):
            fields = (field_in(release, channel, kind, path, value) for value in sorted(values))
            yield from (field for field in fields if not field.in_target)


def _inside(path: str, above: list[str]) -> bool:
    """Is the path below one of these?"""
    return any(path.startswith((f"{other}.", f"{other}[", f"{other}{{")) for other in above)


def find(root: Node, field: Field) -> Iterator[Node]:
    """The places of an object that hold the field, or its value."""
    for node in _walk(root, field.path.split(".")):
        if field.value is None or scalar_text(node.value if not node.unknown else None) == field.value:
            yield node


def _walk(node: Node, steps: list[str]) -> Iterator[Node]:
    """The nodes at a path such as spec, rules[], filters[], type."""
    if not steps:
        yield node
        return
    step = steps[0]
    found = node.get(step.rstrip("[]{}"))
    if step.endswith("[]"):
        below = found.each() if found.is_list else iter(())
    elif step.endswith("{}"):
        below = (value for _, value in found.items())
    else:
        below = iter((found,) if found.present else ())
    for entry in below:
        yield from _walk(entry, steps[1:])
