"""Places in a text: lines of all three kinds of line breaks, and two ways to ask for them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from meshlint.model.position import Source
from meshlint.model.problem import Location

TEXTS = st.text(st.sampled_from("ab\n\r\u2028\U0001f600"))


@given(TEXTS)
def test_lines_begin_behind_line_breaks(text: str) -> None:
    assert list(Source("a", text).line_starts) == [0, *(match.end() for match in re.finditer("\r\n|\n|\r", text))]


@given(TEXTS, st.integers(-2, 40), st.integers(-2, 40))
def test_a_region_is_a_span_that_counts_from_one(text: str, start: int, end: int) -> None:
    source = Source("a", text)
    assert Location("a", *source.region(start, end)) == Location.of("a", source.span(start, end))
