"""Which documents of a text need no parsing, by a look at how they begin: those of kinds that nothing reads.

A head (apiVersion and kind) is believed only where it is certain: both are the first keys of the document, at column 0,
one-line scalars, and what follows them is at column 0 again; no later line at column 0 begins with `kind`, `apiVersion`,
a quote or `?`. Block scalars never reach column 0 and `---` there always ends a document, in libyaml as in go-yaml; what
does reach it is the continuation of a quoted scalar or a flow collection, hence the first two keys only. Directives,
`...`, NUL, other line breaks than LF and CRLF, and ytt comments make the whole text uncertain: it is then parsed.

A document that is left out is still there (read/partial.py composes it when something looks into it), so that answers
are the same as with parsing everything. The price: a syntax error inside of one that nothing looks into is not seen.
Documents with template expressions that could break their syntax are therefore parsed, and `parse_all` parses them all.
"""

from __future__ import annotations

import re
from typing import Final

from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import IMAGES
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.read.scalars import CONSTANTS

PARSE, LATER, CUT = "parse", "later", "cut"

_BLANKS: Final = r"(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*"
_SCALAR: Final = r"(?:\"([A-Za-z0-9_./-]+)\"|'([A-Za-z0-9_./-]+)'|([A-Za-z][A-Za-z0-9_./-]*))"
_KEY: Final = rf"(apiVersion|kind):[ \t]+{_SCALAR}[ \t]*(?:[ \t]#[^\r\n]*)?(?:\r?\n|\Z)"
_START: Final = rf"(?:---[ \t]*(?:#[^\r\n]*)?\r?\n)?{_BLANKS}"
_HEAD: Final = re.compile(rf"{_START}{_KEY}{_BLANKS}{_KEY}{_BLANKS}(?=[^ \t\r\n#]|[ \t]*(?:#[^\r\n]*)?\Z)").match
_EMPTY: Final = lazy_regex(rf"{_START}[ \t]*(?:#[^\r\n]*)?")
_UNCERTAIN: Final = lazy_regex(r"\n(?:[\"'?]|kind|apiVersion)")  # a literal first: ten times faster than ^
_LINE_BEGINS: Final = lazy_regex(r"\n[ \t]*(?:\{\{|\[\[|\$)")
_VALUE_BEGINS: Final = lazy_regex(r"[:-][ \t]+\{\{")
_HOLDS_QUOTE: Final = lazy_regex(r"\{\{[^{}\n]*[\"']")

_LARGE: Final = 1_000  # characters from which it pays to leave out a part
_BODY: Final = lazy_regex(r"\nspec:(?=[ \r\n])")
_AFTER_BODY: Final = lazy_regex(r"\n(?:metadata|\$|sops|items|<<|[&*!{\[])")
_VERSIONS: Final = ("PILOT_ENABLE_A", *IMAGES)  # looked for in every object


class Part(NamedTuple):
    """A stretch of the text and what becomes of it: PARSE it, compose it LATER, or CUT it: `end` is where the rest begins,
    which runs to `rest` and is composed later. apiVersion and kind are known of the latter two."""

    start: int
    end: int
    how: str
    api_version: str = ""
    kind: str = ""
    rest: int = 0


def plan(text: str) -> list[Part] | None:
    """The parts of a text in their order, neighbours that are parsed as one; None: parse it as a whole."""
    heads = _heads(text)
    if heads is None:
        return None
    out: list[Part] = []
    for head in heads:
        part = _judged(text, head) if head.how is LATER else head
        if part.how is PARSE and out and out[-1].how is PARSE and out[-1].end == part.start:
            out[-1] = Part(out[-1].start, part.end, PARSE)
        elif part.how is not PARSE or not _EMPTY.fullmatch(text, part.start, part.end):
            out.append(part)
    return out if any(part.how is not PARSE for part in out) else None


def _judged(text: str, part: Part) -> Part:
    """What becomes of a document with a certain head."""
    kind = kind_of(part.api_version, part.kind)
    if kind is None and not part.kind.endswith("List") and not _may_break(text, part.start, part.end):
        return part
    if kind is Kind.CRD and part.end - part.start > _LARGE and (cut := _cut(text, part)) is not None:
        return cut
    return Part(part.start, part.end, PARSE)


def _may_break(text: str, start: int, end: int) -> bool:
    """Are there template expressions that are no YAML until they are rendered?"""
    if text.find("%", start, end) >= 0 and (text.find("{%", start, end) >= 0 or text.find("<%", start, end) >= 0):
        return True
    if text.find("{{", start, end) >= 0:
        return any(form.search(text, start, end) for form in (_LINE_BEGINS, _VALUE_BEGINS, _HOLDS_QUOTE))
    marked = text.find("$", start, end) >= 0 or text.find("[[", start, end) >= 0
    return marked and _LINE_BEGINS.search(text, start, end) is not None


def _cut(text: str, part: Part) -> Part | None:
    """A CustomResourceDefinition without its body, where nothing but a status can follow that and nobody asks for what is
    in it. Block scalars, of which other large objects consist, are parsed as fast as this looks."""
    body = _BODY.search(text, part.start, part.end)
    if body is None or _AFTER_BODY.search(text, body.end(), part.end) or text.find("\nmetadata:", part.start, body.end()) < 0:
        return None
    if any(text.find(word, part.start, part.end) >= 0 for word in _VERSIONS) or _may_break(text, part.start, part.end):
        return None
    return part._replace(how=CUT, end=body.start() + 1, rest=part.end)


def _heads(text: str) -> list[Part] | None:
    """The documents; those with a certain head, of kinds that may be left out, as LATER. None: there are none, or nothing is certain."""
    if text[:1] in "%\ufeff" or text[:3] == "..." or ("@" in text and "#@" in text) or "\0" in text or _odd_breaks(text):
        return None
    out: list[Part] = []
    start = at = 0
    while (at := text.find("\n---", at) + 1) > 0:
        if text[at + 3 : at + 4] in ("", " ", "\t", "\r", "\n"):
            out.append(_head(text, start, at))
            start = at
    if start < len(text):
        out.append(_head(text, start, len(text)))
    left = any(part.how is LATER for part in out)
    return None if not left or "\n%" in text or "\n..." in text else out


def _odd_breaks(text: str) -> bool:
    """Are there line breaks that YAML 1.1 knows and this scan does not?"""
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        return True
    return not text.isascii() and any(mark in text for mark in ("\x85", "\u2028", "\u2029"))


def _head(text: str, start: int, end: int) -> Part:
    match = _HEAD(text, start, end)
    if match is None:
        return Part(start, end, PARSE)
    first, a, b, plain, second, c, d, other = match.groups()
    if first == second or plain in CONSTANTS or other in CONSTANTS:
        return Part(start, end, PARSE)
    said = {first: a or b or plain, second: c or d or other}
    kind = kind_of(said["apiVersion"], said["kind"])
    if kind not in (None, Kind.CRD) or _UNCERTAIN.search(text, match.end() - 1, end):
        return Part(start, end, PARSE)
    return Part(start, end, LATER, said["apiVersion"], said["kind"])
