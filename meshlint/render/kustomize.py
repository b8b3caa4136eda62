"""Kustomizations followed statically: what each root applies, with names, namespaces and labels as they come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from meshlint.model.document import FileRead, Trouble
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.read.inner import documents_in, documents_of
from meshlint.render.draft import Draft
from meshlint.render.exact import READ_IN_FULL, followed, plain_file, plain_level, taken_over
from meshlint.render.given import Entry, Given
from meshlint.render.level import Level, folder_of, levels_of, remote
from meshlint.render.patches import Patch, patches_of, replacements_of
from meshlint.render.tree import Tree, resolve

if TYPE_CHECKING:
    from meshlint.render.local_charts import LocalChart

_DEEPEST = 100
_MOST = 20_000
_WORK = 1_000_000
_LOST = "Correct the path, or bring what it names into the repository: kustomize build fails without it."
_KEEP_NAME = (Kind.NAMESPACE, Kind.CRD)
_HARMLESS = frozenset(("ImageTagTransformer", "ReplicaCountTransformer", "HashTransformer"))


class Gap(NamedTuple):
    """Something that a kustomization asks for and that is not here. `static`: rendering does it. `lost`: the repository
    should hold it, so that kustomize fails."""

    file: str
    node: Node
    message: str
    static: bool = False
    lost: bool = False


class Built(NamedTuple):
    """What a kustomization gives: objects, what could not be followed, the files and folders it used. `exact`: kustomize would
    give the same. `charts`: those of the repository, whose objects come besides."""

    drafts: tuple[Draft, ...] = ()
    gaps: tuple[Gap, ...] = ()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    exact: bool = False
    charts: tuple[LocalChart, ...] = ()


class Kustomize:
    """`levels` by folder. A level is built once, however many roots use it."""

    def __init__(self, tree: Tree, charts: list[str]) -> None:
        self.tree = tree
        self.levels = levels_of(tree, charts)
        self.used = self._used()
        self.patch_files = {path for level in self.levels.values() for path in level.other_files()}
        self._built: dict[str, Built] = {}
        self._open: list[str] = []
        self._plain: dict[str, bool] = {}
        self._work = 0

    def _used(self) -> set[str]:
        """The folders of kustomizations that another one uses."""
        out = set()
        for level in self.levels.values():
            for use in level.uses():
                folder = folder_of(resolve(level.folder, use.text) or "") if use.text else ""
                if folder != level.folder and folder in self.levels:
                    out.add(folder)
        return out

    def roots(self, also: Iterable[str] = ()) -> Iterator[tuple[str, Built]]:
        """Every root with what it applies: what nobody uses, what an application names (`also`), then, so that nothing
        is passed over, components that nobody uses and circles."""
        named = set(also)
        first = [folder for folder, level in self.levels.items() if folder in named or not (folder in self.used or level.component)]
        reached: set[str] = set()
        for folder in (*first, *(folder for folder in self.levels if folder not in self.used), *self.levels):
            if folder not in reached or folder in named:
                named.discard(folder)
                built = self.build(folder)
                reached |= {folder, *built.folders}
                yield folder, built

    def build(self, folder: str) -> Built:
        found = self._built.get(folder)
        if found is None:
            self._open.append(folder)
            found = self._built[folder] = _Building(self, self.levels[folder]).built()
            self._open.pop()
        return found

    def refusal(self, folder: str, size: int) -> str | None:
        """Why a level cannot be used by the one in the making: circles, and nesting that multiplies objects."""
        if folder in self._open:
            return "uses itself in a circle"
        if len(self._open) >= _DEEPEST:
            return f"is nested deeper than {_DEEPEST} levels"
        return None if self.spend(1 + size) else "is more than can be followed"

    def plain(self, path: str) -> bool:
        """Are the objects of a file taken over as they are?"""
        if path not in self._plain:
            self._plain[path] = plain_file(self.tree.files[path]) and taken_over(self.tree.drafts(path))
        return self._plain[path]

    def spend(self, work: int) -> bool:
        """May so many more objects be looked at? What a person wrote stays far below the limit."""
        self._work += work
        return self._work <= _WORK

    def component(self, folder: str, into: tuple[Draft, ...]) -> Built:
        """A component adds to, and changes, all that is there so far."""
        self._open.append(folder)
        built = _Building(self, self.levels[folder], into).built()
        self._open.pop()
        return built

    def troubles(self, rendered: Iterable[str] = ()) -> Iterator[Trouble]:
        """One for each kustomization file that asks for something that is not here. `rendered`: the folders of roots of
        which more is known than was followed."""
        roots = {folder for folder in rendered if folder in self._built}
        known = roots.union(*(self._built[folder].folders for folder in roots))
        gaps: dict[str, list[Gap]] = {}
        for gap in dict.fromkeys(gap for at, built in self._built.items() for gap in built.gaps if not (gap.static and at in known)):
            gaps.setdefault(gap.file, []).append(gap)
        for file, found in sorted(gaps.items()):
            remedy = _LOST if all(gap.lost for gap in found) else ""
            yield Trouble("not-analysed", file, found[0].node.place, reason_of(found), remedy=remedy)


def reason_of(gaps: list[Gap] | tuple[Gap, ...]) -> str:
    """What could not be followed, as one text: the first three things by name."""
    messages = list(dict.fromkeys(gap.message for gap in gaps))
    more = f" (and {len(messages) - 3} more)" if len(messages) > 3 else ""
    return "; ".join(messages[:3]) + more


class _Building:
    """One level in the making: what it uses, then its patches, then namespace, names and labels."""

    def __init__(self, all: Kustomize, level: Level, into: tuple[Draft, ...] = ()) -> None:
        self.all = all
        self.level = level
        self.drafts: list[Draft] = list(into)
        self.gaps: list[Gap] = []
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.exact = plain_level(level, all.tree)
        self.charts: dict[Node, LocalChart] = {}

    def built(self) -> Built:
        for use in self.level.uses():
            self._use(use)
        self._charts()
        drafts = tuple({(draft.document.root, draft.name, draft.namespace): draft for draft in self.drafts}.values())
        for at, patch in self._patches():
            if patch.others:
                self._not_followed(at, patch, drafts)
            drafts = patch.apply(drafts)
        out = self._transformed(drafts)
        for at, kind in self._others():
            self.gaps.append(Gap(self.level.file, at, f"what its {kind} changes is not followed", True))
        for at, patch in self._replacements():
            self._not_followed(at, patch, out, "replacement")
            out = patch.apply(out)
        exact = self.exact and not self.gaps and len(drafts) == len(self.drafts) and followed(self.level.root, drafts, out)
        gaps, charts = tuple(dict.fromkeys(self.gaps)), tuple(self.charts.values())
        return Built(out, gaps, frozenset(self.files), frozenset(self.folders), exact, charts)

    def _charts(self) -> None:
        """Those that are here, as far as what is done to their objects can be followed, of this level and the lower ones."""
        nodes = (*self.level.root.each("helmCharts"), *self.level.root.each("helmChartInflationGenerator"))
        if not nodes and not self.charts:
            return
        from meshlint.render.local_charts import added_by, chart_of  # few inflate any

        for node in nodes:
            if (chart := chart_of(self.level, node, self.all.tree)) is not None:
                self.charts[node] = chart
            else:
                self._gap(node, f"chart {node.get('name').text or node.get('chartName').text or '?'} is not rendered")
        added = added_by(self.level) if self.charts and not self.level.component else None
        under = {node: chart.under(added) for node, chart in self.charts.items()}
        lost = [chart for node, chart in self.charts.items() if under[node] is None]
        self.gaps += [Gap(self.all.levels[chart.level].file, chart.entry, f"chart {chart.name} is not rendered") for chart in lost]
        self.charts = {node: chart for node, chart in under.items() if chart is not None}

    def _gap(self, node: Node, message: str, lost: bool = False) -> None:
        self.gaps.append(Gap(self.level.file, node, message, lost=lost))

    def _use(self, use: Node) -> None:
        reference = use.text
        if reference is None:
            if use.unknown:
                self._gap(use, "a template decides what it uses")
            return
        path = resolve(self.level.folder, reference)
        if path is not None and folder_of(path) in self.all.levels:
            self._lower(folder_of(path), use)
        elif path is not None and path in self.all.tree.files:
            self._file(path, use)
        elif remote(reference):
            self._gap(use, f"{reference} is remote")
        elif path is None:
            self._gap(use, f"{reference} lies outside of the repository")
        elif path in self.all.tree.folders:
            self._gap(use, f"{reference} holds no kustomization", True)
        elif reference.lower().endswith((".yaml", ".yml", ".json")) or "/" in reference or "." not in reference:
            self._gap(use, f"{reference} does not exist", True)
        else:
            self._gap(use, f"{reference} is not a manifest that was read")

    def _file(self, path: str, use: Node) -> None:
        if self.all.tree.files[path].skipped:
            self._gap(use, f"{use.text} could not be read")
        self.exact = self.exact and self.all.plain(path)
        if self._add(self.all.tree.drafts(path), use):
            self.files.add(path)

    def _add(self, drafts: tuple[Draft, ...], use: Node) -> bool:
        """What is too much is left out, and then found by others: as a root of its own, or as a plain file."""
        if len(self.drafts) + len(drafts) > _MOST:
            self._gap(use, f"more than {_MOST:,} objects")
        elif not self.all.spend(len(drafts)):
            self._gap(use, f"{use.text} is more than can be followed")
        else:
            self.drafts += drafts
            return True
        return False

    def _lower(self, folder: str, use: Node) -> None:
        component = self.all.levels[folder].component
        if refusal := self.all.refusal(folder, len(self.drafts) if component else 0):
            self._gap(use, f"{use.text} {refusal}")
        elif component:
            built = self.all.component(folder, tuple(self.drafts))
            self._take(built, folder)
            self.drafts = list(built.drafts)
        else:
            built = self.all.build(folder)
            if self._add(built.drafts, use):
                self._take(built, folder)

    def _take(self, built: Built, folder: str) -> None:
        self.exact = self.exact and built.exact
        self.gaps += built.gaps
        self.charts.update((chart.entry, chart) for chart in built.charts)
        self.files |= built.files
        self.folders |= {folder, *built.folders}

    def _not_followed(self, at: Node, patch: Patch, drafts: tuple[Draft, ...], called: str = "patch") -> None:
        for draft in drafts:
            if draft.kind.group.endswith(READ_IN_FULL) and patch.target.matches(draft):
                what = f"a {called} changes {patch.others[0]} of {draft.kind.kind} {draft.name}, which is not followed"
                self.gaps.append(Gap(self.level.file, at, what, True))

    def _patches(self) -> Iterator[tuple[Node, Patch]]:
        """Each patch with the place that names or holds it."""
        root = self.level.root
        nothing = root.get("patches", "none")
        for item in root.each("patchesStrategicMerge"):
            if text := item.text:
                for patch in patches_of(self._roots(item, text if "\n" not in text else None, item), nothing):
                    yield item, patch
        for key in ("patches", "patchesJson6902"):
            for item in root.each(key):
                inline = item.get("patch") or item.get("ops")
                renames = item.get("options", "allowNameChange").value is True
                for patch in patches_of(self._roots(item, item.get("path").text, inline), item.get("target"), renames):
                    yield item, patch

    def _others(self) -> Iterator[tuple[Node, str]]:
        """The kinds of transformers that may change more than images and numbers of pods."""
        for item in self.level.root.each("transformers"):
            text = item.text or ""
            file = self.all.tree.files.get(resolve(self.level.folder, text) or "") if text and "\n" not in text else None
            for root in documents_in(item) if "\n" in text else _roots_of(file) if file is not None else ():
                if (kind := root.get("kind").text) and kind not in _HARMLESS:
                    yield item, kind

    def _replacements(self) -> Iterator[tuple[Node, Patch]]:
        for item in self.level.root.each("replacements"):
            reference = item.get("path").text
            for patch in replacements_of(self._roots(item, reference, item) if reference is not None else [item]):
                yield item, patch

    def _roots(self, at: Node, reference: str | None, inline: Node) -> list[Node]:
        """The documents of a patch, from the file it names, else from its text."""
        if reference is None:
            return documents_in(inline) if inline.text else []
        path = resolve(self.level.folder, reference)
        file = self.all.tree.files.get(path) if path else None
        if file is None:
            away = remote(reference)
            self._gap(at, f"{reference} {'is remote' if away else 'does not exist'}", not away)
            return []
        return _roots_of(file)

    def _transformed(self, drafts: tuple[Draft, ...]) -> tuple[Draft, ...]:
        level = self.level
        namespace, prefix, suffix = level.text("namespace"), level.text("namePrefix"), level.text("nameSuffix")
        given = Given(_labels(level.root))
        if not (namespace or prefix or suffix or given):
            return drafts
        out = []
        for draft in drafts:
            if namespace:
                draft = _moved(draft, namespace)
            if (prefix or suffix) and draft.name and draft.kind not in _KEEP_NAME:
                draft = draft._replace(name=f"{prefix}{draft.name}{suffix}", names=(*draft.names, draft.name))
            out.append(given.on(draft))
        return tuple(out)


def _moved(draft: Draft, namespace: str) -> Draft:
    """`namespace:` overrides what is written, and renames Namespaces, as Kustomize does."""
    if draft.kind is Kind.NAMESPACE:
        return draft._replace(name=namespace, names=(*draft.names, draft.name))
    return draft if draft.kind.cluster_scoped else draft._replace(namespace=namespace)


def _labels(root: Node) -> Iterator[Entry]:
    """What a level puts on every object, as field, key and value; which of it also on pod templates and selectors."""
    fields = {"commonAnnotations": ("annotations",), "commonLabels": ("labels", "pods")}
    given = [(root.get(key), on) for key, on in fields.items()]
    for item in root.each("labels"):
        deep = item.get("includeSelectors").value is True or item.get("includeTemplates").value is True
        given.append((item.get("pairs"), ("labels", "pods") if deep else ("labels",)))
    for pairs, on in given:
        for key, value in pairs.items():
            if value and not value.is_map and not value.is_list:
                yield from ((field, key, value) for field in on)


def _roots_of(file: FileRead) -> list[Node]:
    if file.documents:
        return [document.root for document in file.documents]
    return documents_of(file.source) if file.source is not None else []
