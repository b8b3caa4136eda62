"""Any operation on any text: the document then says exactly what was asked for, and all other text is as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from meshlint.edit.changes import Changes
from meshlint.edit.document import plain, same, with_value, without
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.model.problem import Fix
from meshlint.read.file import tables_of
from tests.unit.edit.yaml_texts import KEYS, json_texts, texts, values

LINE_ENDS = ["\n", "\r\n"]
PATHS = ["a.yaml", "a.json"]


def root_of(text: str, path: str = "a.yaml") -> Node:
    (table,) = tables_of(Source(path, text))
    return table.root


def applied(text: str, fix: Fix) -> str:
    """The edits made from the last to the first; they may not touch."""
    before = len(text) + 1
    out = text
    for edit in sorted(fix.edits, key=lambda one: one.span.start.offset, reverse=True):
        start, end = edit.span.start.offset, edit.span.end.offset
        assert start <= end < before
        out, before = out[:start] + edit.text + out[end:], start
    return out


def nodes(node: Node) -> Iterator[Node]:
    for below in [*(value for _, value in node.items()), *(node.each() if node.is_list else ())]:
        yield below
        yield from nodes(below)


def comments(text: str) -> list[str]:
    return re.findall(r"# c\d+\.", text)


@st.composite
def cases(draw: Any) -> tuple[str, Node, Node]:
    text, path = draw(st.one_of(st.tuples(texts(), st.just("a.yaml")), st.tuples(json_texts(), st.sampled_from(["a.json", "a.yaml"]))))
    text = text.replace("\n", draw(st.sampled_from(LINE_ENDS)))
    root = root_of(text, path)
    assume(same(plain(root), plain(root_of(f"{text}\n", path))))  # a block scalar that the text breaks off in changes with what follows
    return text, root, draw(st.sampled_from([*nodes(root)]))


PROPERTY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def judged(text: str, changes: Changes, expected: Any) -> str:
    """The new text; nothing is refused, and it says what is expected."""
    assert changes.refused is None, (changes.refused, text)
    fix = changes.fix("x")
    if fix is None:
        assert any(same(plain(root_of(text, path)), expected) for path in PATHS)
        return text
    new = applied(text, fix)
    path = fix.edits[0].file
    assert same(plain(root_of(new, path)), expected), (text, new)
    if path.endswith(".json"):
        assert json.loads(new) is not None
    assert "\r" not in text or new.count("\n") == new.count("\r\n")
    return new


@PROPERTY
@given(cases(), values)
def test_set(case: tuple[str, Node, Node], value: Any) -> None:
    text, root, node = case
    new = judged(text, Changes().set(node, value), with_value(plain(root), node.path, value))
    if not node.is_map and not node.is_list:
        assert comments(new) == comments(text)


@PROPERTY
@given(cases(), st.lists(st.sampled_from(KEYS), min_size=1, max_size=3), values)
def test_set_key(case: tuple[str, Node, Node], keys: list[str], value: Any) -> None:
    text, root, node = case
    at = node if node.is_map else root
    gone = at.get(*keys)
    changes = Changes().set_key(at, keys, value)
    try:
        expected = put(plain(root), (*at.path, *keys), value)
    except InTheWay:
        assert changes.refused == "there is another kind of value above it"
        return
    new = judged(text, changes, expected)
    if not gone.present or not (gone.is_map or gone.is_list):
        assert comments(new) == comments(text)


class InTheWay(Exception):
    pass


def put(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with a value at a path."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(whole, list) and isinstance(step, int):
        return [*whole[:step], put(whole[step], rest, value), *whole[step + 1 :]]
    if isinstance(whole, dict) or whole is None:
        return {**(whole or {}), step: put((whole or {}).get(step), rest, value)}
    raise InTheWay


@PROPERTY
@given(cases(), values)
def test_append(case: tuple[str, Node, Node], value: Any) -> None:
    text, root, node = case
    held = plain(node)
    if not isinstance(held, list):
        return
    new = judged(text, Changes().append(node, value), with_value(plain(root), node.path, [*held, value]))
    assert comments(new) == comments(text)


@PROPERTY
@given(cases(), st.booleans())
def test_remove(case: tuple[str, Node, Node], prune: bool) -> None:
    text, root, node = case
    changes = Changes().remove(node, prune=prune)
    expected = removed(plain(root), node.path, prune)
    if expected is None:
        assert changes.refused == "it is the whole document"
    else:
        judged(text, changes, expected)


def removed(whole: Any, path: tuple[Any, ...], prune: bool) -> Any:
    """What is left without a value; None for a document without anything."""
    left = without(whole, path)
    above = path[:-1]
    held = left
    for step in above:
        held = held[step]
    if not held and prune and above and isinstance(above[-1], str):
        return removed(whole, above, prune)
    return left or None


@PROPERTY
@given(cases(), st.sampled_from(["new", "on", "1.0"]))
def test_rename(case: tuple[str, Node, Node], key: str) -> None:
    text, root, node = case
    path = node.path
    changes = Changes().rename(node, key)
    if isinstance(path[-1], int) or root.get(*path[:-1], key).present:
        assert changes.refused
        return
    expected = with_value(without(plain(root), path), (*path[:-1], key), plain(node))
    assert comments(judged(text, changes, expected)) == comments(text)


@PROPERTY
@given(cases(), st.data())
def test_one_operation_after_another(case: tuple[str, Node, Node], data: Any) -> None:
    """Nodes of the original text lead to the same values, whatever was changed before."""
    text, root, _ = case
    expected, changes = plain(root), Changes()
    lists = [node for node in nodes(root) if node.is_list and len(plain(node)) > 1]
    if not lists:
        return
    at = data.draw(st.sampled_from(lists))
    first, *rest = at.each()
    last = rest[-1]
    changes.remove(first).set_key(root, "added", ["x"]).append(root, 5, "added").set(last, "changed")
    expected = without(expected, first.path)
    expected = with_value(expected, (*at.path, len(rest) - 1), "changed")
    judged(text, changes, {**expected, "added": ["x", 5]})
