"""Colour and links for the terminal: a style is a name, and without colour it is nothing."""

from __future__ import annotations

_CODES = {"error": "1;31", "warning": "1;33", "note": "1;36", "strong": "1", "gutter": "34", "help": "32", "dim": "2", "good": "32"}


class Paint:
    """`paint("error", text)`: the text in the style's colour, or as it is. `links`: the terminal shows hyperlinks."""

    __slots__ = ("color", "links")

    def __init__(self, color: bool, links: bool = False) -> None:
        self.color = color
        self.links = links

    def __call__(self, style: str, text: str) -> str:
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and text else text

    def link(self, text: str, address: str) -> str:
        """The text as a hyperlink (OSC 8), where the terminal shows them."""
        return f"\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\" if self.links and address else text
