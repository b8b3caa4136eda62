"""From where nothing else applies it, down to all that is applied: kustomizations and charts, the applications among their
objects, what these apply, and so on. Each depth is rendered before the next one is looked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.document import FileRead, Trouble
from meshlint.model.file_names import is_helmfile
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.charts import charts_of
from meshlint.render.draft import Draft
from meshlint.render.find.application import HERE, Application
from meshlint.render.find.applications import ARGO, FLUX, applications_of
from meshlint.render.find.making import Making
from meshlint.render.find.repository import Holder
from meshlint.render.group import Group
from meshlint.render.groups import rendered
from meshlint.render.kustomize import Kustomize
from meshlint.render.recipe import Render
from meshlint.render.tree import Tree, parent

_APPLIES = frozenset(kind.kind for kind in ARGO | FLUX)
_DEEPEST = 12
_MOST = 5_000  # applications
_MOST_OBJECTS = 200_000


class _Reach(NamedTuple):
    """An application as it is written, in which file, and what it applies: kustomizations and charts, and all files."""

    path: str
    application: Application
    folders: set[str]
    covered: frozenset[str]


class Walk:
    """`groups` are what was found, rendered as far as that goes; `troubles` and `output` what rendering said and printed."""

    def __init__(self, tree: Tree, render: Render | None) -> None:
        charts = charts_of(tree)
        self.tree = tree
        self.kustomize = Kustomize(tree, charts)
        self.holder = Holder(tree, self.kustomize)
        self.making = Making(self.holder, charts)
        self.groups: list[Group] = []
        self.troubles: list[Trouble] = []
        self.output: list[FileRead] = []
        self.rendered: list[str] = []
        self._render = render
        self._seen: set[tuple[object, ...]] = set()
        self._met: set[str] = set()
        self._objects = 0
        self._beside: dict[str, list[Draft]] = {}

    def run(self) -> None:
        written = [*self._written()]
        self.making.claimed = {source.folder for _, application in written for source in application.sources if source.folder is not None}
        reach = [_Reach(path, application, *self.making.reach(application)) for path, application in written]
        claimed = {folder for one in reach for folder in one.folders}
        levels = self.kustomize.levels.items()
        roots = [folder for folder, level in levels if not (folder in self.kustomize.used or level.component or folder in claimed)]
        orphans = [self.making.kustomization(folder) for folder in roots]
        charts = [chart for chart in self.making.charts if chart not in claimed and self._may_apply(chart)]
        orphans += [group for chart in charts for group in self.making.chart_sets(chart)]
        held = {path for group in orphans for path in group.files}
        self._down([group._replace(root=group.root or group.path) for group in orphans])
        paths = {one.path for one in reach}
        covered = Counter(path for one in reach for path in paths & one.covered)
        first = [one for one in reach if one.path not in held and covered[one.path] == (one.path in one.covered)]
        self._down([group for one in first for group in self._entry(one)])
        self._left(reach)

    def _may_apply(self, chart: str) -> bool:
        """May there be applications in a chart? Others can wait for what applications that charts make name."""
        for path in self.making.chart_files_of(chart):
            file = self.tree.files[path]
            if any(draft.kind in ARGO or draft.kind in FLUX for draft in self.tree.drafts(path)):
                return True
            if file.skipped is not None and not (file.skipped_kinds and _APPLIES.isdisjoint(file.skipped_kinds)):
                return True
        return False

    def _written(self) -> Iterator[tuple[str, Application]]:
        """The applications as they are written, with their files."""
        for path, file in self.tree.files.items():
            for draft in () if self.making.is_patch(path) else self.tree.drafts(path):
                yield from ((path, application) for application in applications_of(draft, self.holder))
            if is_helmfile(path):
                from meshlint.render.find.helmfile import applications

                yield from ((path, application) for application in applications(file, self.holder))

    def _entry(self, one: _Reach) -> Iterator[Group]:
        """The groups of an application that nothing applies but, for Flux, perhaps itself: its folder is then the root."""
        folders = [source.folder for source in one.application.sources if source.folder is not None]
        root = folders[0] if folders and one.path in one.covered else parent(one.path)
        yield from self._new(one.application, HERE, root, "")

    def _new(self, application: Application, cluster: str | None, root: str, way: str) -> Iterator[Group]:
        """The groups of an application that was not met on this way yet."""
        here = cluster if application.cluster == HERE else application.cluster
        key = (application.by, application.name, tuple(source.said for source in application.sources), here, root, _origin(application.at))
        if key in self._seen:
            return
        if len(self._seen) >= _MOST or self._objects >= _MOST_OBJECTS:
            at, message = application.at, "brings more than can be followed; some of its applications are left out"
            self.troubles.append(Trouble("not-analysed", at.file, at.place, message))
            return
        self._seen.add(key)
        self.troubles += [Trouble("not-analysed", lack.at.file, lack.at.place, lack.what) for lack in application.lost if lack.at]
        for group in self.making.of(application._replace(cluster=here), root, way):
            self._objects += len(group.drafts)
            yield group

    def _down(self, wave: list[Group]) -> None:
        for _ in range(_DEEPEST):
            if not wave:
                return
            done = self._made(wave)
            self.groups += done
            for group in done:
                self._met |= group.folders
                self._beside.setdefault(group.root, []).extend(draft for draft in group.drafts if draft.kind is Kind.CONFIG_MAP)
            wave = [new for group in done for new in self._below(group)]

    def _made(self, wave: Sequence[Group]) -> list[Group]:
        if self._render is None or not any(group.recipes for group in wave):
            return list(wave)
        made = rendered(wave, self.tree, self._render, self._said)
        self.troubles += made.troubles
        self.output += made.output
        return made.groups

    def _said(self, folders: list[str]) -> Iterable[Trouble]:
        """What the static views say is asked for at the end, of all that were not rendered."""
        self.rendered += folders
        return ()

    def _below(self, group: Group) -> Iterator[Group]:
        """What the applications among a group's objects apply."""
        applied = group.applied
        cluster, way = (applied.cluster, applied.way) if applied is not None else (HERE, "")
        unsure = _unsure(group)
        for recipe in group.recipes if group.tool == "kustomize" else ():
            for chart in self.kustomize.build(recipe.folder).charts if recipe.apart else ():
                from meshlint.render.find import helm_charts  # few inflate any

                yield from self._new(helm_charts.application(chart, self.holder, recipe.overlay), cluster, group.root, way)
        for draft in group.drafts:
            if draft.kind in ARGO or draft.kind in FLUX:
                for one in applications_of(draft, self.holder, self._beside.get(group.root, ())):
                    application = one._replace(sources=tuple(source._replace(unsure=True) for source in one.sources)) if unsure else one
                    yield from self._new(application, cluster, group.root, way)

    def _left(self, reach: Sequence[_Reach]) -> None:
        """What was not met: applications in a circle, what an overlay takes away, and components that nobody uses."""
        held = {path for group in self.groups for path in group.files}
        for one in reach:
            if one.path not in held:
                self._down(list(self._entry(one)))
                held |= one.covered
        for used in (False, True):
            for folder in self.kustomize.levels:
                if folder not in self._met and (used or folder not in self.kustomize.used):
                    self._down([self.making.kustomization(folder)._replace(root=folder)])
        charts = [chart for chart in self.making.charts if chart not in self._met]
        self._down([group._replace(root=group.root or chart) for chart in charts for group in self.making.chart_sets(chart)])


def _unsure(group: Group) -> bool:
    """May applications among a group's objects have other settings in a cluster? A chart that nothing installs has its own values
    only, and one whose values are not all here, or that could not be rendered, says less than it would."""
    alone = group.tool == "helm" and (group.status != "rendered" or any(not (one.applied_by or one.values) for one in group.recipes))
    return alone or any(recipe.missing or recipe.unsure for recipe in group.recipes)


def _origin(node: Node) -> tuple[str, int]:
    at = node.origin
    return at.file, at.table.starts[at.row]
