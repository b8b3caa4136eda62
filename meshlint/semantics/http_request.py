"""Sample requests: does a match take one, and which one would two matches both take?

Regular expressions of a repository are never run: what they take is read off those that are a text, or the beginning of one
and `.*` or `.+` after it; of all others only that they take nothing which does not begin as they do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Union

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.http_match import Match, Text, Texts, trimmed

_TOKEN = lazy_regex(r"(?P<plain>[^\\.+*?()|\[\]{}^$])|\\(?P<escaped>[^0-9A-Za-z])|(?P<other>.)", re.DOTALL)
_QUANTIFIER = "*?{"
_READ = ("", ".*", ".+")
_PRECISE = ("exact", "prefix", "regex", "present")
_ELSE = "~"  # what no match is likely to name
Answer = Union[bool, None]  # None: not known
Value = Union[str, Text]


class Request(NamedTuple):
    """A value that is a Text is one that this expression takes, whatever it is. `taken` is the same for the path, of which the
    beginning is known (`path`)."""

    path: str
    method: Value = ""
    headers: Mapping[str, Value] = {}
    query: Mapping[str, Value] = {}
    other: Mapping[str, Value] = {}
    taken: Text | None = None


def fits(match: Match, request: Request, segments: bool) -> Answer:
    """Does a match take a request? `segments`: a prefix is compared by whole segments."""
    known = _path_fits(match.path, request, segments)
    if known is False:
        return False
    for answer in _conditions_met(match, request):
        if answer is False:
            return False
        if answer is None:
            known = None
    return known


def _conditions_met(match: Match, request: Request) -> Iterator[Answer]:
    """Does the request meet each condition but that on the path?"""
    if match.method is not None:
        yield _text_fits(match.method, request.method or None)
    for wanted, held in ((match.headers, request.headers), (match.query, request.query), (match.other, request.other)):
        for key, text in wanted.items():
            yield _text_fits(text, held.get(key))
    for key, text in match.without.items():
        yield _not(_text_fits(text, request.headers.get(key)))


def shared(one: Match, other: Match) -> Iterator[Request]:
    """Requests that both matches may take."""
    request = _meeting(one, other)
    texts = [match.path or Text("prefix", "/") for match in (one, other)]
    for path in _paths(*texts):
        yield request._replace(path=path)
    for text in texts:
        if _is_opaque(text):
            yield request._replace(path=_split(text.value)[0], taken=text)


def _meeting(one: Match, other: Match) -> Request:
    """A request that meets the conditions of both but that on the path."""
    method = _value(one.method, other.method) if one.method or other.method else ""
    return Request("/", method, _values(one.headers, other.headers), _values(one.query, other.query), _values(one.other, other.other))


def beside(match: Match, prefix: str, others: list[Match]) -> Iterator[Request]:
    """Requests that a match takes by its prefix as text only: /api~, and what other matches name."""
    named = [other.path.value for other in others if other.path is not None and other.path.kind != "regex"]
    longer = [path for path in named if path.startswith(prefix) and path != prefix and not path.startswith(prefix + "/")]
    samples: list[Request] = []
    for other in others:
        alike = _meeting(match, other)
        if alike not in samples:
            samples.append(alike)
    for request in samples:
        for path in (prefix + _ELSE, *longer):
            yield request._replace(path=path)


def _is_opaque(text: Text) -> bool:
    return text.kind == "regex" and _split(text.value)[1].removesuffix("$") not in _READ


def _values(one: Texts, other: Texts) -> dict[str, Value]:
    return {key: _value(one.get(key), other.get(key)) for key in {**one, **other}} if one or other else {}


def _value(one: Text | None, other: Text | None) -> Value:
    """A text that may meet both conditions."""
    texts = sorted((text for text in (one, other) if text is not None), key=lambda text: _PRECISE.index(text.kind))
    if texts[0].kind == "exact":
        return texts[0].value
    opaque = next((text for text in texts if _is_opaque(text)), None)
    return opaque or max((_sample(text) for text in texts), key=len)


def _sample(text: Text) -> str:
    if text.kind == "regex":
        literal, rest = _split(text.value)
        return literal + _ELSE if rest else literal
    return text.value + _ELSE


def _paths(one: Text, other: Text) -> Iterator[str]:
    for text in sorted((one, other), key=lambda text: -len(text.value)):
        if text.kind == "regex":
            yield from dict.fromkeys((_split(text.value)[0], _sample(text), "/" + _ELSE))
        else:
            yield text.value
            if text.kind == "prefix":
                yield f"{text.value.removesuffix('/')}/{_ELSE}"


def _path_fits(wanted: Text | None, request: Request, segments: bool) -> Answer:
    path = request.path
    if wanted is None or wanted == request.taken:
        return True
    if request.taken is not None:
        return _beginning_fits(wanted, path, segments)
    if wanted.kind == "prefix" and segments:
        start = trimmed(wanted.value)
        return start == "/" or path == start or path.startswith(start + "/")
    return _text_fits(wanted, path)


def _beginning_fits(wanted: Text, path: str, segments: bool) -> Answer:
    """The same where only the beginning of the path is known."""
    start, rest = _split(wanted.value) if wanted.kind == "regex" else (wanted.value, "")
    if wanted.kind == "prefix":
        rest = ".*"
        start = start if start == "/" or not segments else trimmed(start) + "/"
    if path.startswith(start) or start == "/":
        return True if rest.removesuffix("$") == ".*" else None
    return None if start.startswith(path) else False


def _text_fits(wanted: Text, text: Value | None) -> Answer:
    if text is None:
        return False
    if isinstance(text, Text):
        return True if wanted == text or wanted.kind == "present" else None
    if wanted.kind == "exact":
        return text == wanted.value
    if wanted.kind == "prefix":
        return text.startswith(wanted.value)
    return True if wanted.kind == "present" else _matches(wanted.value, text)


def _not(answer: Answer) -> Answer:
    return None if answer is None else not answer


def _matches(pattern: str, text: str) -> Answer:
    literal, rest = _split(pattern)
    if not text.startswith(literal):
        return False
    if rest.removesuffix("$") == "":
        return text == literal
    return {".*": True, ".+": text != literal}.get(rest.removesuffix("$"))


def literal_of(pattern: str) -> tuple[str, str]:
    """The text that everything starts with that a regular expression takes, and what it asks of the rest."""
    literal, rest = _split(pattern)
    return literal, rest.removesuffix("$")


def takes(kind: str, value: str, text: str) -> Answer:
    """Does a condition (exact, prefix, regex) take a text?"""
    return _text_fits(Text(kind, value), text)


def _split(pattern: str) -> tuple[str, str]:
    """The text that everything starts with that a regular expression takes, and the rest of the expression."""
    pattern = pattern.removeprefix("^")
    if "|" in pattern:
        return "", pattern
    out, end = "", 0
    for token in _TOKEN.finditer(pattern):
        if token["other"]:
            if token["other"] in _QUANTIFIER and out:
                return out[:-1], pattern[end - 1 :]
            return out, pattern[token.start() :]
        out, end = out + (token["plain"] or token["escaped"]), token.end()
    return out, ""
