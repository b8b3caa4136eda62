"""Slips of the pen."""

from __future__ import annotations

import pytest

from meshlint.model.names import slip_of


@pytest.mark.parametrize(
    ("written", "known", "found"),
    [
        ("crat", "cart", True), ("carts", "cart", True), ("crt", "cart", True), ("cert", "cart", True), ("egde-1", "edge-1", True),
        ("cart", "cart", False), ("cart-v2", "cart-v1", False), ("cart2", "cart", False), ("web-a", "web-b", False), ("ab", "abc", False),
        ("internal", "external", False), ("egress", "ingress", False), ("a-web", "web", False), ("trac", "cart", False),
    ],
)  # fmt: skip
def test_slip(written: str, known: str, found: bool) -> None:
    assert (slip_of(written, ["other", known]) == known) is found
