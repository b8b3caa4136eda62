"""Judges a configuration by schemas/meshlint/config.v1.json and says what is wrong in words, with the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from meshlint.facts import table

_TYPES = {"string": "text", "array": "a list", "object": "a table", "boolean": "true or false", "integer": "a whole number"}
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_STEP = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def problems(data: dict[str, Any], text: str, path: str, prefix: tuple[str, ...]) -> Iterator[str]:
    """Everything wrong with a configuration, a line each, in the order of the keys."""
    if not data:
        return
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(table("meshlint/config.v1"))
    for error in sorted(validator.iter_errors(data), key=lambda error: [str(step) for step in error.absolute_path]):
        yield from _said(error, text, path, prefix)


def _said(error: Any, text: str, path: str, prefix: tuple[str, ...]) -> Iterator[str]:
    if error.validator == "oneOf" and error.context:
        yield from _said(_closest(error), text, path, prefix)
        return
    keys = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.validator_value, bool):
        known = list(error.schema["properties"])
        for key in error.instance:
            if key not in known:
                where = at(text, path, (*prefix, *keys, key))
                yield f"{where} {_dotted((*keys, key))}: unknown key{_nearest(key, known)}"
        return
    yield f"{at(text, path, (*prefix, *keys))} {_dotted(keys)}: {_expected(error)}"


def _closest(error: Any) -> Any:
    """Of the alternatives, the complaint of the one that has the value's type; else that none has it."""
    fitting = [below for below in error.context if below.validator != "type" or len(below.absolute_path) > len(error.absolute_path)]
    return fitting[0] if fitting else error.context[-1]


def _expected(error: Any) -> str:
    value = error.validator_value
    if error.validator == "enum":
        return f"{error.instance!r} is none of {', '.join(map(str, value))}{_nearest(str(error.instance), list(value))}"
    if error.validator == "type":
        return f"must be {_TYPES.get(value, value)}, not {error.instance!r}"
    if error.validator == "required":
        return f"needs {' and '.join(key for key in value if key not in error.instance)}"
    if error.validator == "pattern":
        return f"{error.instance!r} is not one of {value[2 : value.index(')')].replace('|', ', ')} (or FORMAT=FILE)"
    if error.validator in ("minLength", "minItems"):
        return "must not be empty"
    if error.validator == "minimum":
        return f"must be at least {value}, not {error.instance}"
    return str(error.message)


def _nearest(word: str, known: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word.replace("_", "-").lower(), known, n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else f"; known: {', '.join(known)}" if len(known) < 9 else ""


def _dotted(keys: tuple[Any, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).lstrip(".") or "configuration"


def at(text: str, path: str, keys: tuple[Any, ...]) -> str:
    """path:line: of a key, or of the nearest table above it; path: alone where it stands nowhere by itself."""
    line = line_of(text, keys)
    return f"{path}:{line}:" if line else f"{path}:"


def line_of(text: str, keys: tuple[Any, ...]) -> int | None:
    """The line (from 1) whose key or table header comes nearest to a path; indices count the headers of a list of tables."""
    table_keys: tuple[Any, ...] = ()
    counts: dict[tuple[Any, ...], int] = {}
    best, found = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            here: tuple[Any, ...] = _steps(header[1])
            if line.lstrip().startswith("[["):
                counts[here] = counts.get(here, -1) + 1
                here = (*here, counts[here])
            table_keys = here
        elif key := _KEY.match(line):
            here = (*table_keys, *_steps(key[1]))
        else:
            continue
        if best < len(here) <= len(keys) and here == keys[: len(here)]:
            best, found = len(here), number
    return found


def _steps(dotted: str) -> tuple[str, ...]:
    return tuple(step.strip("\"'") for step in _STEP.findall(dotted))
