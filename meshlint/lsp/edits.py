"""Fixes as changes of a workspace, and the comments that suppress a finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lsprotocol import types

from meshlint.add_ignores import comment_edits
from meshlint.fix.texts import cut_of, sorted_cuts
from meshlint.lsp.convert import Lines, Uris, span_range
from meshlint.model.problem import Edit, Finding, Fix, NewFile

Versions = dict[str, "int | None"]  # of open documents, by path


class Editing:
    """What a client can do with changes, and how it counts. `versions`: of the documents that are open, by path."""

    def __init__(self, lines: Lines, uri: Uris, encoding: str, versions: Versions, documents: bool, creates: bool) -> None:
        self._lines = lines
        self._uri = uri
        self._encoding = encoding
        self._versions = versions
        self._documents = documents
        self._creates = creates

    def of_fixes(self, fixes: Iterable[Fix]) -> types.WorkspaceEdit | None:
        """All changes of fixes that go together; None where the client cannot make them."""
        edits: dict[str, list[Edit]] = {}
        new: dict[str, NewFile] = {}
        for fix in fixes:
            for edit in fix.edits:
                edits.setdefault(edit.file, []).append(edit)
            new.update((file.path, file) for file in fix.new_files)
        return self.of_edits(edits, list(new.values()))

    def of_edits(self, edits: dict[str, list[Edit]], new: Sequence[NewFile] = ()) -> types.WorkspaceEdit | None:
        if new and not (self._documents and self._creates):
            return None
        changes = {path: self._changes(path, found) for path, found in sorted(edits.items())}
        if not self._documents:
            return types.WorkspaceEdit(changes={self._uri(path): found for path, found in changes.items()})
        steps: list[types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile] = []
        for file in new:
            uri = self._uri(file.path)
            start = types.Range(types.Position(0, 0), types.Position(0, 0))
            steps.append(types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False)))
            steps.append(types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri), [types.TextEdit(start, file.text)]))
        for path, found in changes.items():
            which = types.OptionalVersionedTextDocumentIdentifier(self._uri(path), self._versions.get(path))
            steps.append(types.TextDocumentEdit(which, list(found)))
        return types.WorkspaceEdit(document_changes=steps)

    def _changes(self, path: str, edits: Sequence[Edit]) -> list[types.TextEdit]:
        source = self._lines(path)
        spans = {cut_of(edit): edit.span for edit in edits}
        return [types.TextEdit(span_range(source, spans[cut], self._encoding), cut[2]) for cut in sorted_cuts(edits)]

    def ignoring(self, finding: Finding, reason: str) -> types.WorkspaceEdit | None:
        """A comment that suppresses a finding; None where none can stand."""
        source = self._lines(finding.location.file)
        found = None if source is None else comment_edits(source, [finding], reason)
        return self.of_edits({finding.location.file: found}) if found else None
