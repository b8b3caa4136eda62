"""Valid objects, and mutants of them with one defect at a known place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

from meshlint.model.kind import GATEWAY_API_KINDS, ISTIO_KINDS, Kind, kind_of
from meshlint.model.resource import Resource
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.target import Target, resolve_target
from meshlint.read.file import read_text
from meshlint.semantics.schema_shape import Shape, shape_of
from meshlint.semantics.schema_values import wrong_scalar, wrong_type
from meshlint.semantics.schema_walk import faults

NEWEST = resolve_target("istio=1.30,gateway-api=1.6,channel=experimental")
HERE = Path(__file__).parents[2]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # for two thousand files
_SAMPLES = [
    "reviews", "reviews.shop.svc.cluster.local", "10s", "Service", "example.com/controller", "/reviews", "0" * 64, "80", "System",
    "HTTP", "https://shop.example.com", "spiffe://cluster.local/ns/shop/sa/web", "aGVsbG8=", "x-tenant", "10.0.0.1", "", "a",
]  # fmt: skip

Path_ = tuple[Any, ...]


class Mutant(NamedTuple):
    what: str
    value: dict[str, Any]
    path: Path_
    kind: FaultKind


def resource_of(value: dict[str, Any]) -> Resource:
    root = read_text(json.dumps(value, indent=1, default=str), "object.yaml", parse_all=True).documents[0].root
    kind = kind_of(str(value["apiVersion"]), str(value["kind"]))
    assert kind is not None
    return Resource(kind, str(value["apiVersion"]), "reviews", "shop", root)


def found_in(value: dict[str, Any], target: Target = NEWEST) -> tuple[Fault, ...]:
    return faults(resource_of(value), target)


@cache
def written() -> list[dict[str, Any]]:
    """The objects of the rules' cases and of the examples that the newest releases accept, each content once."""
    seen = {}
    for path in sorted([*(HERE / "rules").rglob("*.yaml"), *(HERE.parent / "examples").rglob("*.yaml")]):
        for value in _documents(path):
            kind = kind_of(str(value.get("apiVersion", "")), str(value.get("kind", "")))
            if kind in (*ISTIO_KINDS, *GATEWAY_API_KINDS) and shape_of(kind, _version(value), NEWEST):
                seen.setdefault(json.dumps(value, default=str), value)
    return [value for value in seen.values() if not found_in(value)]


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    text = path.read_text("utf-8")
    if "{{" in text or "#@" in text:
        return
    try:
        yield from (value for value in yaml.load_all(text, Loader=_LOADER) if isinstance(value, dict))
    except yaml.YAMLError:
        return


def _version(value: dict[str, Any]) -> str:
    return str(value["apiVersion"]).rpartition("/")[2]


def generated(random: Random, count: int) -> Iterator[dict[str, Any]]:
    """Objects of every kind in turn, made from its schema."""
    kinds = [kind for kind in (*ISTIO_KINDS, *GATEWAY_API_KINDS) if NEWEST.serves(kind)]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        version = NEWEST.serves(kind)[0]
        shape = shape_of(kind, version, NEWEST)
        assert shape is not None
        spec = shape.prop("spec")
        assert spec is not None
        for _ in range(50):
            head = {"apiVersion": f"{kind.group}/{version}", "kind": kind.kind, "metadata": {"name": "reviews", "namespace": "shop"}}
            value = {**head, "spec": _made(spec, random, 0)}
            if not found_in(value):
                yield value
                break


def _made(shape: Shape, random: Random, depth: int) -> Any:
    if shape.type == "object":
        return _made_object(shape, random, depth)
    if shape.type == "array":
        assert shape.items is not None
        count = max(shape.limits.get("minI", 0), 1 if depth < 6 else 0)
        return [_made(shape.items, random, depth + 1) for _ in range(count)]
    if "enum" in shape.limits:
        return random.choice(shape.limits["enum"])
    if shape.type == "boolean":
        return random.random() < 0.5
    if shape.type in ("integer", "number"):
        return int(min(max(shape.limits.get("min", 0), random.choice([1, 5, 80])), shape.limits.get("max", 1000)))
    fits = [one for one in _SAMPLES if not list(wrong_scalar(shape, one))]
    return random.choice(fits) if fits else "reviews"


def _made_object(shape: Shape, random: Random, depth: int) -> dict[str, Any]:
    if shape.values is not None:
        return {"80" if "keyRange" in shape.limits else "app": _made(shape.values, random, depth + 1)}
    chance = 0.6 if depth < 2 else 0.35 if depth < 6 else 0.0
    names = {name for name in shape.known if name in shape.required or random.random() < chance}
    for group in (*shape.limits.get("atMostOne", ()), *shape.limits.get("exactlyOne", ())):
        kept = random.choice(group)
        names -= {name for name in group if name != kept}
    for group in (*shape.limits.get("anyOf", ()), *shape.limits.get("exactlyOne", ())):
        if not names & set(group):
            names.add(random.choice(group))
    out = {name: _made(field, random, depth + 1) for name in sorted(names) if (field := shape.prop(name)) is not None}
    for name, members in shape.limits.get("union", {}).items():
        for member in members.values():
            out.pop(member, None)
        if out.get(name) in members and (field := shape.prop(members[out[name]])) is not None:
            out[members[out[name]]] = _made(field, random, depth + 1)
    return out


# mutants


