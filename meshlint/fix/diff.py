"""Changes as a unified diff that git apply takes."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from meshlint.edit.pieces import Cut
from meshlint.model.tuples import NamedTuple

_CONTEXT = 3
_MOST = 2_000  # lines that are compared one by one


class _Change(NamedTuple):
    """Lines of the old text (from zero) and what stands in their place."""

    start: int
    end: int
    new: list[str]


def changed_file(path: str, text: str, cuts: Sequence[Cut]) -> Iterator[str]:
    """The diff of a file; cuts in places of its text."""
    lines = split(text)
    changes = _joined(_changes(text, lines, cuts))
    if changes:
        yield f"diff --git {_quoted('a/' + path)} {_quoted('b/' + path)}\n--- {_named('a/' + path)}\n+++ {_named('b/' + path)}\n"
        yield from _hunks(lines, changes)


def new_file(path: str, text: str) -> Iterator[str]:
    """The diff of a file that was not there."""
    yield f"diff --git {_quoted('a/' + path)} {_quoted('b/' + path)}\nnew file mode 100644\n--- /dev/null\n+++ {_named('b/' + path)}\n"
    lines = split(text)
    yield f"@@ -0,0 +1{f',{len(lines)}' if len(lines) != 1 else ''} @@\n"
    yield from _marked("+", lines)


def gone_file(path: str, text: str, mode: int) -> Iterator[str]:
    """The diff of a file that is deleted; `mode` are its permissions."""
    kind = 100755 if mode & 0o100 else 100644
    yield f"diff --git {_quoted('a/' + path)} {_quoted('b/' + path)}\ndeleted file mode {kind}\n--- {_named('a/' + path)}\n+++ /dev/null\n"
    lines = split(text)
    yield f"@@ -1{f',{len(lines)}' if len(lines) != 1 else ''} +0,0 @@\n"
    yield from _marked("-", lines)


def split(text: str) -> list[str]:
    """Lines as git sees them: only LF ends one."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _changes(text: str, lines: Sequence[str], cuts: Sequence[Cut]) -> Iterator[_Change]:
    """Cuts as changes of whole lines; those that share a line as one."""
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    bottom = len(lines) - bool(lines and not lines[-1].endswith("\n"))  # what is written behind an open line belongs to it
    groups: list[tuple[int, int, list[Cut]]] = []
    for cut in sorted(cuts, key=lambda one: one[:2]):
        first, last = (min(bisect_right(starts, at) - 1, bottom) for at in cut[:2])
        end = last + 1 if starts[last] < cut[1] or cut[1] == cut[0] or cut[2][-1:] not in ("", "\n") else last
        end = min(end, len(lines))
        if groups and first < groups[-1][1]:
            groups[-1] = (groups[-1][0], max(end, groups[-1][1]), [*groups[-1][2], cut])
        else:
            groups.append((first, end, [cut]))
    for first, end, held in groups:
        new, at = "", starts[first]
        for start, stop, written in held:
            new, at = new + text[at:start] + written, stop
        new += text[at : max(starts[end], at)]
        yield from _fine(first, end, lines, split(new))


def _joined(changes: Iterable[_Change]) -> list[_Change]:
    """Changes of neighbouring lines as one: what goes first, then what comes."""
    out: list[_Change] = []
    for change in changes:
        if out and out[-1].end == change.start:
            out[-1] = _Change(out[-1].start, change.end, out[-1].new + change.new)
        else:
            out.append(change)
    return out


def _fine(start: int, end: int, lines: Sequence[str], new: list[str]) -> Iterator[_Change]:
    """Without the lines that stay."""
    if max(end - start, len(new)) > _MOST:
        yield _Change(start, end, new)
        return
    for kind, a, b, c, d in SequenceMatcher(None, lines[start:end], new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield _Change(start + a, start + b, new[c:d])


def _hunks(lines: Sequence[str], changes: Sequence[_Change]) -> Iterator[str]:
    moved = 0
    for group in _near(changes):
        first, last = max(group[0].start - _CONTEXT, 0), min(group[-1].end + _CONTEXT, len(lines))
        size = last - first
        grown = sum(len(change.new) - (change.end - change.start) for change in group)
        yield f"@@ -{_range(first, size)} +{_range(first + moved, size + grown)} @@\n"
        at = first
        for change in group:
            yield from _marked(" ", lines[at : change.start])
            yield from _marked("-", lines[change.start : change.end])
            yield from _marked("+", change.new)
            at = change.end
        yield from _marked(" ", lines[at:last])
        moved += grown


def _near(changes: Sequence[_Change]) -> list[list[_Change]]:
    groups: list[list[_Change]] = []
    for change in changes:
        if groups and change.start - groups[-1][-1].end <= 2 * _CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _range(start: int, size: int) -> str:
    return f"{start + 1 if size else start}{f',{size}' if size != 1 else ''}"


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _named(path: str) -> str:
    """A path behind --- or +++: one with a blank ends in a tab, as git writes it."""
    quoted = _quoted(path)
    return quoted + "\t" if " " in path and quoted == path else quoted


def _quoted(path: str) -> str:
    """A path as git quotes it, where it must."""
    if re.search(r'["\\\x00-\x1f\x7f\ud800-\udfff]', path) is None:
        return path
    return '"' + "".join(_octal(byte) for byte in os.fsencode(path)) + '"'


def _octal(byte: int) -> str:
    if byte in (0x22, 0x5C):
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"
