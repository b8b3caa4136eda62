"""From the sources of applications to groups: the files that each takes, its static view and its recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from meshlint.model.lazy_regex import lazy_regex
from meshlint.render.charts import chart_files
from meshlint.render.draft import Draft
from meshlint.render.exact import literal, plain_overlay
from meshlint.render.find.application import Application, Source
from meshlint.render.find.overlay import overlaid
from meshlint.render.find.repository import Holder
from meshlint.render.group import Applied, Group
from meshlint.render.kustomize import Built, reason_of
from meshlint.render.recipe import Missing, Recipe, Values
from meshlint.render.tree import above, below, parent

if TYPE_CHECKING:
    from meshlint.render.local_charts import LocalChart

_SAID = 3
_AFTER_HELM = frozenset((
    "namespace", "namePrefix", "nameSuffix", "commonLabels", "labels", "commonAnnotations", "annotations", "images", "replicas",
))  # fmt: skip
_RELEASE = lazy_regex(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")  # one that a template has yet to fill in is none


class Making:
    """`claimed`: folders that applications name."""

    def __init__(self, holder: Holder, charts: list[str]) -> None:
        self.holder = holder
        self.tree = holder.tree
        self.kustomize = holder.kustomize
        self.charts = charts
        self.claimed: set[str] = set()
        self._applications = 0
        self._of_charts: dict[str, list[str]] = {}
        self._loose: dict[tuple[object, ...], list[str]] = {}

    def of(self, application: Application, root: str = "", way: str = "") -> Iterator[Group]:
        """The groups of an application, one a source; of what the repository does not hold, one that says so."""
        self._applications += 1
        by, at, cluster = application.by, application.at, application.cluster
        for number, source in enumerate(application.sources):
            applied = Applied(by, application.name, way or by, at, cluster, source.said, self._applications)
            for group in self._of_source(source, applied):
                missing = (*group.missing, *source.missing)
                yield group._replace(applied=applied, root=root, missing=missing, like=_like(group, source))
            if application.made and not number:
                path = source.folder or self.tree.root
                name = self.tree.called(path)
                yield Group("argocd", name, path, application.made, frozenset(), tool="namespace", applied=applied, root=root)

    def _of_source(self, source: Source, applied: Applied) -> Iterator[Group]:
        kind = "flux" if applied.by == "flux" else "argocd" if applied.by == "argocd" else "helm"
        if source.folder is None:
            missing = (Missing(source.reason or source.said, applied.at),) if not source.plain else ()
            yield Group(kind, source.said, "", (), frozenset(), source.reason, missing=missing, gone=True)
            return
        tool = self.holder.tool(source.folder, source.tool)
        if tool == "kustomize":
            yield self.kustomization(source.folder, source, applied)
        elif tool == "helm":
            yield self.chart(source.folder, source, applied)
        else:
            yield from self._directory(source.folder, source, applied, kind)

    def kustomization(self, folder: str, source: Source | None = None, applied: Applied | None = None) -> Group:
        built = self.kustomize.build(folder)
        drafts = built.drafts if source is None else overlaid(built.drafts, source.overlay, source.namespace)
        reason = "; ".join(filter(None, (reason_of(built.gaps) if built.gaps else "", _lost(source)))) or None
        exact = built.exact and (source is None or _adds_nothing(source, built.drafts, drafts))
        drafts = literal(drafts) if exact else drafts
        charts = self.charts_beside(folder, source, applied)
        lost = () if charts else built.charts
        reason = "; ".join(filter(None, (reason, *(_not_rendered(chart) for chart in lost)))) or None
        apart = frozenset((one.level, one.name) for one in charts)
        recipe = _recipe("kustomize", folder, source, applied)._replace(exact=exact, apart=apart)
        folders = frozenset((folder, *built.folders))
        files = self._files(built, (folder,))
        group = Group("kustomize", self.tree.called(folder), folder, drafts, files, reason, (recipe,), "static", "kustomize")
        gaps = tuple(Missing(gap.message, gap.node) for gap in built.gaps if not gap.static)
        return group._replace(folders=folders, missing=(*gaps, *(Missing(_not_rendered(chart), chart.entry) for chart in lost)))

    def charts_beside(self, folder: str, source: Source | None, applied: Applied | None) -> tuple[LocalChart, ...]:
        """The charts whose objects come with those of a kustomization. Flux inflates none."""
        fields = {field for field, _ in source.overlay} if source is not None else set()
        flux = source is not None and (source.mixed or source.substitute is not None)
        return self.kustomize.build(folder).charts if not flux and fields <= _AFTER_HELM else ()

    def reach(self, application: Application) -> tuple[set[str], frozenset[str]]:
        """The kustomizations and charts that an application names, and the files that it takes."""
        folders: set[str] = set()
        files: set[str] = set()
        for source in application.sources:
            if (folder := source.folder) is None:
                continue
            tool = self.holder.tool(folder, source.tool)
            if tool == "directory":
                files.update(self.loose(folder, source))
            inner = [folder] if tool == "kustomize" else self.below(folder) if tool == "directory" and source.mixed else []
            files.update(*(self._files(self.kustomize.build(one), (one,)) for one in inner))
            if tool == "helm":
                files.update(self.chart_files_of(folder))
            folders.update(inner, [folder] if tool == "helm" else ())
        return folders, frozenset(files)

    def _files(self, built: Built, folders: Iterable[str]) -> frozenset[str]:
        return frozenset((*built.files, *(self.kustomize.levels[folder].file for folder in (*folders, *built.folders))))

    def chart(self, folder: str, source: Source | None = None, applied: Applied | None = None) -> Group:
        from meshlint.render.find.valuesets import library
        from meshlint.render.helm_ignore import left_out

        files = self.chart_files_of(folder)
        ignored = left_out(self.tree, folder)
        drafts: tuple[Draft, ...] = tuple(draft for path in files if not ignored(path) for draft in self.tree.drafts(path))
        drafts = drafts if source is None else overlaid(drafts, source.overlay, source.namespace)
        recipes = () if library(self.tree, folder) else (_recipe("helm", folder, source, applied),)
        group = Group("helm", self.tree.called(folder), folder, drafts, frozenset(files), _lost(source) or None, recipes, "static", "helm")
        return group._replace(folders=frozenset((folder,)))

    def chart_sets(self, folder: str) -> Iterator[Group]:
        """A chart that nothing names: with each set of values that stands beside it, else with its own."""
        from meshlint.render.find.valuesets import value_sets

        found = value_sets(self.tree, folder)
        for one in found:
            group = self.chart(folder, Source(folder, folder, values=(Values(one.file),)))
            yield group._replace(name=f"{group.name} ({one.name})", root=f"{folder} ({one.name})")
        if not found:
            yield self.chart(folder)

    def chart_files_of(self, folder: str) -> list[str]:
        found = self._of_charts.get(folder)
        if found is None:
            paths = chart_files(self.tree, folder, self.charts)
            used = (self.kustomize.patch_files, self.kustomized)
            found = self._of_charts[folder] = [path for path in paths if not any(path in files for files in used)]
        return found

    def _directory(self, folder: str, source: Source, applied: Applied, kind: str) -> Iterator[Group]:
        """A folder as it lies there. Flux makes one kustomization of it, which uses those below."""
        files = self.loose(folder, source)
        written = [draft for path in files for draft in self.tree.drafts(path)]
        drafts = overlaid(written, source.overlay, source.namespace)
        needed = source.overlay or source.substitute is not None
        exact = all(map(self.kustomize.plain, files)) and _adds_nothing(source, written, drafts) if needed else False
        drafts = literal(drafts) if exact else drafts
        recipe = _recipe("directory", folder, source, applied)._replace(files=tuple(files), exact=exact)
        recipes = (recipe,) if needed and files else ()
        name = self.tree.called(folder)
        yield Group(kind, name, folder, drafts, frozenset(files), _lost(source) or None, recipes, "static", "directory")
        for inner in self.below(folder) if source.mixed else ():
            yield self.kustomization(inner, source, applied)._replace(kind=kind, name=name)

    def loose(self, folder: str, source: Source) -> list[str]:
        """The files of a plain folder that are no part of a kustomization or chart. What lies in or below the folder of a
        kustomization Flux leaves to that one (fluxcd/pkg: kustomize)."""
        key = (folder, source.recurse, source.include, source.exclude, source.mixed)
        if key not in self._loose:
            inner = self._levels_below(folder) if source.mixed else frozenset()
            free = (path for path in self.tree.under(folder) if path not in self.owned and not self.is_patch(path))
            taken = (path for path in free if self._takes(source, folder, path))
            self._loose[key] = [path for path in taken if not any(upper in inner for upper in above(path))]
        return self._loose[key]

    def is_patch(self, path: str) -> bool:
        return path in self.kustomize.patch_files and path not in self.kustomized

    def _takes(self, source: Source, folder: str, path: str) -> bool:
        if not source.recurse and parent(path) != folder:
            return False
        inside = path[len(folder) + 1 :] if folder else path
        return (not source.include or matches_any(source.include, inside)) and not (source.exclude and matches_any(source.exclude, inside))

    def below(self, folder: str) -> list[str]:
        """The kustomizations below a folder that are not below others, nor named by an application themselves."""
        levels = self._levels_below(folder)
        return [level for level in sorted(levels) if level not in self.claimed and not any(upper in levels for upper in above(level))]

    def _levels_below(self, folder: str) -> frozenset[str]:
        return frozenset(level for level in self.kustomize.levels if level != folder and below(level, folder))

    @cached_property
    def kustomized(self) -> frozenset[str]:
        """The files that kustomizations apply."""
        used = self.kustomize.used
        levels = [folder for folder, level in self.kustomize.levels.items() if not (level.component and folder in used)]
        return frozenset(path for folder in levels for path in self.kustomize.build(folder).files)

    @cached_property
    def owned(self) -> frozenset[str]:
        """The files of kustomizations and charts."""
        charts = (path for chart in self.charts for path in self.chart_files_of(chart))
        return frozenset((*self.kustomized, *(level.file for level in self.kustomize.levels.values()), *charts))


def _not_rendered(chart: LocalChart) -> str:
    return f"chart {chart.name} is not rendered"


def _like(group: Group, source: Source) -> tuple[object, ...]:
    recipes = tuple(recipe._replace(applied_by=None) for recipe in group.recipes)
    return (group.path, group.tool, group.files, recipes, source.namespace, source.overlay, source.said)


def _recipe(tool: str, folder: str, source: Source | None, applied: Applied | None) -> Recipe:
    if source is None:
        return Recipe(tool, folder)
    return Recipe(
        tool,
        folder,
        source.release if tool == "helm" and _RELEASE.fullmatch(source.release) else "",
        source.namespace,
        source.values,
        source.parameters,
        source.include_crds,
        source.overlay,
        source.substitute,
        applied.at if applied is not None else None,
        source.missing,
        unsure=source.unsure,
    )


def _adds_nothing(source: Source, drafts: Sequence[Draft], out: Sequence[Draft]) -> bool:
    """Is what an application adds followed, too?"""
    return source.substitute is None and not source.missing and plain_overlay(source.overlay, drafts, out)


def _lost(source: Source | None) -> str:
    missing: tuple[Missing, ...] = source.missing if source is not None else ()
    named = list(dict.fromkeys(one.what for one in missing))
    return "; ".join(named[:_SAID]) + (f" (and {len(named) - _SAID} more)" if len(named) > _SAID else "")


def matches_any(pattern: str, path: str) -> bool:
    """Argo CD's include and exclude: a glob, or several as {a,b}, of the path inside of the folder."""
    patterns = pattern[1:-1].split(",") if pattern.startswith("{") and pattern.endswith("}") else [pattern]
    return any(fnmatchcase(path, one.strip()) for one in patterns)
