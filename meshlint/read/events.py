"""YAML text to rows of values with exact places, straight from the parser's events and without recursion.

Most texts are read line by line instead (lines.py), and this is not imported: PyYAML takes as long to import as a small run.
Unlike PyYAML's own composer this accepts repeated anchors, as Kubernetes does, knows where an alias stands, never fails on
a tag, and cannot be crashed by nesting.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from meshlint.model.node import UNKNOWN, Step, Value
from meshlint.model.tuples import NamedTuple
from meshlint.read import scalars
from meshlint.read.errors import ReadError
from meshlint.read.placeholders import expression_finder, ytt_finder
from meshlint.read.rows import MAX_DEPTH, Row

MAX_EXPANDED: Final = 2_000_000
CORE: Final = "tag:yaml.org,2002:"

_OPEN: Final = object()
_HIDDEN: Final = "\ue0fa"  # a private-use character stands in for the colon: the places stay the same
_MAX_HIDDEN: Final = 100
_HIDING_WORK: Final = 20_000_000  # characters read again at most


class _Open(NamedTuple):
    """A collection whose end has not come yet, with what its parent needs to go on after it."""

    box: Any
    row: int
    start: int
    key_start: int
    key_end: int
    parent: int
    step: Step
    anchor: str | None
    tag: str | None
    flow: bool
    weight: int
    merged: list[Any]


def event_source(text: str) -> Callable[[], Any]:
    """A function that gives the next event; libyaml where it is there, else pure Python."""
    if getattr(yaml, "__with_libyaml__", False):
        from yaml._yaml import CParser

        getter: Callable[[], Any] = CParser(text).get_event
        return getter
    return yaml.SafeLoader(text).get_event


def parsed_rows(text: str) -> list[list[Row]]:
    """The rows of each document. Raises ReadError."""
    try:
        return _composed(text)
    except yaml.YAMLError as error:
        if _flow_colon(error) is None:
            raise _refused(error, text) from None
    return _composed_hiding(text)


def _composed_hiding(text: str) -> list[list[Row]]:
    """Compose with another character for each colon that libyaml alone refuses."""
    for _ in range(min(_MAX_HIDDEN, _HIDING_WORK // len(text) + 1)):
        try:
            documents = _composed(text)
        except yaml.YAMLError as error:  # noqa: PERF203 - each refusal is the next place to hide
            at = _flow_colon(error)
            if at is None or text[at : at + 1] != ":":
                raise _refused(error, text) from None
            text = f"{text[:at]}{_HIDDEN}{text[at + 1 :]}"
        else:
            return [[_unhidden(row) for row in rows] for rows in documents]
    raise ReadError("limit-reached", "too many plain scalars in brackets end with a colon", 0)


def _flow_colon(error: yaml.YAMLError) -> int | None:
    """Where libyaml refuses a colon that Kubernetes accepts: at the end of a plain scalar in brackets, `[2001:db8::]`."""
    mark = getattr(error, "problem_mark", None)
    return mark.index if mark is not None and getattr(error, "problem", "") == "found unexpected ':'" else None


def _unhidden(row: Row) -> Row:
    value, *places, step = row
    if isinstance(value, str):
        value = value.replace(_HIDDEN, ":")
    elif isinstance(value, dict) and any(_HIDDEN in key for key in value):
        entries = {key.replace(_HIDDEN, ":"): at for key, at in value.items()}
        value.clear()
        value.update(entries)
    return value, *places, step.replace(_HIDDEN, ":") if isinstance(step, str) else step  # type: ignore[return-value]


def _composed(text: str) -> list[list[Row]]:  # noqa: C901 - one loop over all events: calls would double its time
    get = event_source(text)
    find, ytt = expression_finder(text), ytt_finder(text)
    special = find is not None or ytt is not None
    values, keys = scalars.memos()
    documents: list[list[Row]] = []
    rows: list[Any] = []
    add = rows.append
    stack: list[_Open] = []
    anchors: dict[str, tuple[Any, int]] = {}
    box: Any = None
    in_map = False
    here = -1
    last = extra = 0
    step: Any = ""
    value: Any
    while True:
        event = get()
        kind = type(event)
        key_start = key_end = -1
        if in_map:
            if kind is ScalarEvent:
                key = event.value
                key_start = event.start_mark.index
                key_end = event.end_mark.index
                if not event.style and event.tag is None:
                    step = keys.get(key)
                    if step is None:
                        step = keys[key] = intern(scalars.key_text(key))
                else:
                    step = key
                if event.anchor or event.tag:
                    key_start = _behind_properties(text, key_start, key_end)
                    if event.anchor:
                        anchors[event.anchor] = (step, 1)
                event = get()
                kind = type(event)
            elif kind is not MappingEndEvent:
                key_start = event.start_mark.index
                key_end = _skip(get, event, anchors)
                step = text[key_start:key_end]
                if kind is AliasEvent:
                    named = anchors.get(event.anchor, (None, 0))[0]
                    step = named if isinstance(named, str) else step
                event = get()
                kind = type(event)
        elif box is not None:
            step = len(box)
        if kind is ScalarEvent:
            value = event.value
            start = event.start_mark.index
            last = event.end_mark.index
            if not event.style:
                if event.tag is None:
                    text_value = value
                    value = values.get(text_value, _OPEN)
                    if value is _OPEN:
                        value = values[text_value] = scalars.resolve(text_value)
                    if not text_value and last > key_end >= 0 and event.anchor is None and ":" not in text[key_end:last]:
                        start = last = key_end
                else:
                    value = _tagged(event.tag, value)
            else:
                if event.style in "|>":
                    last = start + len(text[start:last].rstrip())
                if event.tag is not None:
                    value = _tagged(event.tag, value)
            if special:
                if find is not None and isinstance(value, str) and "\n" not in value and find(value):
                    value = UNKNOWN
                if ytt is not None and ytt(text, last):
                    value = UNKNOWN
            if event.anchor is not None:
                anchors[event.anchor] = (value, 1)
                if event.tag is None:
                    start = _behind_properties(text, start, last)
            if in_map:
                box[step] = len(rows)
            elif box is not None:
                box.append(len(rows))
            add((value, start, last, key_start, key_end, here, step))
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            start = event.start_mark.index
            flow = bool(event.flow_style)
            if event.anchor is not None or event.tag is not None:
                start = event.end_mark.index
                if flow or (kind is SequenceStartEvent and text[start - 1 : start] == "-"):
                    start -= 1
                if event.anchor is not None:
                    anchors[event.anchor] = (_OPEN, 0)
            row = len(rows)
            if in_map:
                box[step] = row
            elif box is not None:
                box.append(row)
            add(None)
            in_map = kind is MappingStartEvent
            box = {} if in_map else []
            stack.append(_Open(box, row, start, key_start, key_end, here, step, event.anchor, event.tag, flow, row + extra, []))
            if len(stack) > MAX_DEPTH:
                raise ReadError("limit-reached", f"nested deeper than {MAX_DEPTH:,} levels", start)
            here = row
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            box, row, start, key_start, key_end, parent, step, anchor, tag, flow, weight, merged = stack.pop()
            if flow or last < start:
                last = event.end_mark.index
            value = box
            if merged:
                _merge(box, merged, rows)
            if flow and in_map and len(box) == 1 and len(rows) == row + 2 and text[start + 1 : start + 2] in "{[" and rows[-1][0] is None:
                del rows[row + 1 :]
                value = UNKNOWN
            elif tag is not None and stack and not tag.startswith(CORE) and tag != "!":
                value = UNKNOWN
            rows[row] = (value, start, last, key_start, key_end, parent, step)
            if anchor is not None:
                anchors[anchor] = (value, len(rows) + extra - weight)
            here = parent
            if stack:
                box = stack[-1].box
                in_map = type(box) is dict
                if in_map and step == "<<":
                    _note_merge(stack[-1], text, key_start, value)
            else:
                box = None
                in_map = False
            continue
        elif kind is AliasEvent:
            start = event.start_mark.index
            last = event.end_mark.index
            value, size = anchors.get(event.anchor, (None, -1))
            if size < 1:
                raise ReadError("yaml-syntax", _alias_problem(event.anchor, size), start)
            extra += size
            if extra > MAX_EXPANDED:
                raise ReadError("limit-reached", f"aliases stand for more than {MAX_EXPANDED:,} values", start)
            if in_map:
                box[step] = len(rows)
            elif box is not None:
                box.append(len(rows))
            add((value, start, last, key_start, key_end, here, step))
            if in_map and step == "<<":
                _note_merge(stack[-1], text, key_start, value)
        elif kind is DocumentStartEvent:
            rows = []
            add = rows.append
            anchors.clear()
            last = extra = 0
            step = ""
        elif kind is DocumentEndEvent:
            documents.append(rows)
        elif kind is StreamEndEvent:
            return documents


def _tagged(tag: str, text: str) -> Value:
    """A scalar with a tag: whoever handles a tag that is not of YAML's core puts something else there."""
    name = tag[len(CORE) :] if tag.startswith(CORE) else ""
    if tag == "!" or name in ("str", "timestamp"):
        return text
    if name == "float":
        number = scalars.resolve(text)
        return float(number) if isinstance(number, int) and not isinstance(number, bool) else number
    return scalars.resolve(text) if name in ("int", "bool", "null") else UNKNOWN


