"""Durations of Istio as the Gateway API writes them (GEP-2257: whole numbers with h, m, s, ms)."""

from __future__ import annotations

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node, scalar_text
from meshlint.semantics.convert.stay import Stay

_NANOSECONDS = {"h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 1000, "µs": 1000, "ns": 1}
_PART = lazy_regex(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)")
_LARGEST = 99_999


def milliseconds(node: Node) -> int:
    """1.5s: 1500. Stay where it is no duration, or finer than a millisecond."""
    text = scalar_text(node.value)
    from fractions import Fraction

    parts = _PART.findall(text)
    total = sum((Fraction(number) * _NANOSECONDS[unit] for number, unit in parts), Fraction(0)) / 10**6
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise Stay(node, f"has {text or 'nothing'} for a duration, which is none")
    if total.denominator != 1:
        raise Stay(node, f"has the duration {text}, and the Gateway API counts whole milliseconds")
    return int(total)


def duration(node: Node) -> str:
    """1.5s: 1s500ms."""
    rest = milliseconds(node)
    hours, rest = divmod(rest, 3_600_000) if rest >= _LARGEST * 1000 else (0, rest)
    if hours > _LARGEST:
        raise Stay(node, "has a duration of more than 99999 hours")
    minutes, rest = divmod(rest, 60_000) if hours or not rest % 60_000 else (0, rest)
    seconds, rest = divmod(rest, 1000)
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"), (rest, "ms"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
