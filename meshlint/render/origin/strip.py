"""The annotations that say where kustomize took an object from: read, and taken out again."""

from __future__ import annotations

import re
from collections.abc import Callable

from meshlint.model.tuples import NamedTuple

ORIGIN, TRANSFORMED = "config.kubernetes.io/origin", "alpha.config.kubernetes.io/transformations"
_FIELD = re.compile(r"^\s*(?:- )?(path|configuredIn|kind|repo|name): (.*)$")


class Noted(NamedTuple):
    """One document: where it starts in the text that is left, the file it was read from as kustomize names it ("": it was
    generated), and what it was configured by: the file, and the kind of generator."""

    start: int
    path: str = ""
    configured_in: str = ""
    configured_by: str = ""


def stripped(text: str, changed: Callable[[str], str] | None = None) -> tuple[str, list[Noted]]:
    """The text without the two annotations, each document `changed`, and what the annotations say of it."""
    out: list[str] = []
    noted: list[Noted] = []
    size = 0
    for document in text.split("\n---\n"):
        kept, said = _document(document.split("\n"))
        kept = kept if changed is None else changed(kept)
        noted.append(Noted(size, said.get("path", ""), said.get("configuredIn", ""), said.get("kind", "")))
        out.append(kept)
        size += len(kept) + len("\n---\n")
    return "\n---\n".join(out), noted


def _document(lines: list[str]) -> tuple[str, dict[str, str]]:
    out: list[str] = []
    said: dict[str, str] = {}
    at = 0
    top = ""
    while at < len(lines):
        line = lines[at]
        if line[:1] not in (" ", "-", "#", ""):
            top = line
        if line == "  annotations:" and top == "metadata:":
            kept, at = _annotations(lines, at + 1, said)
            out += [line, *kept] if kept else []
            continue
        out.append(line)
        at += 1
    if "metadata:" in out and (where := out.index("metadata:")) + 1 < len(out) and not out[where + 1].startswith(" "):
        out[where] = "metadata: {}"
    return "\n".join(out), said


def _annotations(lines: list[str], at: int, said: dict[str, str]) -> tuple[list[str], int]:
    """The entries below `annotations:` that stay, and the line behind them."""
    kept: list[str] = []
    while at < len(lines) and (lines[at].startswith("    ") or not lines[at]):
        entry = [lines[at]]
        at += 1
        while at < len(lines) and _goes_on(lines, at):
            entry.append(lines[at])
            at += 1
        key = entry[0].strip().partition(":")[0].strip("\"'")
        if key == ORIGIN:
            said.update({match[1]: match[2].strip("\"' ") for line in entry[1:] if (match := _FIELD.match(line))})
        elif key != TRANSFORMED:
            kept += entry
    return kept, at


def _goes_on(lines: list[str], at: int) -> bool:
    """Is a line, which may be an empty one of a text, deeper than the entries?"""
    return lines[at].startswith("     ") or (not lines[at] and at + 1 < len(lines) and lines[at + 1].startswith("     "))
