"""Where suppressions are written: comments, annotations of objects, entries of the configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from meshlint.check.registry import Registry
from meshlint.check.suppress import Configured, Suppression, Suppressions, Words
from meshlint.model.document import FileRead
from meshlint.model.later import ANNOTATION
from meshlint.model.node import Node
from meshlint.model.position import Source, Span
from meshlint.model.problem import Edit, Finding, Fix, Location, ResourceName
from meshlint.model.resource import Environment, Resource
from meshlint.read.comments import Comment, comments

_LINE, _FILE = "ignore", "ignore-file"
_MEANT = {"disable", "skip", "suppress", "noqa", "nolint", "allow", "ignore-line", "ignore-next-line", "ignore_file", "ignorefile"}

About = Callable[[str], bool]


def found(
    files: Sequence[FileRead],
    environments: Sequence[Environment],
    configured: Iterable[Configured],
    registry: Registry,
    about: About,
    require_reason: bool = False,
) -> Suppressions:
    """Every suppression of a project. `about`: is it told if nothing comes of one in this file?"""
    out = Suppressions(Words(registry), require_reason)
    for file in files:
        if file.source is not None:
            _take_comments(file, file.source, about, out)
    for suppression in _annotations(files, environments, about):
        out.add(suppression)
    for entry in configured:
        watched = about(entry.place.file)
        out.add(Suppression("entry", entry.rules, entry.reason, entry.place, entry.covers, in_source=False, watched=watched))
    return out


def _take_comments(file: FileRead, source: Source, about: About, out: Suppressions) -> None:
    for comment in comments(source):
        flaw = _flaw(comment)
        if flaw is None:
            continue
        watched = comment.certain and file.skipped is None and about(file.path)
        whole = comment.verb == _FILE
        suppression = Suppression(
            "comment", comment.words, comment.reason, _place(comment, source), _in_file(file.path) if whole else _anywhere,
            flaw=flaw, watched=watched, without=_without(comment, source),
        )  # fmt: skip
        if whole or flaw:
            out.add(suppression)
        else:
            out.add(suppression, (file.path, -1 if comment.line is None else comment.line + 1))


def _flaw(comment: Comment) -> str | None:
    """Why a comment does not count, "" where it does, None where it is no suppression."""
    if comment.verb not in (_LINE, _FILE):
        meant = comment.verb.startswith("ignor") or comment.verb in _MEANT
        return f"{comment.verb!r} is not understood, write {_LINE}[RULES] or {_FILE}[RULES]" if meant else None
    if not comment.words:
        return f"it names no rules, write {comment.verb}[RULES] (or {comment.verb}[all] for every rule)"
    return ""


def _anywhere(_finding: Finding) -> bool:
    return True


def _in_file(path: str) -> Callable[[Finding], bool]:
    return lambda finding: finding.location.file == path


def _place(comment: Comment, source: Source) -> Location:
    """From the hash to the closing bracket."""
    end = comment.words_span[1] + 1 if comment.words_span else comment.span[1]
    return Location.of(source.path, source.span(comment.span[0], end))


def _without(comment: Comment, source: Source) -> Callable[[Sequence[str]], Fix]:
    def fix(kept: Sequence[str]) -> Fix:
        if kept and comment.words_span is not None:
            span = source.span(*comment.words_span)
            return Fix("Take the words out of the comment", (Edit(source.path, span, ", ".join(kept)),), safe=True)
        return Fix("Remove the comment", (Edit(source.path, source.span(*_whole(comment, source)), ""),), safe=True)

    return fix


def _whole(comment: Comment, source: Source) -> tuple[int, int]:
    """What goes with a comment: its line where nothing else stands on it, else the blanks before it; other comments stay."""
    start, end = comment.span
    first, last = comment.comment
    if start == first and end < last:
        rest = source.text[end:last]
        return start, end + len(rest) - len(rest.lstrip())
    if comment.alone and start == first:
        line = source.position(start).line
        starts = source.line_starts
        return starts[line], starts[line + 1] if line + 1 < len(starts) else len(source.text)
    before = source.text[source.line_starts[source.position(start).line] : start]
    return start - len(before) + len(before.rstrip()), end


def _annotations(files: Sequence[FileRead], environments: Sequence[Environment], about: About) -> list[Suppression]:
    holding = {file.path for file in files if file.source is not None and file.source.holds(ANNOTATION)}
    if not holding:
        return []
    written: dict[tuple[str, Span, str], tuple[Node, _Annotated]] = {}  # rendered objects share what they were made of
    seen: dict[int, list[tuple[Node, Resource]]] = {}
    for environment in environments:
        if id(environment.shared) not in seen:
            seen[id(environment.shared)] = list(_annotated(environment.shared, holding))
        own = _annotated((*environment.resources, *environment.background), holding)
        for node, resource in (*own, *seen[id(environment.shared)]):
            written.setdefault((node.file, node.span, node.text or ""), (node, _Annotated()))[1].add(environment.name, resource)
    return [suppression for node, objects in written.values() for suppression in _of_annotation(node, node.text or "", objects, about)]


def _annotated(resources: Iterable[Resource], holding: Collection[str]) -> Iterator[tuple[Node, Resource]]:
    for resource in resources:
        if resource.places or resource.root.table.origins is not None or resource.file in holding:
            node = resource.annotation(ANNOTATION)
            if node.text is not None:
                yield node, resource


def _of_annotation(node: Node, text: str, objects: _Annotated, about: About) -> Iterable[Suppression]:
    """One suppression a line: `RULES: reason`."""
    place = Location.of(node.file, node.place)
    for line in text.splitlines() or [""]:
        rules, _, reason = line.partition(":")
        words = rules.replace(",", " ").split()
        flaw = "" if words else "it names no rules, write RULES: reason"
        if words or not text.strip():
            yield Suppression("annotation", words, reason.strip(), place, objects.cover, flaw=flaw, watched=about(node.file))


class _Annotated:
    """The objects that have one annotation, by environment: the stretch of text that each is, its name, and whether it was
    rendered from more texts."""

    def __init__(self) -> None:
        self._objects: dict[str, list[tuple[Location, ResourceName, bool]]] = {}

    def add(self, environment: str, resource: Resource) -> None:
        name = ResourceName(resource.api_version, resource.kind.kind, resource.namespace, resource.name)
        rendered = resource.root.table.origins is not None
        self._objects.setdefault(environment, []).append((Location.of(resource.file, resource.root.span), name, rendered))

    def cover(self, finding: Finding) -> bool:
        """Is the finding about one of them, wherever it was found? What stands in no object's text counts by the name."""
        return bool(finding.environments) and all(self._cover_in(environment, finding) for environment in finding.environments)

    def _cover_in(self, environment: str, finding: Finding) -> bool:
        nowhere = finding.path is None
        objects = self._objects.get(environment, ())
        return any(_inside(finding.location, text) or ((nowhere or made) and finding.resource == name) for text, name, made in objects)


def _inside(place: Location, text: Location) -> bool:
    start, end = (text.line, text.column), (text.end_line, text.end_column)
    return place.file == text.file and start <= (place.line, place.column) <= end
