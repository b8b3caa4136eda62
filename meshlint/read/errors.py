"""Why a text could not be read, and where in it."""

from __future__ import annotations

from collections.abc import Callable

from meshlint.model.position import Source


class ReadError(Exception):
    """Why a text could not be read: `rule` names the kind of trouble, `offset` the place in the text.

    `context` says what the parser was about, which began at `begin`; empty and -1 where it does not tell.
    """

    def __init__(self, rule: str, message: str, offset: int, context: str = "", begin: int = -1) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.offset = offset
        self.context = context
        self.begin = begin

    def described(self, source: Source, place: Callable[[int], int] | None = None) -> str:
        """The message with its context; `place` gives the offset in `source` of an offset in the text, where that differs."""
        if not self.context:
            return self.message
        if self.begin < 0:
            return f"{self.message} ({self.context})"
        line = source.position(place(self.begin) if place else self.begin).line + 1
        return f"{self.message} ({self.context} that starts at line {line})"

    def moved(self, shift: int) -> ReadError:
        """The same error in a text that begins `shift` characters earlier."""
        return ReadError(self.rule, self.message, self.offset + shift, self.context, self.begin + shift if self.begin >= 0 else -1)
