"""Texts and tables that are made when they are first looked at: most of a repository never is."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
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
INSTALLED: Final = ("istiod", "pilot", "ztunnel", "istio-cni", "istio-csr", "cilium")
WORDS: Final = frozenset((*SUPPRESSING, *MESH_CONFIG, *IMAGES, ALPHA_FLAG, *INSTALLED))
_LONG: Final = 32_000  # characters
_TOGETHER: Final = (  # words that one look at a text can exclude
    (re.compile("meshlint").search, SUPPRESSING),
    (re.compile("PILOT_ENABLE_A").search, ("PILOT_ENABLE_AMBIENT", ALPHA_FLAG)),
    (re.compile("istio").search, ("istiod", "istio-cni", "istio-csr")),
    (re.compile("pilot").search, ("pilot", "/pilot")),
    (re.compile("ztunnel").search, ("ztunnel", "/ztunnel")),
)
_ALONE: Final = sorted(WORDS.difference(*(words for _, words in _TOGETHER)))


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

    __slots__ = ()

    def __init__(self, path: str, read: Callable[[], str]) -> None:
        super().__init__(path, "")
        self.let_go(read, {})

    def now_holds(self, words: Collection[str]) -> None:
        """Which of WORDS the text holds."""
        self.held = _answers(tuple(words))


def let_go(source: Source, read: Callable[[], str]) -> None:
    """Forget a long text of which little is looked at again: `read` gives it where that is wrong."""
    if len(source.text) > _LONG:
        source.let_go(read, _answers(tuple(words_of(source))))


def words_of(source: Source) -> list[str]:
    """Which of WORDS a text holds, in few looks at it, and only once."""
    if source.held:
        return [word for word in sorted(WORDS) if source.held[word]]
    text = source.text
    found = [word for word in _ALONE if word in text]
    for begin, words in _TOGETHER:
        if begin(text):
            found += [word for word in words if word in text]
    found.sort()
    source.held = _answers(tuple(found))
    return found


@lru_cache(1_000)
def _answers(words: tuple[str, ...]) -> Mapping[str, bool]:
    """For each of WORDS, is it one of these? Most texts hold none."""
    return {word: word in words for word in WORDS}
