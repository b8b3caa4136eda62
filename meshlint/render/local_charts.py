"""Charts of a kustomization (helmCharts) that lie in the repository: Kustomize downloads none that is there."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.read.inner import documents_in
from meshlint.render.level import Level
from meshlint.render.patches import patches_of
from meshlint.render.tree import Tree, joined, resolve

_FILES = ("Chart.yaml", "Chart.yml")
_ADDED = ("namespace", "namePrefix", "nameSuffix", "commonLabels", "commonAnnotations", "patches", "patchesJson6902")
_UNFOLLOWED = ("components", "replacements", "transformers", "vars", "configurations", "patchesStrategicMerge")
_NAMES = ("namePrefix", "nameSuffix")

Overlay = tuple[tuple[str, Node], ...]


class LocalChart(NamedTuple):
    """`entry` of the kustomization in the folder `level`, the `folder` of the chart, and what the levels up to here add to its objects."""

    entry: Node
    level: str
    folder: str
    overlay: Overlay = ()

    @property
    def name(self) -> str:
        return self.entry.get("name").text or ""

    def under(self, overlay: Overlay | None) -> LocalChart | None:
        """The same in a level that adds something; None where that cannot be told."""
        if overlay is None or ({field for field, _ in overlay} & {*_NAMES} and {field for field, _ in self.overlay} & {*_NAMES}):
            return None
        return self._replace(overlay=(*self.overlay, *overlay))


def chart_of(level: Level, entry: Node, tree: Tree) -> LocalChart | None:
    """Where Kustomize looks for a chart first; None where it is not there."""
    name, version = entry.get("name").text, entry.get("version").text
    home = resolve(level.folder, level.root.get("helmGlobals", "chartHome").text or "charts")
    if home is None or not name or "/" in name:
        return None
    own = f"{name}-{version}/{name}" if version and entry.get("repo").text else ""
    for folder in filter(None, (own and joined(home, own), joined(home, name))):
        if any(joined(folder, file) in tree.files for file in _FILES):
            return LocalChart(entry, level.folder, folder)
    return None


def added_by(level: Level) -> Overlay | None:
    """What a level does to the objects of its charts, where all of it can be done after Helm."""
    root = level.root
    if any(root.get(key) for key in _UNFOLLOWED) or not all(_plain(item) for item in _patches(root)):
        return None
    labels = [item for item in root.each("labels") if item.get("pairs")]
    if any(item.get(key).value is True for item in labels for key in ("includeSelectors", "includeTemplates")):
        return None
    return (*((key, root.get(key)) for key in _ADDED if root.get(key)), *(("labels", item.get("pairs")) for item in labels))


def _patches(root: Node) -> Iterator[Node]:
    for key in ("patches", "patchesJson6902"):
        yield from root.each(key)


def _plain(item: Node) -> bool:
    """A patch that is written in place, and touches names and metadata only."""
    inline = item.get("patch")
    return bool(inline.text) and not any(patch.others for patch in patches_of(documents_in(inline), item.get("target")))
