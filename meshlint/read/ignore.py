"""Ignore rules in git's notation, read by pathspec; pathspec is loaded only where there is a rule."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from meshlint.model.tuples import NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Rules(NamedTuple):
    """The rules of one folder; `base` is that folder relative to the root, with a slash behind it (empty: the root)."""

    base: str
    spec: GitIgnoreSpec


def parse(lines: Iterable[str]) -> GitIgnoreSpec:
    """The rules of some lines; a line that is no pattern is passed over, as git does."""
    from pathspec import GitIgnoreSpec

    kept = list(lines)
    try:
        return GitIgnoreSpec.from_lines(kept)
    except ValueError:
        return GitIgnoreSpec.from_lines([line for line in kept if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def rules_of(file: str, base: str) -> Rules | None:
    """The rules in a file such as .gitignore; None where there is none."""
    try:
        if not os.path.isfile(file):
            return None
        with open(file, encoding="utf-8-sig", errors="surrogateescape") as lines:
            return Rules(base, parse(lines.read().splitlines()))
    except OSError:
        return None


def ignored(path: str, rules: tuple[Rules, ...]) -> bool:
    """Is the path (relative to the root, a folder with a slash behind it) ignored? The innermost rule that matches decides."""
    for base, spec in reversed(rules):
        verdict = spec.check_file(path[len(base) :]).include
        if verdict is not None:
            return bool(verdict)
    return False
