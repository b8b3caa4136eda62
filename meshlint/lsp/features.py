"""Answers to an editor's requests about one document of a project."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from meshlint.fix.choose import together
from meshlint.fix.compare import Repair
from meshlint.fix.offer import Offers
from meshlint.lsp.convert import Uris, diagnostic, location_range, offset_of, page_of, span_range
from meshlint.lsp.edits import Editing
from meshlint.lsp.resolve import at_place, defined_at, name_span, references, told
from meshlint.lsp.session import Session
from meshlint.model.position import Source
from meshlint.model.problem import Finding, Fix
from meshlint.pages import page
from meshlint.read.comments import comments

FIX_ALL = "source.fixAll.meshlint"
_REASON = "accepted in the editor"


class Document:
    """One document of a project as an editor asks about it: `encoding` is what its columns count."""

    def __init__(self, session: Session, path: str, uri: Uris, encoding: str) -> None:
        self.session = session
        self.path = path
        self.uri = uri
        self.encoding = encoding

    def lines(self, path: str) -> Source | None:
        file = self.session.files.get(path)
        return None if file is None else file.source

    @property
    def source(self) -> Source | None:
        """The text as it was judged; None where the editor's is another by now."""
        return self.session.current(self.path)

    @property
    def findings(self) -> Sequence[Finding]:
        return self.session.findings.get(self.path, ())

    def diagnostics(self) -> list[types.Diagnostic]:
        lines = self._lines_as_typed if self.path in self.session.drafts else self.lines
        return [diagnostic(finding, lines, self.uri, self.encoding) for finding in self.findings]

    def _lines_as_typed(self, path: str) -> Source | None:
        return Source(path, self.session.drafts[path]) if path in self.session.drafts else self.lines(path)

    # places
    def _offset(self, at: types.Position) -> int | None:
        return None if self.source is None else offset_of(self.source, at, self.encoding)

    def hover(self, at: types.Position, form: types.MarkupKind) -> types.Hover | None:
        offset = self._offset(at)
        if offset is None:
            return None
        parts = []
        if found := at_place(self.session, self.path, offset):
            parts.append(told(found))
        parts += [self._explained(finding) for finding in self.findings if _holds(self.range_of(finding), at)]
        return types.Hover(types.MarkupContent(form, "\n\n---\n\n".join(parts))) if parts else None

    def _explained(self, finding: Finding) -> str:
        return f"**{finding.name}**: {finding.message}\n\n{page(self.session.registry.named(finding.rule))}"

    def definition(self, at: types.Position) -> list[types.Location]:
        offset = self._offset(at)
        if offset is None:
            return []
        places = {name_span(target) for target in defined_at(self.session, self.path, offset)}
        return [types.Location(self.uri(path), span_range(self.lines(path), span, self.encoding)) for path, span in sorted(places)]

    def references(self, at: types.Position, declaration: bool) -> list[types.Location]:
        offset = self._offset(at)
        if offset is None:
            return []
        targets = defined_at(self.session, self.path, offset)
        places = {(node.file, node.place) for node in references(self.session, targets)} if targets else set()
        if declaration:
            places |= {name_span(target) for target in targets}
        return [types.Location(self.uri(path), span_range(self.lines(path), span, self.encoding)) for path, span in sorted(places)]

    def links(self, tooltips: bool) -> Iterator[types.DocumentLink]:
        """From the rules that ignore comments name to their pages. `tooltips`: does the editor show them?"""
        source = self.source
        for comment in comments(source) if source is not None else ():
            if source is None or comment.words_span is None:
                continue
            at = comment.words_span[0]
            for word in comment.words:
                at = source.text.index(word, at)
                entry = next((one for one in self.session.registry.entries if word in (one.id, *one.names)), None)
                page_at = None if entry is None else page_of(entry.id, entry.name)
                if entry is not None and page_at is not None:
                    span = source.span(at, at + len(word))
                    said = f"{entry.id} {entry.name}" if tooltips else None
                    yield types.DocumentLink(span_range(source, span, self.encoding), page_at, said)
                at += len(word)

    def range_of(self, finding: Finding) -> types.Range:
        return location_range(self.lines(finding.location.file), finding.location, self.encoding)

    # changes
    def actions(self, where: types.Range, context: types.CodeActionContext, editing: Editing) -> list[types.CodeAction]:
        if self.source is None:
            return []
        out: list[types.CodeAction] = []
        if _wanted(types.CodeActionKind.QuickFix, context.only):
            for finding in self.findings:
                if _overlap(self.range_of(finding), where):
                    out += self._quick(finding, editing)
        if _wanted(FIX_ALL, context.only) and (edit := self.fix_all(editing)) is not None:
            out.append(types.CodeAction("Make all safe fixes of meshlint", kind=FIX_ALL, edit=edit))
        return out

    def _quick(self, finding: Finding, editing: Editing) -> Iterator[types.CodeAction]:
        about = [diagnostic(finding, self.lines, self.uri, self.encoding)]
        fix = next(self._fixes([finding]), None)
        if fix is not None and (edit := editing.of_fixes([fix[1]])) is not None:
            kind = types.CodeActionKind.QuickFix
            yield types.CodeAction(fix[1].title, kind=kind, diagnostics=about, is_preferred=fix[1].safe, edit=edit)
        if (edit := editing.ignoring(finding, _REASON)) is not None:
            title = f"Suppress {finding.name} with a comment"
            yield types.CodeAction(title, kind=types.CodeActionKind.QuickFix, diagnostics=about, is_preferred=False, edit=edit)

    def _fixes(self, findings: Iterable[Finding]) -> Iterator[tuple[Finding, Fix]]:
        """The fixes that can be made now. One that fails is none: the command line tells of it."""
        root = self.session.project.root
        offers = Offers(self.session.loaded.files, lambda path: os.path.lexists(os.path.join(root, path)))
        for finding in offers.all(list(findings))[0]:
            if finding.fix is not None and not any(edit.file in self.session.drafts for edit in finding.fix.edits):
                yield finding, finding.fix

    def fix_all(self, editing: Editing) -> types.WorkspaceEdit | None:
        """The safe fixes of the document's findings that go together."""
        repairs = together(Repair(finding, fix) for finding, fix in self._fixes(self.findings) if fix.safe)
        return editing.of_fixes(repair.fix for repair in repairs) if repairs else None


def _wanted(kind: str, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    return not only or any(kind == one or kind.startswith(f"{_text(one)}.") for one in map(_text, only))


def _text(kind: types.CodeActionKind | str) -> str:
    return kind.value if isinstance(kind, types.CodeActionKind) else kind


def _at(place: types.Position) -> tuple[int, int]:
    return place.line, place.character


def _holds(where: types.Range, at: types.Position) -> bool:
    return _at(where.start) <= _at(at) <= _at(where.end)


def _overlap(one: types.Range, other: types.Range) -> bool:
    return _at(one.start) <= _at(other.end) and _at(other.start) <= _at(one.end)
