"""The cases of the bundled rules, tests/rules/<rule>/<case>/, judged as meshlint.testing says."""

from __future__ import annotations

from pathlib import Path

from meshlint import testing
from meshlint.testing import Case, Expected, arguments_in, example_of, expected_in, expected_of, judge

__all__ = ["CASES", "Case", "Expected", "arguments_in", "cases", "example_of", "expected_in", "expected_of", "judge"]

CASES = Path(__file__).parent / "rules"


def cases() -> list[Case]:
    return testing.cases(CASES)
