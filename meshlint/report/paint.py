"""Colour for the terminal: a style is a name, and without colour it is nothing."""

from __future__ import annotations

_CODES = {"error": "1;31", "warning": "1;33", "note": "1;36", "strong": "1", "gutter": "34", "help": "32", "dim": "2", "good": "32"}


class Paint:
    """`paint("error", text)`: the text in the style's colour, or as it is."""

    __slots__ = ("color",)

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and text else text
