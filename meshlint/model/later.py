"""Texts and tables that are made when they are first looked at: most of a repository never is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from meshlint.model.node import Table
from meshlint.model.position import Source

COLUMNS: Final = ("values", "steps", "parents", "starts", "ends", "key_starts", "key_ends")

# WORDS are those that all texts are searched for, so that the answers can be kept instead of the texts.
COMMENT: Final = "meshlint:"
ANNOTATION: Final = "meshlint.dev/ignore"
SUPPRESSING: Final = (COMMENT, ANNOTATION)
MESH_CONFIG: Final = (
    "outboundTrafficPolicy", "meshConfig", "PILOT_ENABLE_AMBIENT", "defaultConfig", "rootNamespace", "ExportTo", "localityLbSetting",
    "serviceEntryVisibility",
)  # fmt: skip
IMAGES: Final = ("/pilot", "/proxyv2", "/install-cni", "/ztunnel")
ALPHA_FLAG: Final = "PILOT_ENABLE_ALPHA_GATEWAY_API"
WORDS: Final = frozenset((*SUPPRESSING, *IMAGES, ALPHA_FLAG))
_IMAGE: Final = re.compile("/(?:pilot|proxyv2|install-cni|ztunnel)").search  # all of IMAGES at once


class LaterTable(Table):
    """A table whose columns `make` gives. An empty slot asks for them; from then on this is a table like any other."""

    __slots__ = ("make",)

    def __init__(self, source: Source, make: Callable[[Source], Table]) -> None:
        self.source = source
        self.exact = True
        self.origins = self._keys = None
        self.make = make

    def __getattr__(self, name: str) -> Any:
        if name not in COLUMNS:
            raise AttributeError(name)
        made = self.make(self.source)
        for column in COLUMNS:
            setattr(self, column, getattr(made, column))
        return getattr(made, name)


class LaterSource(Source):
    """A file's text that `read` gives."""

    __slots__ = ("_held", "read")

    def __init__(self, path: str, read: Callable[[], str]) -> None:
        self.path = path
        self.read = read
        self._held: frozenset[str] | None = None
        self._starts = None

    def __getattr__(self, name: str) -> Any:
        if name != "text":
            raise AttributeError(name)
        self.text = self.read()
        return self.text

    def now_holds(self, words: Iterable[str]) -> None:
        """Which of WORDS the text holds."""
        self._held = frozenset(words)

    def holds(self, word: str) -> bool:
        return word in self._held if self._held is not None and word in WORDS else word in self.text


def words_of(source: Source) -> list[str]:
    """Which of WORDS a text holds, in few looks at it."""
    if isinstance(source, LaterSource):
        return [word for word in sorted(WORDS) if source.holds(word)]
    text = source.text
    found = [ALPHA_FLAG] if ALPHA_FLAG in text else []
    found += [word for word in SUPPRESSING if word in text] if "meshlint" in text else []
    return sorted([*found, *(word for word in IMAGES if word in text)] if _IMAGE(text) else found)
