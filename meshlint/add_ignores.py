"""Writes an ignore comment for each finding into the files. Nothing but comments is changed: what a file says, its line
ends, byte order mark and permissions stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.files import replace
from meshlint.model.node import Table
from meshlint.model.position import Source
from meshlint.model.problem import Edit, Finding
from meshlint.model.tuples import NamedTuple
from meshlint.read.comments import Comment, comments
from meshlint.read.decode import decode, encoding_of, read_bytes
from meshlint.read.errors import ReadError
from meshlint.read.split import compose_pieces
from meshlint.report.result import Result

_WIDEST = 120  # characters of a line with a comment behind it; a longer one stands on the line above
_NEVER = {"unused-suppression": "it is about a suppression", "rule-failed": "it is always told"}
_NO_PLACE = "a comment there would be a part of a string, or of a text that does not parse"

Insertion = tuple[int, str]  # an offset, and what is written there


class Added(NamedTuple):
    """How many comments were written or extended in how many files, and why the others were not."""

    comments: int
    files: int
    left: tuple[tuple[Finding, str], ...]


class _Line(NamedTuple):
    """The findings of one line (from zero); `last` is the last line that all of them reach."""

    number: int
    last: int
    findings: tuple[Finding, ...]

    @property
    def names(self) -> list[str]:
        return sorted({finding.name for finding in self.findings})


def add_ignores(result: Result, reason: str) -> Added:
    """Write comments for all findings of a run. A file is changed in one step or not at all."""
    files: dict[str, list[Finding]] = {}
    left: list[tuple[Finding, str]] = []
    for finding in result.findings:
        if finding.name in _NEVER:
            left.append((finding, _NEVER[finding.name]))
        else:
            files.setdefault(finding.location.file, []).append(finding)
    number = changed = 0
    for file, findings in files.items():
        source = result.text_of(file)
        why = _why_not(file, source)
        if source is None or why:
            left += [(finding, why) for finding in findings]
            continue
        done, not_done = _write(file, source, _lines(findings), reason)
        number += len(done)
        changed += bool(done)
        left += [(finding, said) for line, said in not_done for finding in line.findings]
    return Added(number, changed, tuple(sorted(left, key=lambda one: one[0].order)))


def comment_edits(source: Source, findings: Sequence[Finding], reason: str) -> list[Edit]:
    """The same for some findings of one text, as edits; none where a comment cannot stand."""
    wanted = [finding for finding in findings if finding.name not in _NEVER]
    if not wanted or _why_not(source.path, source):
        return []
    writing = _Writing(source, reason)
    done = writing.best(_lines(wanted))
    return [Edit(source.path, source.span(offset, offset), text) for offset, text in writing.insertions(done)]


def _why_not(file: str, source: Source | None) -> str:
    if source is None:
        return "its text was not read"
    return "JSON has no comments" if file.lower().endswith(".json") else ""


def _lines(findings: Sequence[Finding]) -> list[_Line]:
    by_line: dict[int, list[Finding]] = {}
    for finding in findings:
        by_line.setdefault(finding.location.line - 1, []).append(finding)
    return [_Line(line, min(one.location.end_line - 1 for one in found), tuple(found)) for line, found in sorted(by_line.items())]


def _write(file: str, source: Source, lines: list[_Line], reason: str) -> tuple[list[_Line], list[tuple[_Line, str]]]:
    """Lines that have their comment now, and why others have none."""
    try:
        content = read_bytes(file)
        mark, encoding = encoding_of(content)
        if decode(content) != source.text:
            return [], [(line, "the file has changed since it was read") for line in lines]
        writing = _Writing(source, reason)
        done = writing.best(lines)
        if done:
            replace(file, mark + writing.text(done).encode(encoding))
    except (ReadError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else None
        return [], [(line, f"the file cannot be written: {(said or str(error)).lower()}") for line in lines]
    numbers = {line.number for line in done}
    return done, [(line, _NO_PLACE) for line in lines if line.number not in numbers]


class _Writing:
    """The comments of one file."""

    def __init__(self, source: Source, reason: str) -> None:
        self.source = source
        self.reason = reason
        self._there = {comment.line: comment for comment in reversed(comments(source)) if comment.verb == "ignore" and comment.words}
        pieces = compose_pieces(source.text, source)
        self._whole = all(piece.refused is None for piece in pieces)
        self._meaning = _meaning([table for piece in pieces for table in piece.tables])
        self._strings = [stretch for piece in pieces for table in piece.tables for stretch in _long_strings(table)]

    def best(self, lines: list[_Line]) -> list[_Line]:
        """As many of the lines as can have a comment without any effect on what the file says."""
        if not lines or self._holds(lines):
            return lines
        if len(lines) == 1:
            return []
        middle = len(lines) // 2
        both = [*self.best(lines[:middle]), *self.best(lines[middle:])]
        return both if not both or self._holds(both) else []

    def text(self, lines: Sequence[_Line]) -> str:
        text, parts, at = self.source.text, [], 0
        for offset, written in self.insertions(lines):
            parts += [text[at:offset], written]
            at = offset
        return "".join((*parts, text[at:]))

    def insertions(self, lines: Sequence[_Line]) -> list[Insertion]:
        return sorted(one for line in lines for one in self._insertions(line))

    def _holds(self, lines: list[_Line]) -> bool:
        """Does the file say the same with these comments, and do they speak of what they are for?"""
        new = Source(self.source.path, self.text(lines))
        pieces = compose_pieces(new.text, new)
        if not self._whole or any(piece.refused for piece in pieces):
            return False
        found: dict[int | None, set[str]] = {}
        for comment in comments(new):
            found.setdefault(comment.line, set()).update(comment.words)
        above = 0
        for line in lines:
            above += any("\n" in text or "\r" in text for _, text in self._insertions(line))
            reached = {word for at in range(line.number, line.last + 1) for word in found.get(at + above, ())}
            if not reached.issuperset(line.names):
                return False
        return _meaning([table for piece in pieces for table in piece.tables]) == self._meaning

    def _insertions(self, line: _Line) -> list[Insertion]:
        there = next((self._there[at] for at in range(line.number, line.last + 1) if at in self._there), None)
        if there is not None:
            return list(self._extended(there, line.names))
        comment = f"# meshlint: ignore[{', '.join(line.names)}] {self.reason}".rstrip()
        starts = self.source.line_starts
        for at in range(line.number, line.last + 1):
            text = self.source.line(at)
            end = starts[at] + len(text.rstrip())
            if not self._in_string(end) and len(text.rstrip()) + len(comment) + 2 <= _WIDEST:
                return [(end, f"  {comment}")]
        first = self.source.line(line.number)
        indent = first[: len(first) - len(first.lstrip())]
        return [(starts[line.number], f"{indent}{comment}{self._line_end(line.number)}")]

    def _extended(self, comment: Comment, names: list[str]) -> Iterator[Insertion]:
        """A comment that is there already gets the names that it lacks."""
        assert comment.words_span is not None
        more = [name for name in names if name not in comment.words]
        if more:
            yield comment.words_span[1], f", {', '.join(more)}"
        if not comment.reason and self.reason:
            yield comment.span[1], f" {self.reason}"

    def _in_string(self, offset: int) -> bool:
        return any(start < offset <= end for start, end in self._strings)

    def _line_end(self, line: int) -> str:
        starts, text = self.source.line_starts, self.source.text
        if line + 1 < len(starts):
            return text[starts[line] + len(self.source.line(line)) : starts[line + 1]]
        return text[starts[line - 1] + len(self.source.line(line - 1)) : starts[line]] if line else "\n"


def _long_strings(table: Table) -> Iterator[tuple[int, int]]:
    """Where scalars of several lines go on: of a block scalar all below its sign, of others all but the last line."""
    text = table.source.text
    above = frozenset(table.parents)
    for row in range(len(table.values)):
        start, end = table.starts[row], table.ends[row]
        if row in above or ("\n" not in text[start:end] and "\r" not in text[start:end]):
            continue
        block = text[start] in "|>"
        first = min(at for at in (text.find("\n", start, end), text.find("\r", start, end)) if at >= 0)
        yield (first, end) if block else (start, max(text.rfind("\n", start, end), text.rfind("\r", start, end)))


def _meaning(tables: Sequence[Table]) -> list[tuple[str, str]]:
    """What documents say, without places."""
    return [(repr(table.values), repr(table.steps)) for table in tables]
