"""Regular expressions that are compiled when they are first used: a run needs few of those that its modules hold."""

from __future__ import annotations

import re
from typing import Any, cast


class _Later:
    """A pattern to be. What is asked of it is kept, so that every call but the first costs what it would cost without."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._pattern, self._flags), name)
        setattr(self, name, found)
        return found


def lazy_regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """What re.compile gives, made later. For what a run may not need; `flags` as there."""
    return cast("re.Pattern[str]", _Later(pattern, flags))
