"""Text of a SARIF log from the objects of sarif_om, which cannot write themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

_ALWAYS = {"level"}  # left out of a result, it would mean the rule's level and not the class's default
_EMPTY_TOO = {"results", "rules", "suppressions"}  # empty, they say that nothing was found (GitHub wants the first two), or suppressed


class _Field(NamedTuple):
    attribute: str
    name: str
    default: Any


_FIELDS: dict[type, list[_Field]] = {}


def plain(value: Any) -> Any:
    """A sarif_om object as plain values, named by the schema; fields that are null, empty or at their default are left out."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(type(value), "__attrs_attrs__"):
        return {field.name: plain(item) for field in _fields(type(value)) if _said(field, item := getattr(value, field.attribute))}
    return value


def _said(field: _Field, item: Any) -> bool:
    if item is None or (item == field.default and field.name not in _ALWAYS):
        return False
    return bool(item) or not isinstance(item, (str, list, dict)) or field.name in _EMPTY_TOO


def _fields(cls: Any) -> list[_Field]:
    """The fields of a class; the name that the schema gives each is in its metadata."""
    found = _FIELDS.get(cls)
    if found is None:
        found = [_Field(field.name, field.metadata["schema_property_name"], _default(field.default)) for field in cls.__attrs_attrs__]
        _FIELDS[cls] = found
    return found


def _default(default: Any) -> Any:
    return default.factory() if hasattr(default, "factory") else default
