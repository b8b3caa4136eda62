"""The objects that Kustomize patches name: without one of them kustomize build fails, or a patch is lost without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshlint.fix.texts import applied
from meshlint.model.document import FileRead
from meshlint.model.node import Node
from meshlint.model.problem import Edit, Fix
from meshlint.read.file import read_text
from meshlint.read.inner import documents_in, documents_of
from meshlint.render.level import FILE_NAMES, Level, kustomization_in
from meshlint.render.tree import base, parent, resolve

Named = tuple[str, str]  # kind and name


class Patched:
    """What the patches of a repository name."""

    def __init__(self, files: Mapping[str, FileRead]) -> None:
        self._files = files
        self._names: set[Named] | None = None

    def loses(self, fix: Fix) -> bool:
        """Does a fix take away an object that a patch names, or make another one of it?"""
        if self._names is None:
            self._names = {name for level in self._levels() for root in self._roots(level) for name in _named(root)}
        edits: dict[str, list[Edit]] = {}
        for edit in fix.edits if self._names else ():
            edits.setdefault(edit.file, []).append(edit)
        return any(self._loses(path, own) for path, own in edits.items())

    def _loses(self, path: str, edits: list[Edit]) -> bool:
        file = self._files[path]
        held = _objects(file) & (self._names or set())
        return bool(held) and file.source is not None and not held <= _objects(read_text(applied(file.source.text, edits), path))

    def _levels(self) -> Iterator[Level]:
        for path, file in self._files.items():
            document = kustomization_in(file) if base(path) in FILE_NAMES else None
            if document is not None:
                yield Level(parent(path), document)

    def _roots(self, level: Level) -> Iterator[Node]:
        """What says which objects are meant: the documents of patches, and their targets."""
        for item in level.root.each("patchesStrategicMerge"):
            yield from self._documents(level, item, item.text if "\n" not in (item.text or "") else None)
        for key in ("patches", "patchesJson6902"):
            for item in level.root.each(key):
                if item.get("target").is_map:
                    yield item.get("target")
                else:
                    yield from self._documents(level, item.get("patch"), item.get("path").text)

    def _documents(self, level: Level, inline: Node, reference: str | None) -> list[Node]:
        if reference is None:
            return documents_in(inline) if inline.text else []
        file = self._files.get(resolve(level.folder, reference) or "")
        if file is None:
            return []
        return [document.root for document in file.documents] or (documents_of(file.source) if file.source is not None else [])


def _named(root: Node) -> Iterator[Named]:
    """Of a document, or of a target."""
    kind, name = root.get("kind").text, root.get("metadata", "name").text or root.get("name").text
    if kind and name:
        yield kind, name


def _objects(file: FileRead) -> set[Named]:
    roots = [root for document in file.documents for root in (document.root, *document.root.each("items"))]
    return {name for root in roots for name in _named(root)}
