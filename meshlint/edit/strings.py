"""Long texts that change in places: only those places are written anew, in whatever quotes or block they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Union

from meshlint.edit.emit import quoted
from meshlint.edit.pieces import Cut
from meshlint.model.lazy_regex import lazy_regex

LONG: Final = 80  # characters from which it pays
_MOST: Final = 4_000  # parts of a text that are compared one by one
_NEAR: Final = 100  # parts that may come or go at once in a longer one
_RUN: Final = 10
_FOLD: Final = r"[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*"
_DOUBLE: Final = lazy_regex(rf"\\\r?\n[ \t]*|\\x..|\\u....|\\U........|\\.|{_FOLD}|.", re.DOTALL)
_SINGLE: Final = lazy_regex(rf"''|{_FOLD}|.", re.DOTALL)
_HEADER: Final = lazy_regex(r"\|[+-]?[^\r\n]*(\r\n|\n|\r)")
_LINE: Final = lazy_regex(r"([^\r\n]*)(\r\n|\n|\r|\Z)")


def changed(raw: str, start: int, old: str, new: str) -> list[Cut] | None:
    """Changes to the text of a scalar (which begins at `start`) that make another string of it; None where it is written in a way
    that is not followed."""
    found = _places(raw, old)
    if found is None:
        return None
    places, written = found
    cuts = [(places[a], places[b], written(new[c:d])) for a, b, c, d in _differences(old, new)]
    if raw[:1] == "|":
        cuts = [_with_its_line(raw, cut) for cut in cuts]
    return [(start + a, start + b, text) for a, b, text in cuts]


def _with_its_line(raw: str, cut: Cut) -> Cut:
    """The end of a block that goes takes the margin with it, so that no line of blanks is left."""
    begin, end, text = cut
    line = raw.rfind("\n", 0, begin)
    if text or line <= 0 or raw[line + 1 : begin].strip(" ") or raw[end : end + 1] not in ("", "\r", "\n"):
        return cut
    return line - (raw[line - 1] == "\r"), end, ""


Found = Union[tuple[Sequence[int], Callable[[str], str]], None]


def _places(raw: str, value: str) -> Found:
    """Where each character of a string stands in its text, and the end; how new characters are written there."""
    if raw[:1] == '"':
        return _in_quotes(raw, value, _DOUBLE, lambda text: quoted(text, '"')[1:-1])
    if raw[:1] == "'":
        return _in_quotes(raw, value, _SINGLE, lambda text: text.replace("'", "''"))
    if raw[:1] == "|":
        return _in_block(raw, value)
    return (range(len(value) + 1), str) if raw == value else None


def _in_quotes(raw: str, value: str, tokens: re.Pattern[str], written: Callable[[str], str]) -> Found:
    places: list[int] = []
    for match in tokens.finditer(raw, 1, len(raw) - 1):
        places += [match.start()] * _length(match[0])
    places.append(len(raw) - 1)
    return (places, written) if len(places) == len(value) + 1 else None


def _length(token: str) -> int:
    """How many characters a piece of quoted text stands for."""
    if token[0] == "\\" and token[1] in "\r\n":
        return 0
    return max(token.count("\n") - 1, 1) if "\n" in token else 1


def _in_block(raw: str, value: str) -> Found:
    """A literal block: the same lines behind a margin."""
    header = _HEADER.match(raw)
    body = value.rstrip("\n")
    if header is None or not body.strip():
        return None
    lines = body.split("\n")
    found = [match for match in _LINE.finditer(raw, header.end()) if match.end() > match.start()]
    first = next(number for number, line in enumerate(lines) if line.strip())
    if len(found) != len(lines) or not found[first][1].endswith(lines[first]):
        return None
    margin = len(found[first][1]) - len(lines[first])
    places: list[int] = []
    for match, line in zip(found, lines, strict=True):
        begin = min(match.start() + margin, match.end(1))
        if raw[begin : match.end(1)] != line:
            return None
        places += range(begin, match.end(1) + 1)
    places += [places[-1]] * (len(value) - len(places) + 1)
    return places, lambda text: text.replace("\n", header[1] + " " * margin)


def _differences(old: str, new: str) -> Iterator[tuple[int, int, int, int]]:
    """Where two texts differ: start and end in the one, in the other."""
    for a, b, c, d in _of_parts(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        one, other = re.findall(r"\w+|\W", old[a:b]), re.findall(r"\w+|\W", new[c:d])
        for e, f, g, h in _of_parts(one, other):
            yield a + e, a + f, c + g, c + h


def _of_parts(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Differing stretches, in characters."""
    head = 0
    while head < min(len(one), len(other)) and one[head] == other[head]:
        head += 1
    tail = 0
    while tail < min(len(one), len(other)) - head and one[-1 - tail] == other[-1 - tail]:
        tail += 1
    starts, others = _starts(one), _starts(other)
    a, b, c, d = head, len(one) - tail, head, len(other) - tail
    if max(b - a, d - c) > _MOST:
        for e, f, g, h in _walked(one[a:b], other[c:d]):
            yield starts[a + e], starts[a + f], others[c + g], others[c + h]
        return
    from difflib import SequenceMatcher

    for kind, e, f, g, h in SequenceMatcher(None, one[a:b], other[c:d], autojunk=False).get_opcodes():
        if kind != "equal":
            yield starts[a + e], starts[a + f], others[c + g], others[c + h]


def _walked(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """The same for very long texts, in one pass: after a difference both go on where they have the next run of parts in common."""
    a = c = 0
    while a < len(one) and c < len(other):
        if one[a] == other[c]:
            a, c = a + 1, c + 1
            continue
        near = ((e, total - e) for total in range(1, _NEAR) for e in range(total + 1))
        run = next(((e, g) for e, g in near if one[a + e : a + e + _RUN] == other[c + g : c + g + _RUN]), None)
        if run is None:
            break
        yield a, a + run[0], c, c + run[1]
        a, c = a + run[0], c + run[1]
    if a < len(one) or c < len(other):
        yield a, len(one), c, len(other)


def _starts(parts: Sequence[str]) -> list[int]:
    out = [0]
    for part in parts:
        out.append(out[-1] + len(part))
    return out
