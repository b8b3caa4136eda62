"""What a text that cannot be parsed seems to hold: kinds, and of which group where several have a kind of the name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from meshlint.model.kind import LINKERD_KINDS, RETIRED_KINDS, Kind
from meshlint.model.lazy_regex import lazy_regex

_BEGINS: Final = r"^([ \t]*(?:-[ \t]+)?)[\"']?"
_KIND: Final = lazy_regex(_BEGINS + r"kind[\"']?:[ \t]*[\"']?(\w+)", re.MULTILINE)
_GROUP: Final = lazy_regex(_BEGINS + r"apiVersion[\"']?:[ \t]*[\"']?(?:([A-Za-z0-9.-]+)/)?", re.MULTILINE)
_DOCUMENT: Final = lazy_regex(r"^---", re.MULTILINE)
_OWN: Final = Counter(kind.kind for kind in Kind if kind not in LINKERD_KINDS and kind not in RETIRED_KINDS)


def guess_kinds(text: str) -> tuple[str, ...]:
    """The kinds that a text seems to hold, sorted: what a person would see in it."""
    return tuple(sorted({match[2] for match in _KIND.finditer(text)}))


def guess_groups(text: str) -> tuple[str, ...]:
    """Of these the ones that several groups have a kind of, as GROUP/KIND where the text tells the group, sorted."""
    return tuple(sorted({name for part in _DOCUMENT.split(text) for name in _grouped(part)}))


def said(kinds: Iterable[str]) -> str:
    """For a message: the names, sorted; of GROUP/KIND both, in place of the name alone."""
    names = {*kinds}
    told = {name.rpartition("/")[2] for name in names if "/" in name}
    return ", ".join(sorted(_title(name) for name in names - told))


def _title(name: str) -> str:
    group, _, kind = name.rpartition("/")
    return f"{kind} ({group})" if group else kind


def _grouped(document: str) -> Iterator[str]:
    """The apiVersion of an object stands in the column of its kind; where several do there, which one is meant is not told."""
    kinds = [match for match in _KIND.finditer(document) if _OWN[match[2]] > 1]
    groups: dict[int, set[str]] = {}
    for match in _GROUP.finditer(document) if kinds else ():
        groups.setdefault(len(match[1]), set()).add(match[2] or "")
    for match in kinds:
        found = groups.get(len(match[1]), set())
        if len(found) == 1 and (group := min(found)):
            yield f"{group}/{match[2]}"
