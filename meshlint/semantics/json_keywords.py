"""The keywords of JSON schemas that rules as data know: each compiles to a judge of one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Union

from meshlint.model.node import UNKNOWN, Node, Value
from meshlint.semantics.as_written import TEMPLATE_KEY
from meshlint.semantics.json_combined import all_of, any_of, if_then, not_of, one_of, reference
from meshlint.semantics.json_schema import (
    BROKEN,
    HOLDS,
    MAYBE,
    YES,
    Context,
    Judge,
    SchemaError,
    Verdict,
    View,
    broken,
    is_type,
    plain,
    together,
    type_names,
    wants_type,
)

Maker = Callable[[Node, Context], Union[Judge, None]]
def _missing(view: View, verdict: Verdict) -> Verdict:
    """Where more may be there than is written, nothing is missed."""
    return MAYBE if view.open else verdict


# values


def _type(at: Node, context: Context) -> Judge:
    names = type_names(at)
    wants = wants_type(names)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        return YES if any(is_type(value, name) for name in names) else broken(node, wants, "type")

    return judge


def _one_of_values(nodes: Sequence[Node], context: Context, keyword: str) -> Judge:
    budget = context.budget
    allowed = {plain(one, budget) for one in nodes}
    shown = " or ".join(_shown(one) for one in nodes[:12])
    wants = f"must be {shown if len(nodes) < 13 else f'one of {len(nodes)} values'}"

    def judge(node: Node, value: Any, view: View) -> Verdict:
        here = plain(node, view.budget)
        if here is UNKNOWN:
            return MAYBE
        return YES if here in allowed else broken(node, wants, keyword)

    return judge


def _enum(at: Node, context: Context) -> Judge:
    if not at.is_list:
        raise SchemaError(at, "enum must be a list")
    return _one_of_values(list(at.each()), context, "enum")


def _const(at: Node, context: Context) -> Judge:
    return _one_of_values([at], context, "const")


def _shown(node: Node) -> str:
    if node.is_map or node.is_list:
        return "a certain mapping" if node.is_map else "a certain list"
    return f'"{node.value}"' if isinstance(node.value, str) else str(node.value).lower() if node.value is not None else "null"


def _limit(name: str, of: Callable[[Value], Union[float, None]], holds: Callable[[float, float], bool], wants: str) -> Maker:
    """A bound on a number that is taken from the value; None: the keyword does not speak of such values."""

    def make(at: Node, context: Context) -> Judge:
        bound = at.value
        if not isinstance(bound, (int, float)) or isinstance(bound, bool):
            raise SchemaError(at, f"{name} must be a number")
        number = bound

        def judge(node: Node, value: Any, view: View) -> Verdict:
            if value is UNKNOWN:
                return MAYBE
            measured = of(value)
            if measured is None or holds(measured, number):
                return YES
            verdict = broken(node, wants.format(number), name)
            return _missing(view, verdict) if name in ("minItems", "minProperties") else verdict

        return judge

    return make


def _number(value: Value) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _length(of: type) -> Callable[[Value], Union[float, None]]:
    return lambda value: len(value) if isinstance(value, of) else None  # type: ignore[arg-type]


def _at_least(measured: float, bound: float) -> bool:
    return measured >= bound


def _at_most(measured: float, bound: float) -> bool:
    return measured <= bound


def _above(measured: float, bound: float) -> bool:
    return measured > bound


def _below(measured: float, bound: float) -> bool:
    return measured < bound


def _pattern(at: Node, context: Context) -> Judge:
    pattern = context.pattern(at, at.text)
    wants = f"must match {at.text}"

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        return YES if not isinstance(value, str) or pattern.search(value, view.budget) else broken(node, wants, "pattern")

    return judge


# mappings


def _properties(at: Node, context: Context) -> Judge:
    schemas = {key: context.below(below) for key, below in at.items()}

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        if not isinstance(value, dict):
            return YES
        entries = view.entries(node)
        return together([schema.judge(entries[key], view) for key, schema in schemas.items() if key in entries])

    return judge


def _pattern_properties(at: Node, context: Context) -> Judge:
    schemas = [(context.pattern(below, key), context.below(below)) for key, below in at.items()]

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        entries = view.entries(node)
        return together([
            schema.judge(below, view)
            for key, below in entries.items()
            for pattern, schema in schemas
            if pattern.search(key, view.budget)
        ])  # fmt: skip

    return judge


def _additional(at: Node, context: Context) -> Judge:
    schema = context.below(at)
    named = frozenset(key for key, _ in context.made.at.get("properties").items())
    patterns = [context.pattern(below, key) for key, below in context.made.at.get("patternProperties").items()]
    forbidden = at.value is False

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        out = []
        for key, below in view.entries(node).items():
            if TEMPLATE_KEY.search(key):
                continue
            if key not in named and not any(pattern.search(key, view.budget) for pattern in patterns):
                said = broken(below, f'"{key}" must not be there', "additionalProperties", key)
                out.append(said if forbidden else schema.judge(below, view))
        return together(out)

    return judge


def _required(at: Node, context: Context) -> Judge:
    keys = _texts(at)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        return _all_there(node, value, keys, view, "required")

    return judge


def _all_there(node: Node, value: Value, keys: Sequence[str], view: View, keyword: str) -> Verdict:
    if not isinstance(value, dict):
        return YES
    entries = view.entries(node)
    missed = [broken(node.get(key), f'"{key}" is missing', keyword, key) for key in keys if key not in entries]
    return _missing(view, together(missed)) if missed else YES


def _dependent(at: Node, context: Context) -> Judge:
    needs = {key: _texts(below) for key, below in at.items()}

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        entries = view.entries(node)
        return together([_all_there(node, value, keys, view, "dependentRequired") for key, keys in needs.items() if key in entries])

    return judge


def _texts(at: Node) -> list[str]:
    found = [one.text for one in at.each()]
    if not at.is_list or None in found:
        raise SchemaError(at, "this must be a list of text")
    return [text for text in found if text is not None]


# lists


def _items(at: Node, context: Context) -> Judge:
    schema = context.below(at)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        return together([schema.judge(item, view) for item in node.each()]) if isinstance(value, list) else YES

    return judge


def _contains(at: Node, context: Context) -> Judge:
    schema = context.below(at)
    least, most = (context.made.at.get(key).value for key in ("minContains", "maxContains"))
    lower = least if isinstance(least, int) else 1

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        if not isinstance(value, list):
            return YES
        states = [schema.judge(item, view).state for item in node.each()]
        sure, possible = states.count(HOLDS), len(states) - states.count(BROKEN)
        if possible < lower:
            return _missing(view, broken(node, f"must hold {lower} of what is asked for, and holds {possible}", "contains"))
        if isinstance(most, int) and sure > most:
            return broken(node, f"must hold at most {most} of what is meant, and holds {sure}", "contains")
        return YES if sure >= lower and not (isinstance(most, int) and possible > most) else MAYBE

    return judge


def _unique(at: Node, context: Context) -> Judge | None:
    if not at.value:
        return None

    def judge(node: Node, value: Any, view: View) -> Verdict:
        if value is UNKNOWN:
            return MAYBE
        if not isinstance(value, list):
            return YES
        seen: set[Any] = set()
        state = YES
        for item in node.each():
            here = plain(item, view.budget)
            if here is UNKNOWN:
                state = MAYBE
            elif here in seen:
                return broken(item, "must not be there twice", "uniqueItems")
            seen.add(here)
        return state

    return judge


def _told_elsewhere(at: Node, context: Context) -> None:
    """The keyword beside it reads this one."""
    return


KEYWORDS: Final[Mapping[str, Maker]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _limit("minimum", _number, _at_least, "must be at least {}"),
    "maximum": _limit("maximum", _number, _at_most, "must be at most {}"),
    "exclusiveMinimum": _limit("exclusiveMinimum", _number, _above, "must be more than {}"),
    "exclusiveMaximum": _limit("exclusiveMaximum", _number, _below, "must be less than {}"),
    "minLength": _limit("minLength", _length(str), _at_least, "must have at least {} characters"),
    "maxLength": _limit("maxLength", _length(str), _at_most, "must have at most {} characters"),
    "minItems": _limit("minItems", _length(list), _at_least, "must have at least {} entries"),
    "maxItems": _limit("maxItems", _length(list), _at_most, "must have at most {} entries"),
    "minProperties": _limit("minProperties", _length(dict), _at_least, "must have at least {} keys"),
    "maxProperties": _limit("maxProperties", _length(dict), _at_most, "must have at most {} keys"),
    "pattern": _pattern,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "required": _required,
    "dependentRequired": _dependent,
    "items": _items,
    "contains": _contains,
    "minContains": _told_elsewhere,
    "maxContains": _told_elsewhere,
    "uniqueItems": _unique,
    "allOf": all_of,
    "anyOf": any_of,
    "oneOf": one_of,
    "not": not_of,
    "if": if_then,
    "then": _told_elsewhere,
    "else": _told_elsewhere,
    "$ref": reference,
}
