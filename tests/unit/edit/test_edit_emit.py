"""New scalars: every parser reads them as what they are."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.edit.document import plain, same
from meshlint.edit.emit import Style, entry, is_plain, lines_of, scalar
from meshlint.model.position import Source
from meshlint.read.compose import compose
from tests.unit.edit.yaml_texts import values


@pytest.mark.parametrize(
    "text",
    ["on", "Off", "YES", "n", "y", "~", "null", "Null", "true", "1", "1.30", "0644", "0o17", "0x1f", "1e3", "1_000", ".5", ".inf",
     "-.inf",     ".nan", "12:30", "1:2:3", "2024-01-02", "2024-1-2", "=", "<<", "", " a", "a ", "a: b", "a #b", "a:", "- a",
     "? a", "*", "*.shop", "&a", "!a",
     "@a", "%a", "`a", "|", ">", "{a", "[a", "a,b", "a\tb", "a\nb", "\x85", "\u2028", "\ufeff", "99999999999999999999", "+1", "-0"],
)  # fmt: skip
def test_needs_quotes(text: str) -> None:
    assert not is_plain(text)
    assert yaml.safe_load(f"a: {scalar(text)}") == {"a": text}


@pytest.mark.parametrize(
    "text",
    [
        "a", "reviews", "v1", "1.30.3", "10.0.0.1", "10s", "a/b", "istio.io/use-waypoint", "spiffe://cluster.local/ns/a", "a b",
        "a-b_c", "http2", "$x", "nope", "one",
    ],
)  # fmt: skip
def test_needs_none(text: str) -> None:
    assert scalar(text) == text
    assert yaml.safe_load(f"{{a: {text}}}") == {"a": text}


def test_preferred_quotes() -> None:
    assert scalar("on", prefer="'") == "'on'"
    assert scalar("it's", "'") == "'it''s'"
    assert scalar("a\nb", "'") == '"a\\nb"'
    assert scalar("plain", '"') == '"plain"'


@settings(max_examples=150, deadline=None)
@given(values, st.sampled_from([2, 4]), st.sampled_from([0, 2]), st.sampled_from([2, 4]))
def test_any_value_is_read_back(value: Any, step: int, dash: int, gap: int) -> None:
    style = Style(step=step, dash=dash, gap=gap)
    text = "\n".join(entry("key", value, style)) + "\n"
    (table,) = compose(text, Source("a.yaml", text))
    assert same(plain(table.root), {"key": value}), text


def test_the_form_is_that_of_people() -> None:
    value: Any = {"kind": "X", "spec": {"list": [{"a": 1, "b": []}, "c"], "none": {}, "text": "one\ntwo\n"}}
    assert lines_of(value, Style()) == [
        "kind: X", "spec:", "  list:", "  - a: 1", "    b: []", "  - c", "  none: {}", "  text: |", "    one", "    two",
    ]  # fmt: skip
