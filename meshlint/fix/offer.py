"""From what a rule proposes to what can be applied: names for new files, and the kustomizations that are to use them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from meshlint.edit.changes import Changes
from meshlint.fix.patched import Patched
from meshlint.fix.texts import consistent
from meshlint.model.document import FileRead
from meshlint.model.node import Node
from meshlint.model.problem import Edit, Finding, Fix, NewFile
from meshlint.render.level import FILE_NAMES, Level, kustomization_in
from meshlint.render.tree import base, parent, resolve

_TRIES = 100


class Offers:
    """Makes the fixes of findings. `there`: is there a file of this path, read or not?"""

    def __init__(self, files: Sequence[FileRead], there: Callable[[str], bool]) -> None:
        self._files = {file.path: file for file in files}
        self._there = there
        self._uses: dict[str, list[Node]] | None = None
        self._patched = Patched(self._files)

    def all(self, findings: Iterable[Finding]) -> tuple[list[Finding], list[tuple[Finding, Exception]]]:
        """The findings with their fixes, and what went wrong with those of some."""
        made: list[Finding] = []
        errors: list[tuple[Finding, Exception]] = []
        for finding in findings:
            fix = None
            if finding.fix is None and finding.repair is None:
                made.append(finding)
                continue
            try:
                fix = self.of(finding)
            except Exception as error:
                errors.append((finding, error))
            made.append(finding._replace(fix=fix, repair=None))
        return made, errors

    def of(self, finding: Finding) -> Fix | None:
        """The fix of a finding; None: it has none, or it cannot be made here. Raises what the rule raises."""
        fix = finding.fix if finding.repair is None else finding.repair()
        return None if fix is None else self.complete(fix)

    def complete(self, fix: Fix) -> Fix | None:
        """A fix with what it takes besides. None: it cannot be made here."""
        if not all(edit.file in self._files for edit in fix.edits) or self._patched.loses(fix):
            return None
        gone = [edit.file for edit in fix.edits if not edit.text and self._is_all(edit)]
        placed = self._placed(fix, gone) if fix.new_files or gone else fix
        return placed if placed is not None and consistent(placed) else None

    def _is_all(self, edit: Edit) -> bool:
        source = self._files[edit.file].source
        return source is not None and edit.span.start.offset == 0 and edit.span.end.offset == len(source.text)

    def _placed(self, fix: Fix, gone: Sequence[str]) -> Fix | None:
        """With names that are free, and what kustomizations have to say of files that come and go."""
        files: list[NewFile] = []
        changes = Changes()
        for new in fix.new_files:
            path = self._free(new.path, {one.path for one in files})
            if os.path.isabs(path) or ".." in path.split("/"):
                return None
            for use in self._used_by(new.beside):
                if (resources := use.parent) is not None:
                    changes.append(resources, os.path.relpath(path, parent(use.file) or ".").replace(os.sep, "/"))
            files.append(new._replace(path=path))
        for path in gone:
            for use in self._used_by(path):
                if use.parent is not None and len(list(use.parent.each())) == 1:
                    return None  # kustomize builds nothing of a kustomization without resources
                changes.remove(use)
        more = changes.fix("")
        if changes.refused is not None:
            return None
        return fix._replace(edits=(*fix.edits, *(more.edits if more else ())), new_files=tuple(files))

    def _free(self, path: str, taken: set[str]) -> str:
        stem, dot, ending = path.rpartition(".")
        for number in range(2, _TRIES):
            if path not in taken and not self._there(path):
                break
            path = f"{stem}-{number}{dot}{ending}"
        return path

    def _used_by(self, file: str) -> Sequence[Node]:
        """Where kustomizations name a file as a resource."""
        if self._uses is None:
            self._uses = {}
            for path, use in self._named():
                self._uses.setdefault(path, []).append(use)
        return self._uses.get(file, ())

    def _named(self) -> Iterator[tuple[str, Node]]:
        for path, file in self._files.items():
            document = kustomization_in(file) if base(path) in FILE_NAMES else None
            if document is None:
                continue
            level = Level(parent(path), document)
            for use in level.root.each("resources"):
                named = resolve(level.folder, use.text) if use.text else None
                if named is not None:
                    yield named, use
