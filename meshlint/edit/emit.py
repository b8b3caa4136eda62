"""New values as text: block YAML, flow YAML and JSON. The same value and style give the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Union

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.read.scalars import resolve

Plain = Union[None, bool, int, float, str, Mapping[str, "Plain"], Sequence["Plain"]]

_PLAIN: Final = lazy_regex(r"[A-Za-z0-9_./$^+(\\][A-Za-z0-9 _./$^+()\\~:;=?<-]*\Z")
_ODD: Final = lazy_regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|<<\Z|=\Z")
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Style(NamedTuple):
    """How a document is written: columns of a nested mapping, columns of a list's dashes below their key, from a dash to
    its value, which quotes; whether it is JSON, with what margin for each level, and without blanks."""

    step: int = 2
    dash: int = 0
    gap: int = 2
    quote: str = '"'
    newline: str = "\n"
    json: bool = False
    unit: str = "  "
    tight: bool = False


def scalar(value: Plain, quote: str = "", prefer: str = '"') -> str:
    """A scalar on one line. `quote`: strings get these quotes in any case; `prefer`: they do where they need some."""
    if isinstance(value, str):
        if not quote and is_plain(value):
            return value
        return quoted(value, quote or ("'" if '"' in value and "'" not in value else prefer))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    assert isinstance(value, (int, float)), f"{type(value).__name__} is no scalar"
    return _number(value)


@lru_cache(4096)
def is_plain(text: str) -> bool:
    """Can every YAML parser, of 1.1 or 1.2, read the text without quotes as this string?"""
    if not _PLAIN.match(text) or text.endswith((" ", ":")) or ": " in text or _ODD.match(text):
        return False
    return isinstance(resolve(text), str) and isinstance(resolve(text.lower()), str) and not _like_a_number(text)


def is_plain_in_block(text: str) -> bool:
    """The same of a value on a line of its own, where the marks of flow collections say nothing."""
    if text.isprintable() and _PLAIN.match(text[:1]) and not re.search(r": |:\Z| #| \Z|\{\{", text) and not _ODD.match(text):
        return isinstance(resolve(text), str) and isinstance(resolve(text.lower()), str) and not _like_a_number(text)
    return False


def _like_a_number(text: str) -> bool:
    """What is a number to some: 0o17 of YAML 1.2, or more digits than 64 bits hold."""
    try:
        float(text.replace("_", ""))
    except ValueError:
        return re.match(r"[-+]?0[oOxXbB][0-9a-fA-F_]*\Z", text) is not None
    return True


def quoted(text: str, quote: str) -> str:
    """The text in quotes; in double ones where single ones cannot hold it."""
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_ESCAPED.get(char) or (char if char.isprintable() else _escape(ord(char))) for char in text) + '"'


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _number(value: float) -> str:
    text = repr(value)
    if text in ("nan", "inf", "-inf"):
        return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}[text]
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def is_block(value: Plain) -> bool:
    """Does it take lines of its own: a mapping or list with something in it, or a text of several lines?"""
    if isinstance(value, str):
        return is_literal(value)
    return bool(value) if isinstance(value, (dict, list, tuple, Mapping)) else False


def is_literal(text: str) -> bool:
    """Is the text best written as a literal block? It has several lines, and none that a block would change."""
    if "\n" not in text:
        return False
    body = text[:-1] if text.endswith("\n") else text
    if not body or body.endswith("\n") or body[0] in " \n":
        return False
    lines = body.split("\n")
    return all(line.replace("\t", " ").isprintable() for line in lines) and not lines[-1].isspace()


def lines_of(value: Plain, style: Style) -> list[str]:
    """A value in block style, line by line, from column 0. The first line of a literal block is its sign."""
    if not is_block(value):
        return [inline(value, style)]
    if isinstance(value, str):
        return ["|" if value.endswith("\n") else "|-", *indented(value.removesuffix("\n").split("\n"), style.step)]
    if isinstance(value, (dict, Mapping)):
        return [line for key, below in value.items() for line in entry(key, below, style)]
    assert isinstance(value, (list, tuple))
    return [line for below in value for line in item(below, style)]


def entry(key: str, value: Plain, style: Style) -> list[str]:
    """A key with its value, in block style."""
    name = scalar(key, prefer=style.quote)
    first, *rest = lines = lines_of(value, style)
    if isinstance(value, str) or not is_block(value):
        return [f"{name}: {first}", *rest]
    return [f"{name}:", *indented(lines, style.dash if isinstance(value, (list, tuple)) else style.step)]


def item(value: Plain, style: Style) -> list[str]:
    """A list item in block style."""
    first, *rest = lines_of(value, style)
    lines = [f"-{' ' * (style.gap - 1)}{first}"]
    return [*lines, *(rest if isinstance(value, str) else indented(rest, style.gap))]


def indented(lines: Sequence[str], columns: int) -> Sequence[str]:
    margin = " " * columns
    return [margin + line if line else line for line in lines] if columns else lines


def inline(value: Plain, style: Style) -> str:
    """A value in flow style, on one line."""
    if style.json:
        import json

        return _visible(json.dumps(value, ensure_ascii=False, separators=(",", ":") if style.tight else None))
    if isinstance(value, str):
        return _flow_scalar(value, style)
    if isinstance(value, (dict, Mapping)):
        pairs = (f"{_flow_scalar(key, style)}: {inline(below, style)}" for key, below in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(inline(below, style) for below in value)}]"
    return _flow_scalar(value, style)


def _flow_scalar(value: Plain, style: Style) -> str:
    return scalar(value, prefer=style.quote)


def spread(value: Plain, style: Style, margin: str) -> str:
    """JSON over several lines; all but the first begin with `margin`."""
    import json

    return _visible(json.dumps(value, ensure_ascii=False, indent=style.unit)).replace("\n", style.newline + margin)


def _visible(text: str) -> str:
    """JSON whose strings hold no line breaks of YAML and nothing else that is not seen."""
    return re.sub("[\x7f-\U0010ffff]", lambda char: char[0] if char[0].isprintable() else _json_escape(char[0]), text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
