"""Limits of single values: types, lists of allowed values, bounds, patterns, durations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.names import close_name
from meshlint.model.node import UNKNOWN
from meshlint.semantics.schema_shape import Shape

_CALLED = {
    dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number", type(None): "null",
}  # fmt: skip
_WANTED = {
    "object": "an object", "array": "a list", "string": "a string", "boolean": "true or false", "integer": "an integer",
    "number": "a number", "int-or-string": "an integer or a string",
}  # fmt: skip
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = lazy_regex(r"[-+]?(?:0|(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z")
_PART = lazy_regex(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_INT32 = 2**31
_LONGEST = 4_096  # characters that a pattern is asked of: the most that any field with one takes
SAME = {r"^[!-~]+([\t ]?[!-~]+)*$": r"^[!-~]+([\t ][!-~]+)*$"}
"""Patterns of CRDs that Python, unlike Go, would try in all ways, with others for the same texts."""
_BASE64 = lazy_regex(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")


def wrong_type(shape: Shape, value: Any) -> str | None:
    """What is said of a value that is not of the type; None where it is, or where a template fills it in."""
    if value is UNKNOWN or _fits(shape.type, value):
        return None
    said = f"{_shown(value)}, {_called(value)}" if not isinstance(value, (dict, list)) and value is not None else _called(value)
    return f"is {said}; it must be {_WANTED[shape.type]}"


def _called(value: Any) -> str:
    return next(text for kind, text in _CALLED.items() if isinstance(value, kind))


def _fits(wanted: str, value: Any) -> bool:
    if wanted == "any":
        return True
    if isinstance(value, bool):
        return wanted == "boolean"
    if isinstance(value, (int, float)):
        whole = isinstance(value, int) or value.is_integer()
        return wanted == "number" or (wanted in ("integer", "int-or-string") and whole)
    if isinstance(value, str):
        return wanted in ("string", "int-or-string")
    return wanted == ("object" if isinstance(value, dict) else "array" if isinstance(value, list) else "")


def wrong_scalar(shape: Shape, value: Any) -> Iterator[tuple[str, str]]:
    """What is said of a value of the right type, with a remedy (or none)."""
    for key, limit in shape.limits.items():
        check = _CHECKS.get(key)
        if check is not None and (said := check(shape, value, limit)):
            yield said
            return


def _enum(shape: Shape, value: Any, allowed: list[Any]) -> tuple[str, str] | None:
    if value in allowed:
        return None
    if (why := shape.later_value(value)) is not None:
        return f"is {_shown(value)}, which {why}", ""
    near = _near(value, allowed)
    hint = f"Did you mean {near}?" if near else ""
    return f"is {_shown(value)}; it must be {_listed(allowed)}", hint


def _near(value: Any, allowed: list[Any]) -> str | None:
    if not isinstance(value, str):
        return None
    known = [one for one in allowed if isinstance(one, str)]
    folded = plain_name(value)
    return next((one for one in known if plain_name(one) == folded), None) or close_name(value.upper(), known) or close_name(value, known)


def plain_name(name: str) -> str:
    """A name without what people mix up: case, underscores and dashes."""
    return name.replace("_", "").replace("-", "").casefold()


def _listed(allowed: list[Any]) -> str:
    shown = [str(one) if one != "" else '""' for one in allowed]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _pattern(shape: Shape, value: Any, pattern: str) -> tuple[str, str] | None:
    if not isinstance(value, str) or has_form(value, pattern):
        return None
    return f"is {_shown(value)}, which does not have the form that the API server wants here: {pattern}", ""


def has_form(value: str, pattern: str) -> bool:
    """Does a text match the pattern of a CRD? Longer ones than any field with a pattern takes count as if."""
    text = f"{value}\n" if value.endswith("\n") else value  # for Python, $ also stands before the last line break
    return len(text) > _LONGEST or re.search(SAME.get(pattern, pattern), text, re.ASCII) is not None


def _minimum(shape: Shape, value: Any, least: float) -> tuple[str, str] | None:
    if not isinstance(value, (int, float)) or value >= least:
        return None
    return f"is {_shown(value)}; it must be at least {least}", ""


def _maximum(shape: Shape, value: Any, most: float) -> tuple[str, str] | None:
    return (f"is {_shown(value)}; it must be at most {most}", "") if isinstance(value, (int, float)) and value > most else None


def _shortest(shape: Shape, value: Any, least: int) -> tuple[str, str] | None:
    if not isinstance(value, str) or len(value) >= least:
        return None
    return ("is empty" if not value else f"is {_shown(value)}, shorter than {least} characters"), ""


def _longest(shape: Shape, value: Any, most: int) -> tuple[str, str] | None:
    if not isinstance(value, str) or len(value) <= most:
        return None
    return (f"is {_shown(value)}; it must be empty" if most == 0 else f"is {len(value)} characters long; at most {most} are allowed"), ""


def _format(shape: Shape, value: Any, form: str) -> tuple[str, str] | None:
    if form == "int32" and isinstance(value, (int, float)) and not -_INT32 <= value < _INT32:
        return f"is {_shown(value)}; it must fit into 32 bits", ""
    if form == "byte" and isinstance(value, str) and not _BASE64.match(value.replace("\n", "").replace("\r", "")):
        return f"is {_shown(value)}, which is not base64", ""
    return None


def _duration(shape: Shape, value: Any, least: str) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return None
    seconds = seconds_of(value)
    if seconds is None:
        return f"is {_shown(value)}, which is no duration", "Write a number with a unit: 500ms, 10s, 1m30s, 1h."
    lowest = seconds_of(least)
    return None if lowest is None or seconds >= lowest else (f"is {_shown(value)}; it must be at least {least}", "")


def seconds_of(text: str) -> float | None:
    """A duration as Go writes it, in seconds; None where it is none."""
    if not _DURATION.match(text):
        return None
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return -total if text.startswith("-") else total


def _forbidden(shape: Shape, value: Any, values: list[Any]) -> tuple[str, str] | None:
    return (f"is {_shown(value)}, which is not allowed here", "") if value in values else None


def _no_star(shape: Shape, value: Any, _: int) -> tuple[str, str] | None:
    return (f"is {_shown(value)}; wildcards are not allowed here", "") if isinstance(value, str) and "*" in value else None


def _shown(value: Any) -> str:
    if isinstance(value, str):
        text = value if len(value) <= 60 else f"{value[:57]}..."
        return f'"{text}"'.replace("\n", "\\n")
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


_CHECKS: dict[str, Callable[[Shape, Any, Any], tuple[str, str] | None]] = {
    "enum": _enum, "minL": _shortest, "maxL": _longest, "pat": _pattern, "min": _minimum, "max": _maximum, "fmt": _format,
    "minDur": _duration, "not": _forbidden, "noStar": _no_star,
}  # fmt: skip
