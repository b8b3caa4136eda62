"""Patterns of paths as Argo CD writes them: a star stays in its folder, two cross folders."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

_ANY = "**"


def fits(pattern: str, path: str) -> bool:
    """Does the pattern take the whole path?"""
    wanted, first, last, deep = _parts(pattern)
    if not (path.startswith(first) and path.endswith(last)) or (not deep and path.count("/") != len(wanted) - 1):
        return False
    return _fits(wanted, path.split("/"))


@lru_cache(200)
def _parts(pattern: str) -> tuple[tuple[str, ...], str, str, bool]:
    """The steps of a pattern; how every path begins and ends that it takes; may it cross folders?"""
    wanted = tuple(pattern.removeprefix("./").strip("/").replace("[^", "[!").split("/"))
    first, last = (step if not set(step) & set("*?[") else "" for step in (wanted[0], wanted[-1]))
    return wanted, first, last, _ANY in wanted


def _fits(wanted: Sequence[str], steps: Sequence[str]) -> bool:
    """Step by step, with all places that the pattern may have reached by then: a stranger's pattern takes no more time."""
    reached = _past({0}, wanted)
    for step in steps:
        reached = _past({after for at in reached if at < len(wanted) for after in _after(wanted, at, step)}, wanted)
    return len(wanted) in reached


def _after(wanted: Sequence[str], at: int, step: str) -> tuple[int, ...]:
    if wanted[at] == _ANY:
        return (at, at + 1)
    return (at + 1,) if fnmatchcase(step, wanted[at]) else ()


def _past(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """Two stars may take no step, except at the end."""
    out = set(reached)
    for at in sorted(reached):
        while at < len(wanted) - 1 and wanted[at] == _ANY:
            at += 1
            out.add(at)
    return out
