"""Long texts change only where they differ, however they are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.edit.changes import Changes
from meshlint.edit.document import plain
from tests.unit.edit.test_edit_property import applied, root_of

QUERY = 'sum(rate(istio_requests_total{reporter="destination", app="it\'s"}[5m]))\n/ sum(rate(other{reporter="destination"}[5m]))\nend'


def written(form: str, text: str) -> str:
    if form == "double":
        return f"a: {json.dumps(text)} # c\nb: 1\n"
    if form == "folded double":
        return "a: " + json.dumps(text).replace(", ", ",\n  ") + "\nb: 1\n"
    if form == "single":
        return "a: '" + text.replace("'", "''").replace("\n", "\n\n  ") + "'\nb: 1\n"
    lines = "\n".join(f"    {line}" if line else "" for line in text.removesuffix("\n").split("\n"))
    return f"a: |{'' if text.endswith(chr(10)) else '-'} # c\n{lines}\nb: 1\n"


@pytest.mark.parametrize("form", ["double", "folded double", "single", "block"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_the_words_that_differ_are_edited(form: str, newline: str) -> None:
    text = written(form, QUERY).replace("\n", newline)
    node = root_of(text).get("a")
    assert node.text == QUERY
    new = QUERY.replace('="destination"', '=~"destination|waypoint"')
    fix = Changes().set(node, new).fix("x")
    assert fix is not None
    assert sorted(edit.text for edit in fix.edits) == ["|waypoint", "|waypoint", "~", "~"]
    assert plain(root_of(applied(text, fix))) == {"a": new, "b": 1}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "b: 1\n"])
def test_a_block_whose_last_line_goes_keeps_no_blanks(newline: str, tail: str) -> None:
    text = f"a: |\n  first, which is long enough to be changed in places\n  # between\n  last\n{tail}".replace("\n", newline)
    node = root_of(text).get("a")
    fix = Changes().set(node, (node.text or "").replace("last\n", "")).fix("x")
    assert fix is not None
    assert applied(text, fix) == text.replace(f"  last{newline}", "")


@pytest.mark.parametrize(
    ("old", "new"), [
        ('sum(a{b="c"}) > 1', 'sum(a{b=~"c|d"}) > 1'), ("a/b", "a/b,c/d"), ("a", "a's [b] {c}"),
    ],
)  # fmt: skip
def test_a_text_without_quotes_needs_none_for_marks_of_flow_collections(old: str, new: str) -> None:
    text = f"a: {old} # c\nb:\n- {old}\n"
    fix = Changes().set(root_of(text).get("a"), new).set(root_of(text).get("b", 0), new).fix("x")
    assert fix is not None
    assert applied(text, fix) == f"a: {new} # c\nb:\n- {new}\n"


@pytest.mark.parametrize("new", ["a: b", "a #b", "a ", "a:", "on", "1", "{a}", "*a", "a\tb", "- a", "@a"])
def test_what_needs_quotes_gets_them(new: str) -> None:
    text = "a: plain\n"
    fix = Changes().set(root_of(text).get("a"), new).fix("x")
    assert fix is not None
    made = applied(text, fix)
    assert made[3] in "\"'" and plain(root_of(made)) == {"a": new}


TEXTS = st.text('ab \n"\'\\:#[\u00e9', min_size=1, max_size=60)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(["double", "block"]))
def test_any_change(head: str, old: str, new: str, tail: str, form: str) -> None:
    before, after = f"x{head}{old}{tail}x\n", f"x{head}{new}{tail}x\n"
    text = written(form, before)
    value: Any = plain(root_of(text))
    if value != {"a": before, "b": 1}:
        return
    fix = Changes().set(root_of(text).get("a"), after).fix("x")
    assert (fix is None) == (before == after)
    assert plain(root_of(applied(text, fix) if fix else text)) == {"a": after, "b": 1}
