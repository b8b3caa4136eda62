"""What the kustomizations on the way of an object change of it, in the order in which kustomize does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meshlint.model.document import FileRead
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.read.file import read_content
from meshlint.read.inner import documents_in, documents_of
from meshlint.render.level import Level, folder_of
from meshlint.render.run.stage import Files
from meshlint.render.target import Target, by_identity, by_selector
from meshlint.render.tree import Tree, resolve

_FIELDS = (
    "namespace", "namePrefix", "nameSuffix", "commonLabels", "labels", "commonAnnotations", "replicas", "images", "replacements", "vars",
)  # fmt: skip


class Change(NamedTuple):
    """A patch (`key` is merge or operations, `node` what it says, `target` what it is for), or a field of a kustomization."""

    key: str
    node: Node
    target: Target | None = None


class Sources:
    """Files of the repository as documents, each read once."""

    def __init__(self, tree: Tree, files: Files) -> None:
        self._tree = tree
        self._files = files
        self._roots: dict[str, list[Node]] = {}

    def real(self, path: str) -> str | None:
        return self._files.real(path)

    def file(self, path: str) -> FileRead | None:
        return self._tree.files.get(path)

    def text(self, path: str) -> str | None:
        content = self._files.content(path)
        return None if content is None else content.decode("utf-8", "replace")

    def roots(self, path: str) -> list[Node]:
        """Every document of a file: objects, patches, lists of operations."""
        found = self._roots.get(path)
        if found is None:
            found = self._roots[path] = self._read(path)
        return found

    def _read(self, path: str) -> list[Node]:
        file = self._tree.files.get(path)
        if file is None and (content := self._files.content(path)) is not None:
            file = read_content(content, path)
        if file is None:
            return []
        if file.documents:
            return [document.root for document in file.documents]
        return documents_of(file.source) if file.source is not None else []


class Changes:
    """`levels` in use, by folder; `overlay`: the fields that an application puts around `start`."""

    def __init__(self, levels: Mapping[str, Level], start: str, overlay: Sequence[tuple[str, Node]], sources: Sources) -> None:
        self.levels = levels
        self._start = start
        self._overlay = overlay
        self._sources = sources
        self._own: dict[str, list[Change]] = {}
        self._on_way: dict[tuple[str, str], list[Change] | None] = {}
        self._open: set[str] = set()

    def of(self, file: str) -> list[Change]:
        """What is done to the objects of a file, or to what the kustomization in that file generates."""
        found = self._way(self._start, file) or []
        if not self._overlay:
            return found
        components = self._folders_of(self._overlay_nodes("components"), self._start)
        more = [change for folder in components for change in self._way(folder, file) or self._all(folder)]
        return [*found, *more, *self._overlaid()]

    def _way(self, folder: str, file: str) -> list[Change] | None:
        """The changes between a file and the result of a folder's kustomization; None: it does not use the file."""
        key = (folder, file)
        if key not in self._on_way:
            if folder in self._open:
                return None
            self._open.add(folder)
            self._on_way[key] = self._find_way(folder, file)
            self._open.discard(folder)
        return self._on_way[key]

    def _find_way(self, folder: str, file: str) -> list[Change] | None:
        level = self.levels[folder]
        held = level.file == file or any(self._leads_to(folder, use, file) for use in level.uses())
        out: list[Change] = []
        folders = self._folders_of(level.uses(), folder)
        for lower in (one for one in folders if not self.levels[one].component):
            if (found := self._way(lower, file)) is not None:
                held = True
                out += found
        for lower in (one for one in folders if self.levels[one].component):
            found = self._way(lower, file)
            if found is None and held:
                found = self._all(lower)
            if found is not None:
                held = True
                out += found
        return [*out, *self.own(folder)] if held else None

    def _leads_to(self, folder: str, use: Node, file: str) -> bool:
        path = resolve(folder, use.text) if use.text else None
        return path is not None and self._sources.real(path) == file

    def _folders_of(self, uses: Iterator[Node] | Sequence[Node], folder: str) -> list[str]:
        paths = [resolve(folder, use.text) for use in uses if use.text]
        found = [self._sources.real(folder_of(path)) for path in paths if path is not None]
        return [one for one in found if one is not None and one in self.levels]

    def _all(self, folder: str) -> list[Change]:
        """What a component changes of everything that was there before."""
        if folder in self._open:
            return []
        self._open.add(folder)
        lower = [one for one in self._folders_of(self.levels[folder].uses(), folder) if self.levels[one].component]
        out = [*(change for one in lower for change in self._all(one)), *self.own(folder)]
        self._open.discard(folder)
        return out

    def own(self, folder: str) -> list[Change]:
        if folder not in self._own:
            level = self.levels[folder]
            fields = (Change(key, node) for key in _FIELDS if (node := level.root.get(key)).present)
            self._own[folder] = [*self._patches(level), *fields, *self._replacements(level)]
        return self._own[folder]

    def _overlaid(self) -> Iterator[Change]:
        nothing = self.levels[self._start].root.get("patches", "none")
        for key, node in self._overlay:
            if key in ("patches", "patchesJson6902"):
                for item in node.each():
                    yield from self._patch(item, self._start, nothing)
            elif key == "patchesStrategicMerge":
                yield from self._read([item for item in node.each() if item.is_map], nothing)
            elif key in _FIELDS or key == "annotations":
                yield Change(key, node)

    def _overlay_nodes(self, wanted: str) -> list[Node]:
        return [item for key, node in self._overlay if key == wanted for item in node.each()]

    def _patches(self, level: Level) -> Iterator[Change]:
        root = level.root
        nothing = root.get("patches", "none")
        for item in root.each("patchesStrategicMerge"):
            if text := item.text:
                yield from self._read(documents_in(item) if "\n" in text else self._at(level.folder, text), nothing)
        for key in ("patches", "patchesJson6902"):
            for item in root.each(key):
                yield from self._patch(item, level.folder, nothing)
        for item in root.each("transformers"):
            if text := item.text:
                for found in documents_in(item) if "\n" in text else self._at(level.folder, text):
                    yield from self._transformer(found, level.folder)

    def _replacements(self, level: Level) -> Iterator[Change]:
        """Those that stand in files of their own."""
        for item in level.root.each("replacements"):
            for root in self._at(level.folder, item.get("path").text or "") if item.get("path").text else ():
                yield Change("replacements", root)

    def _patch(self, item: Node, folder: str, nothing: Node) -> Iterator[Change]:
        inline = item.get("patch") or item.get("ops")
        path = item.get("path").text
        roots = [inline] if inline.is_list else documents_in(inline) if inline.text else self._at(folder, path) if path else []
        yield from self._read(roots, item.get("target") if item.get("target").is_map else nothing)

    def _at(self, folder: str, reference: str) -> list[Node]:
        path = resolve(folder, reference)
        real = self._sources.real(path) if path is not None else None
        return self._sources.roots(real) if real is not None else []

    def _read(self, roots: Sequence[Node], target: Node) -> Iterator[Change]:
        for root in roots:
            if root.is_list:
                yield Change("operations", root, by_selector(target))
            elif root.is_map:
                yield Change("merge", root, by_selector(target) if target.is_map else by_identity(root))

    def _transformer(self, root: Node, folder: str) -> Iterator[Change]:
        """The builtin transformers that are configured as objects."""
        kind = root.get("kind").text
        if kind == "NamespaceTransformer":
            yield Change("namespace", root.get("metadata", "namespace"))
        elif kind == "LabelTransformer":
            yield Change("commonLabels", root.get("labels"))
        elif kind == "AnnotationsTransformer":
            yield Change("commonAnnotations", root.get("annotations"))
        elif kind in ("PatchTransformer", "PatchJson6902Transformer"):
            yield from self._patch(root, folder, root.get("none"))
