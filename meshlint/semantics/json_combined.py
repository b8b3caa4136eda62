"""Keywords that judge one value by several schemas: allOf, anyOf, oneOf, not, if, $ref."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.node import Node
from meshlint.semantics.json_schema import (
    BROKEN,
    HOLDS,
    MAYBE,
    UNSURE,
    YES,
    Breach,
    Context,
    Judge,
    Schema,
    SchemaError,
    Verdict,
    View,
    broken,
    resolved,
    together,
)


def all_of(at: Node, context: Context) -> Judge:
    schemas = _schemas(at, context)
    return lambda node, value, view: together([schema.judge(node, view) for schema in schemas])


def any_of(at: Node, context: Context) -> Judge:
    schemas = _schemas(at, context)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        verdicts = [schema.judge(node, view) for schema in schemas]
        state = max(verdict.state for verdict in verdicts)
        if state == BROKEN:
            return Verdict(BROKEN, (_nearest(node, verdicts, "anyOf"),))
        return YES if state == HOLDS else MAYBE

    return judge


def one_of(at: Node, context: Context) -> Judge:
    schemas = _schemas(at, context)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        verdicts = [schema.judge(node, view) for schema in schemas]
        states = [verdict.state for verdict in verdicts]
        if states.count(HOLDS) > 1:
            return broken(node, "must be one of several forms, and is two at once", "oneOf")
        if UNSURE in states:
            return MAYBE
        return YES if HOLDS in states else Verdict(BROKEN, (_nearest(node, verdicts, "oneOf"),))

    return judge


def _nearest(node: Node, verdicts: Sequence[Verdict], keyword: str) -> Breach:
    """The breach inside of the value, if all forms but one fail at the value itself; else that of the value."""
    inside = [one.breaches for one in verdicts if all(breach.at != node or breach.key for breach in one.breaches)]
    if len(inside) == 1 and len(inside[0]) == 1:
        return inside[0][0]
    wants = dict.fromkeys(breach.wants for one in verdicts for breach in one.breaches if breach.at == node and not breach.key)
    return Breach(node, ", or ".join(wants) if len(wants) == len(verdicts) else "must have another form", keyword)


def not_of(at: Node, context: Context) -> Judge:
    schema = context.same(at)

    def judge(node: Node, value: Any, view: View) -> Verdict:
        state = schema.judge(node, view).state
        if state == HOLDS:
            return broken(node, "must not be of this form", "not")
        return YES if state == BROKEN else MAYBE

    return judge


def if_then(at: Node, context: Context) -> Judge:
    condition = context.same(at)
    branches = {HOLDS: context.sibling("then"), BROKEN: context.sibling("else")}

    def judge(node: Node, value: Any, view: View) -> Verdict:
        state = condition.judge(node, view).state
        if state != UNSURE:
            return _judged(branches[state], node, view)
        both = together([_judged(schema, node, view) for schema in branches.values()])
        return YES if both.state == HOLDS else MAYBE

    return judge


def _judged(schema: Schema | None, node: Node, view: View) -> Verdict:
    return schema.judge(node, view) if schema is not None else YES


def reference(at: Node, context: Context) -> Judge:
    schema = context.reference(at)
    return lambda node, value, view: resolved(schema).judge(node, view)


def _schemas(at: Node, context: Context) -> list[Schema]:
    if not at.is_list or not any(True for _ in at.each()):
        raise SchemaError(at, "this must be a list of schemas, and not empty")
    return [context.same(below) for below in at.each()]
