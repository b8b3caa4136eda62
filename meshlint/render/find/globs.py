"""Patterns of paths as Argo CD writes them: a star stays in its folder, two cross folders."""

from __future__ import annotations

import re
from functools import lru_cache

_PART = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]]*\]|.")
_AS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    parts = _PART.findall(pattern)
    text = "".join(_AS.get(part) or (part if len(part) > 1 else re.escape(part)) for part in parts)
    try:
        return re.compile(text.replace("[!", "[^"), re.DOTALL)
    except re.error:
        return None


def fits(pattern: str, path: str) -> bool:
    """Does the pattern take the whole path?"""
    compiled = _compiled(pattern.removeprefix("./").strip("/"))
    return compiled is not None and compiled.fullmatch(path) is not None
