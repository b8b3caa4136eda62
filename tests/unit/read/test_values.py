"""A table of plain values holds what reading them as JSON gives."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.read.values import table_of

TEXTS = st.text(st.sampled_from("ab1:-\n\u00e9{}$[]#@ ")) | st.sampled_from(["$NAME", "{{ .Values.x }}", "on", "", "0644"])
VALUES = st.recursive(  # what grows too large is thrown away and made again, so the width has a bound
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | TEXTS,
    lambda below: st.lists(below, max_size=5) | st.dictionaries(TEXTS, below, max_size=5),
)


@settings(max_examples=150)
@given(st.dictionaries(TEXTS, VALUES, max_size=6))
def test_values_are_those_of_their_json(value: Any) -> None:
    text = json.dumps(value)
    (read,) = compose(text, Source("made.json", text))
    made = table_of(value, Source("made.json", ""))
    assert (made.values, made.steps, made.parents) == (read.values, read.steps, read.parents)
    assert [at < 0 for at in made.key_starts] == [at < 0 for at in read.key_starts]
