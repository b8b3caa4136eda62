"""What an entry of Flux's valuesFrom takes, and its `targetPath`: one text that is put at a path, as Helm does with `--set`."""

from __future__ import annotations

from typing import Final

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node

_PLAIN: Final = lazy_regex(r"[\w-]+(?:\.[\w-]+)*")
_WORDS: Final[dict[str, object]] = {"true": True, "false": False, "null": None, "0": 0}
_NUMBER: Final = lazy_regex(r"[+-]?[1-9][0-9]{0,17}")
_QUOTES: Final = "'\""


def key_of(item: Node) -> str:
    """The key of the ConfigMap or Secret that an entry takes."""
    return item.get("valuesKey").text or "values.yaml"


def steps_of(path: str, text: str) -> tuple[str, ...] | None:
    """The keys of the path; None where Helm makes more of the path or the text than one value below some keys."""
    if not _PLAIN.fullmatch(path) or text.startswith(("{", "[")) or (not _quoted(text) and any(mark in text for mark in ",\\")):
        return None
    return tuple(path.split("."))


def typed(text: str) -> object:
    """The value that a text stands for: a switch or a whole number, else itself. Quoted it stays a text."""
    if _quoted(text):
        return text.strip(_QUOTES)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else text


def _quoted(text: str) -> bool:
    return any(text.startswith(quote) and text.endswith(quote) for quote in _QUOTES)
