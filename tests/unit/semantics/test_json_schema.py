"""Schemas of rules as data: the same verdict as jsonschema's, at the exact place, and nothing concluded from templates."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest

from meshlint.model.node import Node, dotted
from meshlint.read.file import read_text
from meshlint.semantics.json_compile import compiled
from meshlint.semantics.json_keywords import KEYWORDS
from meshlint.semantics.json_schema import BROKEN, HOLDS, UNSURE, SchemaError, Verdict, View
from meshlint.semantics.patterns import Budget, LimitError

ORACLE = jsonschema.Draft202012Validator


def node(text: str) -> Node:
    (document,) = read_text("root:\n" + "".join(f"  {line}\n" for line in text.splitlines()), "a.yaml").documents
    return document.root.get("root")


def of(value: object) -> Node:
    (document,) = read_text(json.dumps({"root": value}), "a.json").documents
    return document.root.get("root")


def judged(schema: object, value: Node, open: bool = False) -> Verdict:
    return compiled(of(schema), Budget()).judge(value, View(Budget(), open))


def said(schema: object, value: object) -> list[tuple[str, str]]:
    return [(dotted(one.at.path[1:]), one.wants) for one in judged(schema, of(value)).breaches]


def _value(chance: random.Random, depth: int) -> Any:
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        return chance.choice([None, True, False, 0, 1, 1.0, 2.5, -1, "", "a", "ab", "b1", [], {}])
    if kind < 0.75:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice("abc"): _value(chance, depth - 1) for _ in range(chance.randrange(4))}


def _schema(chance: random.Random, depth: int) -> Any:
    if depth == 0 or chance.random() < 0.08:
        return chance.random() < 0.7
    out: dict[str, Any] = {}
    for _ in range(chance.randrange(1, 4)):
        key = chance.choice(sorted(KEYWORDS))
        out.update(_keyword(chance, key, depth - 1))
    return out


def _keyword(chance: random.Random, key: str, depth: int) -> dict[str, Any]:
    if key == "type":
        return {key: chance.choice(["null", "boolean", "object", "array", "number", "string", "integer", ["integer", "string"]])}
    if key in ("enum", "const"):
        return {key: [_value(chance, 1) for _ in range(3)] if key == "enum" else _value(chance, 2)}
    if key.startswith(("min", "max", "exclusive")):
        return {key: chance.randrange(3)}
    if key == "pattern":
        return {key: chance.choice(["^a", "b$", "[0-9]"])}
    if key in ("properties", "patternProperties"):
        return {key: {chance.choice("abc"): _schema(chance, depth) for _ in range(2)}}
    if key in ("required", "dependentRequired"):
        names = chance.sample("abc", chance.randrange(3))
        return {key: names if key == "required" else {chance.choice("abc"): names}}
    if key == "uniqueItems":
        return {key: True}
    if key in ("allOf", "anyOf", "oneOf"):
        return {key: [_schema(chance, depth) for _ in range(chance.randrange(1, 4))]}
    if key in ("if", "then", "else"):
        return {one: _schema(chance, depth) for one in ("if", "then", "else")}
    return {key: "#/$defs/x" if key == "$ref" else _schema(chance, depth)}


@pytest.mark.parametrize("seed", range(5))
def test_it_judges_as_jsonschema_does(seed: int) -> None:
    chance = random.Random(seed)
    compared = 0
    for _ in range(300):
        made = _schema(chance, 4)
        schema = {"$defs": {"x": _schema(chance, 2)}, **(made if isinstance(made, dict) else {})}
        try:
            compiled(of(schema), Budget())
        except SchemaError:
            continue  # it refers to itself
        for _ in range(4):
            value = _value(chance, 3)
            expected = HOLDS if ORACLE(schema).is_valid(value) else BROKEN
            assert judged(schema, of(value)).state == expected, (schema, value)
            compared += 1
    assert compared > 800


# places


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]}, [("a[1]", "must be text")]),
        ({"properties": {"a": {"enum": ["x", 2]}}}, {"a": "y"}, [("a", 'must be "x" or 2')]),
        ({"required": ["a", "b"]}, {"b": 1}, [("", '"a" is missing')]),
        ({"properties": {"a": True}, "additionalProperties": False}, {"a": 1, "z": {"b": 1}}, [("z", '"z" must not be there')]),
        ({"properties": {"a": False}}, {"a": 1}, [("a", "must not be there")]),
        ({"items": {"pattern": "^a"}}, ["a", "b", "c"], [("[1]", "must match ^a"), ("[2]", "must match ^a")]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], [("[1]", "must not be there twice")]),
        ({"contains": {"const": 1}}, [2], [("", "must hold 1 of what is asked for, and holds 0")]),
        ({"anyOf": [{"type": "string"}, {"properties": {"a": {"maximum": 1}}, "type": "object"}]}, {"a": 2}, [("a", "must be at most 1")]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, [("", "must be text, or must be null")]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 1}]}, 2, [("", "must be one of several forms, and is two at once")]),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, [("", '"b" is missing')]),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, [("", '"b" is missing')]),
    ],
)
def test_the_place_is_exact(schema: object, value: object, expected: list[tuple[str, str]]) -> None:
    assert said(schema, value) == expected


def test_an_absent_value_stands_at_its_parent() -> None:
    (breach,) = judged({"properties": {"a": {"required": ["b"]}}}, node("a:\n  c: 1")).breaches
    assert not breach.at.present and breach.at.place[0].line == 1 and breach.key == "b"


# what is not known


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"enum": ["x"]}, {"const": 1}, {"pattern": "x"}, {"minimum": 1}, {"required": ["a"]}, {"items": False},
     {"not": {"type": "string"}}, {"anyOf": [{"const": 1}, {"const": 2}]}, {"oneOf": [{"const": 1}, True]}, {"contains": True},
     {"if": {"const": 1}, "then": False}, {"allOf": [{"minLength": 1}]}, {"properties": {"a": True}}, {"uniqueItems": True}],
)  # fmt: skip
def test_a_template_neither_holds_nor_breaks(schema: object) -> None:
    assert judged({"properties": {"x": schema}}, node("x: '{{ .Values.x }}'")).state == UNSURE


def test_one_breach_is_certain_whatever_a_template_fills_in() -> None:
    value = node("x: '{{ .Values.x }}'\nz: 1")
    assert judged({"properties": {"x": {"type": "string"}, "z": {"type": "string"}}}, value).state == BROKEN
    assert judged({"enum": [{"x": 1}]}, value).state == UNSURE
    assert judged({"required": ["z"]}, value).state == HOLDS


def test_nothing_is_missed_where_more_may_be_there() -> None:
    value = node("a: [1]")
    for schema in ({"required": ["b"]}, {"minProperties": 2}, {"properties": {"a": {"contains": {"const": 2}, "minItems": 2}}}):
        assert judged(schema, value).state == BROKEN
        assert judged(schema, value, open=True).state == UNSURE
    assert judged({"properties": {"a": {"items": {"const": 2}}}}, value, open=True).state == BROKEN


# schemas that cannot be used


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"typ": "string"}, "typ is not supported; did you mean type?"),
        ({"format": "uri"}, "format is not supported"),
        ({"type": "text"}, "type 'text' is none of"),
        ({"properties": {"a": 5}}, "a schema must be a mapping, true or false"),
        ({"required": "a"}, "this must be a list of text"),
        ({"minimum": "1"}, "minimum must be a number"),
        ({"allOf": []}, "this must be a list of schemas"),
        ({"pattern": "(a"}, "pattern '(a': a group is not closed"),
        ({"patternProperties": {"[": True}}, "it ends too early"),
        ({"$ref": "https://example.com/schema.json"}, "nothing is read or fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is read or fetched"),
        ({"$ref": "other.json#/$defs/a"}, "nothing is read or fetched"),
        ({"$ref": "#"}, "nothing is read or fetched"),
        ({"$ref": "#/$defs/none"}, "nothing is read or fetched"),
        ({"$dynamicRef": "#x"}, "$dynamicRef is not supported"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "refers to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [True, {"not": {"$ref": "#/$defs/a"}}]}}}, "refers to itself"),
    ],
)
def test_a_schema_that_cannot_be_used(schema: object, message: str) -> None:
    with pytest.raises(SchemaError) as raised:
        compiled(of(schema), Budget())
    assert message in str(raised.value)


def test_a_schema_may_refer_to_itself_going_down() -> None:
    tree = {"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "additionalProperties": {"$ref": "#/$defs/t"}}}}
    assert judged(tree, of({"a": {"b": {}}})).state == HOLDS
    assert [(dotted(one.at.path[1:]), one.keyword) for one in judged(tree, of({"a": {"b": 1}})).breaches] == [("a.b", "type")]


def test_hostile_schemas_end() -> None:
    doubling: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    doubling["d60"] = {"type": "object"}
    assert judged({"$ref": "#/$defs/d0", "$defs": doubling}, of({})).state == HOLDS
    deep: Any = {}
    for _ in range(100):
        deep = {"not": deep}
    with pytest.raises(SchemaError, match="inside of one another"):
        compiled(of(deep), Budget())
    with pytest.raises(SchemaError, match="more than 5000 schemas"):
        compiled(of({"properties": {str(n): {} for n in range(6000)}}), Budget())
    with pytest.raises(LimitError):
        compiled(of({"items": {"enum": [1, 2]}}), Budget()).judge(of(list(range(1000))), View(Budget(500)))
