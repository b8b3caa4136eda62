"""The tools that render, for tests that run them."""

import pytest

from meshlint.render.run.tools import Tools, absent


def need(*tools: str) -> None:
    """Skip the test where one of the tools is not on the PATH, and say so."""
    for tool in tools:
        if Tools("/nowhere").find(tool) is None:
            pytest.skip(f"{absent(tool)} (CONTRIBUTING.md says where it comes from)")
