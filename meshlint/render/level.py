"""One kustomization file, as it is written: what it uses and what it changes."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.document import Document, FileRead
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.charts import inside_chart
from meshlint.render.tree import Tree, base, parent, resolve

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_GROUP = "kustomize.config.k8s.io"
_PATCH_LISTS = ("patchesStrategicMerge", "replacements", "configurations", "transformers", "generators", "validators")


class Level(NamedTuple):
    """A kustomization and the folder it stands in."""

    folder: str
    document: Document

    @property
    def root(self) -> Node:
        return self.document.root

    @property
    def component(self) -> bool:
        return self.document.kind == "Component"

    @property
    def file(self) -> str:
        return self.document.file

    def text(self, key: str) -> str:
        return self.root.get(key).text or ""

    def uses(self) -> Iterator[Node]:
        """What it is made of, in the order of Kustomize: files and folders, then components."""
        for key in ("resources", "bases", "crds", "components"):
            yield from self.root.each(key)

    def other_files(self) -> Iterator[str]:
        """The files that it names but does not apply as objects: patches, replacements, settings of transformers."""
        for key in _PATCH_LISTS:
            for item in self.root.each(key):
                yield from self._inside(item.get("path").text if item.is_map else item.text)
        for key in ("patches", "patchesJson6902"):
            for item in self.root.each(key):
                yield from self._inside(item.get("path").text)
        yield from self._inside(self.root.get("openapi", "path").text)

    def _inside(self, reference: str | None) -> Iterator[str]:
        if reference and "\n" not in reference and (path := resolve(self.folder, reference)):
            yield path


def levels_of(tree: Tree, charts: list[str]) -> dict[str, Level]:
    """The kustomizations of the repository by folder; what lies among the templates of a chart is none."""
    out: dict[str, Level] = {}
    for folder, files in tree.folders.items():
        if inside_chart(folder, charts):
            continue
        named = {base(path): path for path in files}
        for name in FILE_NAMES:
            if name in named and (document := kustomization_in(tree.files[named[name]])) is not None:
                out[folder] = Level(folder, document)
                break
    return dict(sorted(out.items()))


def kustomization_in(file: FileRead) -> Document | None:
    """The kustomization or component that a file holds."""
    for document in file.documents:
        group = document.api_version.rpartition("/")[0]
        if document.kind in ("", "Kustomization", "Component") and (not document.api_version or group == _GROUP):
            return document
    return None


def remote(reference: str) -> bool:
    """Does it name something that Kustomize would download?"""
    head = reference.partition("/")[0]
    if "://" in reference or "?" in reference or reference.startswith("git@") or "//" in reference:
        return True
    return "." in head.strip(".") and head.partition(":")[0].endswith((".com", ".org", ".io", ".net", ".dev")) and "/" in reference


def folder_of(path: str) -> str:
    """The folder that a reference to a kustomization file means."""
    return parent(path) if base(path) in FILE_NAMES else path
