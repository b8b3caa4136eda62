"""Texts and tables that are made when they are first looked at: most of a repository never is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from meshlint.model.node import Table
from meshlint.model.position import Source

_COLUMNS: Final = ("values", "steps", "parents", "starts", "ends", "key_starts", "key_ends")


class LaterTable(Table):
    """A table whose columns `make` gives. An empty slot asks for them; from then on this is a table like any other."""

    __slots__ = ("make",)

    def __init__(self, source: Source, make: Callable[[Source], Table]) -> None:
        self.source = source
        self.exact = True
        self.make = make

    def __getattr__(self, name: str) -> Any:
        if name not in _COLUMNS:
            raise AttributeError(name)
        made = self.make(self.source)
        for column in _COLUMNS:
            setattr(self, column, getattr(made, column))
        return getattr(made, name)

    @property
    def made(self) -> bool:
        """Has it been looked at?"""
        try:
            object.__getattribute__(self, "values")
        except AttributeError:
            return False
        return True


class LaterSource(Source):
    """A file's text that `read` gives."""

    __slots__ = ("read",)

    def __init__(self, path: str, read: Callable[[], str]) -> None:
        self.path = path
        self.read = read
        self._starts = None

    def __getattr__(self, name: str) -> Any:
        if name != "text":
            raise AttributeError(name)
        self.text = self.read()
        return self.text
