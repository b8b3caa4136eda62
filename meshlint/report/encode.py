"""JSON text of values. Two encoders give the same bytes: the one that is several times as fast is imported for much only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from meshlint.report.visible import decodable

Encode = Callable[[Any], str]
_MANY = 500  # values, from which the import pays


def encoder(count: int, *, compact: bool = False) -> Encode:
    """What makes text, on one line, of each of `count` values. `compact`: without blanks."""
    import json

    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":") if compact else None).encode

    def slow(value: Any) -> str:
        return decodable(encode(value))

    return slow if count < _MANY else _quick(slow, compact)


def _quick(slow: Encode, compact: bool) -> Encode:
    from msgspec import json

    def quick(value: Any) -> str:
        try:
            text = json.encode(value)
        except UnicodeEncodeError:  # a byte of a file name that is not UTF-8
            return slow(value)
        return (text if compact else json.format(text, indent=0)).decode()

    return quick
