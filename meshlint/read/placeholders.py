"""Template expressions in text: what a template engine will fill in is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from meshlint.model.lazy_regex import lazy_regex

Find = Callable[[str], Any]

# A regular expression such as `^/(a|b)$`, `x{2}` or `[[:alpha:]]` is none: each form needs what no regular expression has there.
find_expression: Final = re.compile(
    r"\{\{|\{%|<%"
    r"|\$\{\{?\s*[A-Za-z_]"  # shell, Flux, Terraform; ${{ of OpenShift and GitHub
    r"|\$\([A-Za-z_]"  # kustomize variables, Kubernetes and Tekton expansion
    r"|\(@[=\- ]"  # ytt inside of text
    r"|#\{\s*[A-Za-z_]"  # Octopus, Azure DevOps
    r"|\[\[-?\s"  # Go templates with other brackets
    r"|<(?:path|secret|vault):[^<>\s]"  # plugins of Argo CD that fill in secrets
    r"|\$[A-Z_]{2}"
    r"|^\$[A-Za-z_]\w*$"
).search
_MARKS: Final = ("{{", "{%", "<%", "$", "(@", "#{", "[[", "<path:", "<secret:", "<vault:")
_POSSIBLE: Final = (
    ("$", "$", lazy_regex(r"^[ \t]*\$(?:\{\w[^}\n]*\}|[A-Z_]+)[ \t]*$", re.MULTILINE).search),  # alone on a line
    ("@", "#@", lazy_regex(r"#@[ \t]").search),
    ("[", "[[", lazy_regex(r"\[\[-?\s").search),
    ("@", "(@", lazy_regex(r"\(@[=\- ]").search),
)  # what it begins with or ends in is looked for first: one character is found several times as fast as two
_EXPRESSION: Final = lazy_regex(r"\{[{%]|<%").search
_TEXT_BEGINS: Final = lazy_regex(r"[#\"'|>]").search
_YTT: Final = lazy_regex(r"[ \t]+#@[ \t]")


def expression_finder(text: str) -> Find | None:
    """A search for an expression in a scalar; None where the whole text holds none."""
    for mark in _MARKS:
        if mark in text:
            return find_expression
    return None


def ytt_finder(text: str) -> Callable[[str, int], Any] | None:
    """A match, from the end of a scalar, of the ytt comment that gives its value."""
    return _YTT.match if "#@" in text else None


def is_template(text: str) -> bool:
    """Does the text hold expressions that can make it something other than YAML until it is rendered?"""
    if ("{" in text and ("{{" in text or "{%" in text)) or ("%" in text and "<%" in text):
        return True
    return any(character in text and mark in text and search(text) is not None for character, mark, search in _POSSIBLE)


def is_bare(text: str) -> bool:
    """Does an expression stand in no text and no comment? Of each line the first one tells."""
    match = _EXPRESSION(text)
    while match is not None:
        if not _TEXT_BEGINS(text, text.rfind("\n", 0, match.start()) + 1, match.start()):
            return True
        end = text.find("\n", match.end())
        match = _EXPRESSION(text, end) if end >= 0 else None
    return False
