"""YAML as people write it: values, and texts of them in every style, with comments, blank lines, quotes and odd indentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

WORDS = ["on", "off", "yes", "no", "y", "null", "~", "1.30", "0644", "1e3", "2024-01-02", "12:30", "*", "*.shop", "a: b", "a #b", "- x", ""]
KEYS = ["a", "b", "name", "istio.io/use-waypoint", "on", "1", "matchLabels", "x y", "kind-of"]
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10_000), st.sampled_from([0.5, 1e20, -3.25]), st.sampled_from(WORDS), st.sampled_from(KEYS),
    st.text("ab:#-{[],&*!|>'\"@` \\=~\u00e9\u4e2d\x85\x7f\t", max_size=6).filter(
        lambda text: not any(mark in text for mark in ("{{", "#@", "#{", "[["))
    ),
)  # fmt: skip
values = st.recursive(
    st.one_of(scalars, st.sampled_from(["one\ntwo\n", "one\ntwo", "one\n\n  two\n"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=4)
Draw = Callable[[Any], Any]


class Writer:
    """Writes a value as YAML, each time in another style."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.comments = 0
        self.step = draw(st.sampled_from([2, 2, 2, 4, 3]))
        self.dash = draw(st.sampled_from([0, 0, 2]))
        self.gap = draw(st.sampled_from([2, 2, 2, 4]))

    def chance(self, out_of: int) -> bool:
        return bool(self.draw(st.integers(0, out_of)) == 0)

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}."

    def document(self, value: Any) -> str:
        lines = self.block(value, 0)
        head = [self.comment()] if self.chance(2) else []
        return "\n".join([*head, *lines])

    def block(self, value: Any, column: int) -> list[str]:
        margin = " " * column
        out: list[str] = []
        for number, entry in enumerate(value.items() if isinstance(value, dict) else enumerate(value)):
            if number and self.chance(6):
                out.append("")
            if number and self.chance(5):
                out.append(margin + self.comment())
            lead = f"{self.scalar(entry[0])}:" if isinstance(value, dict) else "-"
            out += self.below(margin + lead, entry[1], column, isinstance(value, dict))
        return out

    def below(self, lead: str, value: Any, column: int, keyed: bool) -> list[str]:
        if isinstance(value, (dict, list)) and value and not self.chance(4):
            deeper = column + (self.gap if not keyed else self.dash if isinstance(value, list) else self.step)
            lines = self.block(value, deeper)
            if not keyed:
                return [lead + " " * (self.gap - 1) + lines[0].lstrip(" "), *lines[1:]]
            return [lead + (f" {self.comment()}" if self.chance(5) else ""), *lines]
        if isinstance(value, str) and "\n" in value and not value.startswith((" ", "\n")) and not value.endswith("\n\n"):
            body = [" " * (column + self.step) + line if line else "" for line in value.removesuffix("\n").split("\n")]
            return [lead + (" |" if value.endswith("\n") else " |-"), *body]
        if value is None and self.chance(1):
            return [lead]
        text = self.flow(value) if isinstance(value, (dict, list)) else self.scalar(value)
        return [f"{lead} {text}" + (f"  {self.comment()}" if self.chance(4) else "")]

    def scalar(self, value: Any) -> str:
        if isinstance(value, str) and "\n" not in value and value.isprintable() and self.chance(2):
            return "'" + value.replace("'", "''") + "'"
        plain = isinstance(value, str) and value.replace("-", "").isalpha() and value.isascii() and len(value) > 3 and value[0] != "-"
        return value if plain and self.chance(1) and value not in ("null",) else json.dumps(value).replace("\\u007f", "\\x7f")

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            text = ", ".join(f"{self.scalar(key)}: {self.flow(below)}" for key, below in value.items())
            return f"{{{text}}}" if self.chance(1) or not text else f"{{ {text} }}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.flow, value))}]"
        return self.scalar(value)


@st.composite
def texts(draw: Draw) -> str:
    """A text of one document."""
    return Writer(draw).document(draw(documents)) + str(draw(st.sampled_from(["\n", "\n", "", "\n\n", "\n# end\n"])))


@st.composite
def json_texts(draw: Draw) -> str:
    """The same as JSON, over several lines or on one."""
    indent = draw(st.sampled_from([None, 2, 4, "\t"]))
    tight = indent is None and draw(st.booleans())
    return json.dumps(draw(documents), indent=indent, separators=(",", ":") if tight else None) + str(draw(st.sampled_from(["", "\n"])))