def mutants(value: dict[str, Any], random: Random) -> list[Mutant]:
    """One of each kind of defect that the object has a place for."""
    kind = kind_of(str(value["apiVersion"]), str(value["kind"]))
    assert kind is not None
    shape = shape_of(kind, _version(value), NEWEST)
    spec = shape.prop("spec") if shape is not None else None
    if spec is None or not isinstance(value.get("spec"), dict):
        return []
    places: dict[str, list[tuple[Path_, Shape, Any]]] = {"rename": [], "type": [], "enum": [], "bound": [], "missing": []}
    _places(value["spec"], spec, ("spec",), places)
    makers = {"rename": _renamed, "type": _retyped, "enum": _off_list, "bound": _out_of_bounds, "missing": _without}
    return [makers[what](copy.deepcopy(value), *random.choice(found), random) for what, found in places.items() if found]


def _places(value: Any, shape: Shape, path: Path_, out: dict[str, list[tuple[Path_, Shape, Any]]]) -> None:
    if isinstance(value, str) and "${" in value:
        return  # a template: nothing is known of it
    if shape.type not in ("any", "int-or-string") and not shape.open:
        out["type"].append((path, shape, value))
    if "enum" in shape.limits:
        out["enum"].append((path, shape, value))
    if shape.limits.keys() & {"max", "min", "maxL", "minL", "maxI", "minI", "pat"} and not isinstance(value, bool):
        out["bound"].append((path, shape, value))
    for step, field, below in _below(value, shape):
        if shape.type == "object" and shape.values is None:
            out["rename"].append(((*path, step), field, below))
            out["missing"] += [((*path, step), field, below)] if step in shape.required else []
        _places(below, field, (*path, step), out)


def _below(value: Any, shape: Shape) -> Iterator[tuple[Any, Shape, Any]]:
    if isinstance(value, dict):
        for name, below in value.items():
            field = shape.prop(name) or shape.values
            if field is not None and below is not None:
                yield name, field, below
    elif isinstance(value, list) and shape.items is not None:
        for index, below in enumerate(value):
            yield index, shape.items, below


def _set(value: Any, path: Path_, new: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        value = value[step]
    return value


def _renamed(value: dict[str, Any], path: Path_, shape: Shape, _: Any, random: Random) -> Mutant:
    name = path[-1]
    cut = random.randrange(len(name))
    other = random.choice([f"{name}x", name[:cut] + name[cut + 1 :] or "x", f"{name[:cut]}_{name[cut:]}", name.upper()])
    holder = _at(value, path[:-1])
    while other in holder or (other == name):
        other += "z"
    held = holder.pop(name)
    holder[other] = held
    return Mutant(f"rename {name} to {other}", value, (*path[:-1], other), FaultKind.UNKNOWN)


def _retyped(value: dict[str, Any], path: Path_, shape: Shape, old: Any, random: Random) -> Mutant:
    others = [one for one in ("text", 7, True, 1.5, ["a"], {"a": "b"}) if wrong_type(shape, one)]
    new = random.choice(others)
    _set(value, path, new)
    return Mutant(f"type {old!r:.30} to {new!r}", value, path, FaultKind.INVALID)


def _off_list(value: dict[str, Any], path: Path_, shape: Shape, old: Any, random: Random) -> Mutant:
    new: Any = 299 if isinstance(old, int) else random.choice([f"{old}X", "NOTHING", str(old).swapcase()])
    _set(value, path, new if new not in shape.limits["enum"] else "NOTHING")
    return Mutant(f"enum {old!r} to {new!r}", value, path, FaultKind.INVALID)


def _out_of_bounds(value: dict[str, Any], path: Path_, shape: Shape, old: Any, random: Random) -> Mutant:
    limits = shape.limits
    news: list[Any] = []
    if isinstance(old, list):
        news += [old * (limits["maxI"] + 1)] if "maxI" in limits and old else []
        news += [[]] if limits.get("minI") else []
    elif isinstance(old, str):
        news += ["a" * (limits["maxL"] + 1)] if "maxL" in limits else []
        news += [""] if limits.get("minL") else []
        news += ["\u00e4 \u00f6"] if "pat" in limits and list(wrong_scalar(shape, "\u00e4 \u00f6")) else []
    elif isinstance(old, (int, float)):
        news += [limits["max"] + 1] if "max" in limits else []
        news += [limits["min"] - 1] if "min" in limits else []
    if not news:
        return _retyped(value, path, shape, old, random)
    new = random.choice(news)
    _set(value, path, new)
    return Mutant(f"bound {old!r:.30} to {new!r:.30}", value, path, FaultKind.INVALID)


def _without(value: dict[str, Any], path: Path_, shape: Shape, old: Any, random: Random) -> Mutant:
    del _at(value, path[:-1])[path[-1]]
    return Mutant(f"without {path[-1]}", value, path[:-1], FaultKind.MISSING)


def is_found(mutant: Mutant) -> bool:
    path = _as_read(mutant)
    return any(fault.kind is mutant.kind and fault.at.path == path for fault in found_in(mutant.value))


def _as_read(mutant: Mutant) -> Path_:
    """The path with the keys of maps as they are read: a number is a text."""
    path: list[Any] = []
    value: Any = mutant.value
    for step in mutant.path:
        path.append(str(step) if isinstance(value, dict) else step)
        value = value.get(step) if isinstance(value, dict) else value[step]
    return tuple(path)


__all__ = ["Kind", "Mutant", "found_in", "generated", "is_found", "mutants", "written"]
