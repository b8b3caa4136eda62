"""What applications can name of a repository: folders, values files, ConfigMaps; and what belongs to other repositories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.model.document import Document
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.render.draft import Draft
from meshlint.render.find.fill import unfilled
from meshlint.render.kustomize import Kustomize
from meshlint.render.tree import Tree, base, below, parent, resolve, shared_steps

_CHART_FILES = ("Chart.yaml", "Chart.yml")
_ASKING = frozenset((Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET, Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE))
_OWN_GROUPS = ("source.toolkit.fluxcd.io", "source.extensions.fluxcd.io")


class Holder:
    """The repository as applications see it. `beside` are the objects that are applied with one: they are asked first."""

    def __init__(self, tree: Tree, kustomize: Kustomize) -> None:
        self.tree = tree
        self.kustomize = kustomize
        self.charts = {parent(path) for path in tree.files if base(path) in _CHART_FILES}
        self._asked: dict[str, list[bool]] | None = None
        self._maps: dict[str, list[Draft]] | None = None
        self._sources: dict[tuple[str, str], list[Document]] | None = None

    def folder(self, path: str) -> str | None:
        """A path from the root of the repository, as a folder that holds something."""
        folder = self.tree.inside(path)
        return folder if folder is not None and folder in self.tree.folders else None

    def tool(self, folder: str, wanted: str = "") -> str:
        """What a folder is: a kustomization, a chart, or plain files. Argo CD takes a folder of both for a kustomization
        (argo-cd: util/app/discovery), and Flux applies kustomizations only."""
        chart, kustomization = folder in self.charts, folder in self.kustomize.levels
        if kustomization and not (chart and wanted == "helm"):
            return "kustomize"
        return "helm" if chart else "directory"

    def belongs(self, source: str) -> bool:
        """Is this the repository that a source (a URL, or an object of Flux by its kind and name) stands for? It is unless most
        of the paths that are asked of it are not here."""
        votes = self._votes().get(source, [])
        return not votes or 2 * sum(votes) >= len(votes)

    def known(self, source: str) -> bool:
        """Is there anything that says that a source is this repository?"""
        return self.belongs(source) and bool(self._votes().get(source))

    def _votes(self) -> dict[str, list[bool]]:
        """Which paths are asked of each source, and whether they are here."""
        if self._asked is None:
            self._asked = {}
            drafts = (draft for path in self.tree.files for draft in self.tree.drafts(path))
            for source, path in (asked for draft in drafts for asked in _paths(draft)):
                if path and path.strip("./"):
                    self._asked.setdefault(source, []).append(self.folder(path) is not None)
        return self._asked

    def file(self, folder: str, reference: str) -> str | None:
        """A file by its path from a folder, or from the root where it begins with a slash."""
        path = self.tree.inside(reference) if reference.startswith("/") else resolve(folder, reference)
        return path if path is not None and path in self.tree.files and below(path, self.tree.root) else None

    def config_map(self, name: str, namespace: str, near: str, beside: Sequence[Draft]) -> Draft | None:
        """A ConfigMap by name: one applied beside, else the nearest by folders that the repository holds, if one is."""
        for draft in beside:
            if draft.kind is Kind.CONFIG_MAP and draft.name == name and (draft.namespace or namespace) == namespace:
                return draft
        if self._maps is None:
            self._maps = {}
            for path in self.tree.files:
                for draft in self.tree.drafts(path):
                    if draft.kind is Kind.CONFIG_MAP:
                        self._maps.setdefault(draft.name, []).append(draft)
        found = [draft for draft in self._maps.get(name, ()) if not draft.namespace or not namespace or draft.namespace == namespace]
        ranked = sorted(found, key=lambda draft: -_shared(draft.document.file, near))
        if len(ranked) > 1 and _shared(ranked[0].document.file, near) == _shared(ranked[1].document.file, near):
            return None
        return ranked[0] if ranked else None

    def generated(self, name: str, near: str) -> Iterator[tuple[str, str]]:
        """The files of a ConfigMap that kustomizations around generate, by key: (values.yaml, shop/values.yaml)."""
        for folder, level in self.kustomize.levels.items():
            for item in level.root.each("configMapGenerator"):
                if item.get("name").text == name and below(near, folder):
                    for written in item.each("files"):
                        key, _, path = (written.text or "").rpartition("=")
                        file = resolve(folder, path)
                        if file is not None and file in self.tree.files:
                            yield key or base(path), file

    def source(self, kind: str, name: str) -> Document | None:
        """A source object of Flux (GitRepository, HelmChart, ArtifactGenerator) by kind and name."""
        if self._sources is None:
            self._sources = {}
            for file in self.tree.files.values():
                for document in file.documents:
                    if document.api_version.partition("/")[0] in _OWN_GROUPS:
                        key = (document.kind, document.root.get("metadata", "name").text or "")
                        self._sources.setdefault(key, []).append(document)
        found = self._sources.get((kind, name), [])
        return found[0] if found else None

    def generators(self, near: str) -> Iterator[Node]:
        """The ArtifactGenerators, those that stand nearest to a file first."""
        self.source("", "")
        all_sources = (self._sources or {}).items()
        found = [one for (kind, _), documents in all_sources if kind == "ArtifactGenerator" for one in documents]
        yield from (document.root for document in sorted(found, key=lambda document: -_shared(document.file, near)))


def _paths(draft: Draft) -> Iterator[tuple[str, str | None]]:
    """The paths that an application asks for, each with its source."""
    if draft.kind not in _ASKING:
        return
    spec = draft.document.root.get("spec")
    if draft.kind in (Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET):
        spec = spec.get("template", "spec") if spec.get("template").is_map else spec
        for source in (spec.get("source"), *spec.get("sources").each()):
            yield unfilled(source.get("repoURL")), source.get("path").text
    elif draft.kind is Kind.FLUX_KUSTOMIZATION:
        yield source_name(spec.get("sourceRef")), spec.get("path").text
    elif draft.kind is Kind.HELM_RELEASE and spec.get("chart", "spec", "sourceRef", "kind").text in ("GitRepository", "Bucket"):
        yield source_name(spec.get("chart", "spec", "sourceRef")), spec.get("chart", "spec", "chart").text


def source_name(reference: Node) -> str:
    """An object of Flux that holds files, by its kind and name."""
    return f"{unfilled(reference.get('kind'))} {unfilled(reference.get('name'))}".strip()


def _shared(one: str, other: str) -> int:
    """How many folders two files lie in together."""
    return shared_steps(one.split("/")[:-1], other.split("/")[:-1])
