"""From files to environments: Kustomize roots, charts, applications, configured ones, and plain folders for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from meshlint.model.document import Document, FileRead, Trouble
from meshlint.model.kind import kind_of
from meshlint.model.resource import Environment
from meshlint.render.charts import chart_files, charts_of
from meshlint.render.draft import Draft, is_stub
from meshlint.render.kustomize import Kustomize, reason_of
from meshlint.render.plain import plain
from meshlint.render.sources import Source, matches_any, sources_of
from meshlint.render.tree import Tree, above, below, parent

_KINDS = ("configured", "kustomize", "helm", "argocd", "flux", "plain")


class Environments(NamedTuple):
    """`patches`: documents of known kinds that are no objects of their own. `resources`: how many documents are objects."""

    list: tuple[Environment, ...]
    patches: frozenset[Document]
    troubles: tuple[Trouble, ...]
    resources: int


class Group(NamedTuple):
    """What something else than a plain folder holds together."""

    kind: str
    name: str
    path: str
    drafts: tuple[Draft, ...]
    files: frozenset[str]
    reason: str | None = None


def environments(files: Iterable[FileRead], configured: Sequence[tuple[str, Sequence[str]]] = (), root: str = "") -> Environments:
    """Every environment of the repository. `configured`: names with the paths (folders or files) that belong to each;
    `root`: where the repository lies, as the paths of the files begin: empty, or ../shop; environments are called by
    paths from there.

    An object stands in each environment that applies it; no object stands in none.
    """
    found = _Finding(Tree(files, root))
    groups = [*found.kustomizations(), *found.charts_found()]
    groups = found.with_folders(groups)
    own, taken = found.configured(configured, groups)
    groups = [*own, *(group for group in groups if group not in taken)]
    grouped = {path for group in (*groups, *taken) for path in group.files}
    loose = [draft.resource() for path in found.objects_outside(grouped) for draft in found.tree.drafts(path)]
    plain_ones, shared = plain(loose, found.tree)
    made = [_environment(group, shared) for group in groups]
    ordered = _distinct([*made, *plain_ones]) or (Environment(".", "plain", found.tree.root, ()),)
    judged = {resource.root for environment in ordered for resource in environment.resources}
    return Environments(ordered, found.patches(), tuple(found.kustomize.troubles()), len(judged))


def _environment(group: Group, shared: Sequence[object]) -> Environment:
    resources = [draft.resource() for draft in group.drafts]
    return Environment(group.name, group.kind, group.path, resources, reason=group.reason, shared=shared)  # type: ignore[arg-type]


def _distinct(found: Sequence[Environment]) -> tuple[Environment, ...]:
    """In the order of their names, each name once: the later of two kinds says its kind, too."""
    taken: set[str] = set()
    for environment in sorted(found, key=lambda one: (_KINDS.index(one.kind), one.name)):
        name, count = environment.name, 1
        while name in taken:
            name = f"{environment.name} ({environment.kind}{f' {count}' if count > 1 else ''})"
            count += 1
        environment.name = name
        taken.add(name)
    return tuple(sorted(found, key=lambda one: one.name))


class _Finding:
    """The parts of one repository, found once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.charts = charts_of(tree)
        self.kustomize = Kustomize(tree, self.charts)
        self.sources: dict[str, list[Source]] = {}
        for source in sources_of(tree):
            self.sources.setdefault(source.path, []).append(source)
        self.applied: set[str] = set()

    def patches(self) -> frozenset[Document]:
        return frozenset(
            document
            for path, file in self.tree.files.items()
            for document in file.documents
            if kind_of(document.api_version, document.kind) is not None and (self._is_patch_file(path) or is_stub(document))
        )

    def _is_patch_file(self, path: str) -> bool:
        return path in self.kustomize.patch_files and path not in self.applied

    def objects_outside(self, files: set[str]) -> Iterator[str]:
        return (path for path in self.tree.files if path not in files and not self._is_patch_file(path))

    def kustomizations(self) -> Iterator[Group]:
        named = [path for path, found in self.sources.items() if any(source.kind != "helm" for source in found)]
        for folder, built in self.kustomize.roots(named):
            self.applied |= built.files
            drafts = self._placed(built.drafts, self._appliers(folder))
            reason = reason_of(built.gaps) if built.gaps else None
            yield Group("kustomize", self.tree.called(folder), folder, drafts, built.files, reason)

    def _appliers(self, folder: str) -> Sequence[Source]:
        """The applications of a kustomization; Flux also applies those below a folder that has none itself."""
        if folder in self.sources:
            return self.sources[folder]
        for upper in above(folder):
            if found := [source for source in self.sources.get(upper, ()) if source.kind == "flux"]:
                return () if upper in self.kustomize.levels else found
        return ()

    def _placed(self, drafts: Iterable[Draft], sources: Sequence[Source]) -> tuple[Draft, ...]:
        """With the namespace that the applications give, if they agree on it."""
        if len({(source.namespace, source.override) for source in sources}) != 1:
            return tuple(drafts)
        return tuple(sources[0].place(draft) for draft in drafts)

    def charts_found(self) -> Iterator[Group]:
        for chart in self.charts:
            files = [path for path in chart_files(self.tree, chart, self.charts) if self._in_chart(path)]
            drafts = self._placed(self._drafts(files), self.sources.get(chart, ()))
            yield Group("helm", self.tree.called(chart), chart, drafts, frozenset(files))

    def _in_chart(self, path: str) -> bool:
        return path not in self.kustomize.patch_files and path not in self.applied

    def _drafts(self, files: Iterable[str]) -> Iterator[Draft]:
        return (draft for path in files for draft in self.tree.drafts(path))

    def with_folders(self, groups: Sequence[Group]) -> list[Group]:
        """And what Argo CD and Flux apply as it lies there: folders without a kustomization or a chart. Flux makes one
        kustomization of such a folder, which uses those of its subfolders."""
        merged: list[Group] = []
        out = self._folders(groups, merged)
        return [*(group for group in groups if group not in merged), *out]

    def _folders(self, groups: Sequence[Group], merged: list[Group]) -> list[Group]:
        owned = {path for group in groups for path in group.files}
        out = []
        for folder, sources in sorted(self.sources.items()):
            if folder in self.kustomize.levels or folder in self.charts:
                continue
            alike: dict[Source, list[str]] = {}
            for source in sources:
                if source.kind != "helm":
                    alike.setdefault(source._replace(name=""), []).append(source.name)
            for source, names in alike.items():
                files = [path for path in self.objects_outside(owned) if _takes(source, path)]
                used = self._used_by_flux(folder, groups) if source.kind == "flux" and len(alike) == 1 else []
                merged += used
                drafts = (*(source.place(draft) for draft in self._drafts(files)), *(draft for group in used for draft in group.drafts))
                called = self.tree.called(folder)
                name = f"{called} ({names[0]})" if len(alike) > 1 and names[0] else called
                if drafts:
                    held = frozenset((*files, *(path for group in used for path in group.files)))
                    reason = "; ".join(dict.fromkeys(group.reason for group in used if group.reason)) or None
                    out.append(Group(source.kind, name, folder, drafts, held, reason))
        return out

    def _used_by_flux(self, folder: str, groups: Sequence[Group]) -> list[Group]:
        """The kustomizations below a folder without one, but for those below others and those that are applied themselves."""
        known = {*self.kustomize.levels, *self.sources}

        def used(path: str) -> bool:
            between = [upper for upper in above(path) if upper != folder and below(upper, folder)]
            return path not in self.sources and not any(upper in known for upper in between)

        inside = [group for group in groups if group.kind == "kustomize" and group.path != folder and below(group.path, folder)]
        return [group for group in inside if used(group.path)]

    def configured(self, wanted: Sequence[tuple[str, Sequence[str]]], groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
        """The environments that the configuration names, and the groups that went into them."""
        out: list[Group] = []
        taken: list[Group] = []
        for name, paths in wanted:
            prefixes = [path for path in (self.tree.inside(path) for path in paths) if path is not None]
            inside = [group for group in groups if any(below(group.path, prefix) for prefix in prefixes)]
            files = {path for group in inside for path in group.files}
            loose = [path for path in self.objects_outside(files) if any(below(path, prefix) for prefix in prefixes)]
            drafts = [*(draft for group in inside for draft in group.drafts), *self._drafts(loose)]
            reasons = "; ".join(dict.fromkeys(group.reason for group in inside if group.reason)) or None
            out.append(Group("configured", name, prefixes[0] if prefixes else "", tuple(drafts), frozenset((*files, *loose)), reasons))
            taken += inside
        return out, taken


def _takes(source: Source, path: str) -> bool:
    folder = source.path
    if not (below(path, folder) if source.recurse else parent(path) == folder):
        return False
    inside = path[len(folder) + 1 :]
    return (not source.include or matches_any(source.include, inside)) and not (source.exclude and matches_any(source.exclude, inside))
