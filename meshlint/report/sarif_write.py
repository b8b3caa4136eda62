"""Text of a SARIF log from the objects of sarif_om, which cannot write themselves."""

from __future__ import annotations

from typing import Any

from meshlint.model.tuples import NamedTuple

_ALWAYS = {"level"}  # left out of a result, it would mean the rule's level and not the class's default
_EMPTY_TOO = {"results", "rules", "suppressions"}  # empty, they say that nothing was found (GitHub wants the first two), or suppressed


class _Field(NamedTuple):
    """`default`: what is left out. `empty`: what is empty is written too."""

    name: str
    default: Any
    empty: bool


_FIELDS: dict[type, dict[str, _Field]] = {}


def plain(value: Any) -> Any:
    """A sarif_om object as plain values, named by the schema; fields that are null, empty or at their default are left out."""
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(type(value), "__attrs_attrs__"):
        return _plain_object(value)
    return value


def _plain_object(value: Any) -> dict[str, Any]:
    fields, out = _fields(type(value)), dict[str, Any]()
    for attribute, item in vars(value).items():
        if item is not None:  # most of them are
            name, default, empty = fields[attribute]
            if item != default and (item or empty or not isinstance(item, (str, list, dict))):
                out[name] = item if type(item) is str else plain(item)
    return out


def _fields(cls: Any) -> dict[str, _Field]:
    """The fields of a class by their attributes; the name that the schema gives each is in its metadata."""
    found = _FIELDS.get(cls)
    if found is None:
        found = {field.name: _field(field.metadata["schema_property_name"], field.default) for field in cls.__attrs_attrs__}
        _FIELDS[cls] = found
    return found


def _field(name: str, default: Any) -> _Field:
    value = default.factory() if hasattr(default, "factory") else default
    return _Field(name, None if name in _ALWAYS else value, name in _EMPTY_TOO)
