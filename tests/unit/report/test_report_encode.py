"""Both encoders of JSON give the same bytes, and reports of many findings are those of few, continued."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_factories import finding, full

from meshlint.model.problem import Location
from meshlint.report import encode, json_v1, sarif
from meshlint.report.encode import encoder
from meshlint.report.result import Result

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters()),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
)


@given(value=VALUES, compact=st.booleans())
def test_many_values_are_written_as_few_are(value: Any, compact: bool) -> None:
    few, many = encoder(1, compact=compact)(value), encoder(10_000, compact=compact)(value)
    assert few == many
    few.encode()


@pytest.mark.parametrize("count", [1, 10_000])
def test_a_byte_that_is_not_utf_8_is_replaced(count: int) -> None:
    assert encoder(count)({"file": "a\udce9.yaml"}) == '{"file": "a\ufffd.yaml"}'


@pytest.mark.parametrize("write", [json_v1.write, sarif.write])
def test_reports_of_many_findings(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = full()
    odd = finding(Location('caf\udce9 "results":[].yaml', 1, 1, 1, 2), message='says "results":[ and\n\x1b\x7f\u2028\U0001f600')
    run = run._replace(findings=tuple(sorted((*run.findings, odd), key=lambda one: one.order)))
    slow = text(write, run)
    monkeypatch.setattr(encode, "_MANY", 1)
    assert text(write, run) == slow
    json.loads(slow)


def text(write: Any, run: Result) -> str:
    out = io.StringIO()
    write(run, out)
    return out.getvalue()
