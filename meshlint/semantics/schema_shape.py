"""The schema of a kind at a release, compiled as far as objects reach into it."""

from __future__ import annotations

from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.target import Target
from meshlint.semantics.schema_past import Past, Raw, past_of

_SHAPES: dict[tuple[object, ...], Shape | None] = {}
_NO_LIMITS = frozenset({
    "t", "p", "i", "ap", "req", "def", "nul", "open", "since", "dep", "depEnum", "x", "std", "mt", "lk", "cel", "logic", "immutable",
})  # fmt: skip
_ACCEPTS: dict[str, frozenset[type]] = {
    "any": frozenset({str, bool, int, float, dict, list}), "boolean": frozenset({bool}), "integer": frozenset({int}),
    "number": frozenset({int, float}), "string": frozenset({str}), "int-or-string": frozenset({int, str}), "object": frozenset({dict}),
    "array": frozenset({list}),
}  # fmt: skip


class Shape:
    """One field: its type, what may stand in it, and its limits (everything else that the index says of it).

    `later`: why names that another release has are not here. `required`: names that must be there and have no default.
    `accepts`: the types of values that are certainly of its type. `sound_keys`, `sound_values`: what was found to be right already
    (meshlint.semantics.schema_sound).
    """

    __slots__ = (
        "_items", "_past", "_props", "_values", "accepts", "default", "known", "later", "limits", "nullable", "open", "path", "raw",
        "required", "sound_keys", "sound_values", "type",
    )  # fmt: skip

    def __init__(self, past: Past, raw: Raw, path: str) -> None:
        node = past.node(raw, path)
        self._past = past
        self.raw = node
        self.path = path
        self.type: str = node["t"]
        self.accepts = _ACCEPTS[self.type]
        self.sound_keys: dict[tuple[str, ...], tuple[Shape | None, ...]] = {}
        self.sound_values: dict[object, bool] = {}
        self.nullable = "nul" in node
        self.open = "open" in node or self.type == "any"
        self.default = node.get("def")
        self.later: dict[str, str] = {}
        self._props: dict[str, Raw | Shape] = {}
        for name, below in {**node.get("p", {}), **past.extra.get(path, {})}.items():
            if (why := past.missing(self.below(name), below)) is None:
                self._props[name] = below
            else:
                self.later[name] = why
        self.known = self._props.keys()
        self.required = tuple(name for name in node.get("req", ()) if name in self._props and "def" not in self._props_raw(name))
        self._items: Raw | Shape | None = node.get("i")
        self._values: Raw | Shape | None = node.get("ap")
        self.limits: dict[str, Any] = {key: value for key, value in node.items() if key not in _NO_LIMITS}
        if node.get("lt") == "map":
            self.limits["lt"] = tuple(node["lk"])
        elif node.get("lt") != "set":
            self.limits.pop("lt", None)

    def _props_raw(self, name: str) -> Raw:
        held = self._props[name]
        return held.raw if isinstance(held, Shape) else self._past.node(held, self.below(name))

    def below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def prop(self, name: str) -> Shape | None:
        """A field of an object; None where it has no such field."""
        found = self._props.get(name)
        if found is None or isinstance(found, Shape):
            return found
        made = self._props[name] = Shape(self._past, found, self.below(name))
        return made

    @property
    def items(self) -> Shape | None:
        """What a list holds."""
        if self._items is not None and not isinstance(self._items, Shape):
            self._items = Shape(self._past, self._items, self.path + "[]")
        return self._items

    @property
    def values(self) -> Shape | None:
        """What a map with free keys holds."""
        if self._values is not None and not isinstance(self._values, Shape):
            self._values = Shape(self._past, self._values, self.path + "{}")
        return self._values

    @property
    def inside(self) -> Shape:
        """The fields under this one, through lists and maps."""
        below = self.items or self.values
        return below.inside if below is not None else self

    def later_value(self, value: object) -> str | None:
        """Why a value of the list of allowed ones that another release has is not in it."""
        return self._past.values.get(self.path, {}).get(str(value))

    def __repr__(self) -> str:
        return f"Shape({self.path or '.'}: {self.type})"


def shape_of(kind: Kind, version: str, target: Target) -> Shape | None:
    """The schema of a kind in a version at the target's release and channel; None where the tables do not hold it."""
    istio = kind.group.endswith(".istio.io")
    key = (kind, version, target.istio.release) if istio else (kind, version, target.gateway_api.release, target.channel)
    if key not in _SHAPES:
        past = past_of(kind, version, target)
        _SHAPES[key] = None if past is None else Shape(past, past.root, "")
    return _SHAPES[key]