def _behind_properties(text: str, start: int, end: int) -> int:
    """Where a node with an anchor or tag begins itself."""
    while start < end and text[start] in "&!":
        while start < end and not text[start].isspace():
            start += 1
        while start < end and text[start].isspace():
            start += 1
    return start


def _skip(get: Callable[[], Any], event: Any, anchors: dict[str, tuple[Any, int]]) -> int:
    """Past a key that is no scalar; gives its end."""
    depth = 0
    while True:
        kind = type(event)
        if kind in (MappingStartEvent, SequenceStartEvent):
            depth += 1
        elif kind in (MappingEndEvent, SequenceEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ReadError("limit-reached", f"nested deeper than {MAX_DEPTH:,} levels", event.start_mark.index)
        if kind is not AliasEvent and getattr(event, "anchor", None):
            anchors[event.anchor] = (UNKNOWN, 1)
        if not depth:
            end: int = event.end_mark.index
            return end
        event = get()


def _note_merge(into: _Open, text: str, key_start: int, value: Value) -> None:
    """A plain `<<` merges what follows; a quoted one is a key like any other."""
    if text[key_start : key_start + 2] == "<<" and isinstance(value, (dict, list)):
        into.merged.append(value)


def _merge(box: dict[str, int], merged: list[Any], rows: list[Row]) -> None:
    """Take over what the mapping does not say itself: an earlier merged mapping goes before a later one."""
    del box["<<"]
    for value in merged:
        for source in (value,) if isinstance(value, dict) else tuple(rows[row][0] for row in value):
            if isinstance(source, dict):
                for key, row in source.items():
                    box.setdefault(key, row)


def _alias_problem(name: str, size: int) -> str:
    return f"found undefined alias {name!r}" if size < 0 else f"the alias {name!r} stands inside of its own anchor"


def _refused(error: yaml.YAMLError, text: str) -> ReadError:
    """The parser's complaint about a text."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    if mark is not None:
        begin = getattr(error, "context_mark", None)
        starts = begin.index if begin is not None and begin.line < mark.line else -1
        return ReadError("yaml-syntax", problem, mark.index, getattr(error, "context", None) or "", starts)
    offset = getattr(error, "position", 0) or 0
    if getattr(yaml, "__with_libyaml__", False):  # libyaml counts bytes here
        offset = len(text.encode()[:offset].decode(errors="ignore"))
    return ReadError("yaml-syntax", problem, offset)
