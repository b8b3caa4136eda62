"""What helm printed, with the origin of every value: a line of a template, or an entry of the values."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from meshlint.model.document import Document, Trouble
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.render.charts import included
from meshlint.render.find.overlay import overlaid
from meshlint.render.origin.changes import Sources
from meshlint.render.origin.expressions import Env, World
from meshlint.render.origin.layers import Layers, layers_of, lower
from meshlint.render.origin.made import Made, line_node, object_node, objects
from meshlint.render.origin.match import Claims
from meshlint.render.origin.outline import Outline, outline
from meshlint.render.origin.template import Line, Template
from meshlint.render.origin.trace import Place, Trace
from meshlint.render.recipe import Missing, Outcome, Recipe
from meshlint.render.run.charts import Chart
from meshlint.render.run.stage_helm import NAMESPACE, HelmStage
from meshlint.render.tree import Tree, base, joined

_SOURCE = re.compile(r"^# Source: (.+)$", re.MULTILINE)
_BREAK = re.compile(r"^---[ \t]*$", re.MULTILINE)
_TEST = re.compile(r"helm\.sh/hook[\"']?: *[\"']?test")
_EMPTY = re.compile(r"^( *(?:- )*(?:[\w./-]+:)?) ?(?:\"\"|'')$", re.MULTILINE)  # left to whoever installs the chart
_UNSET = r'\1 "${UNSET}"'
_UNKNOWN = "${NAMESPACE}"  # read/placeholders.py: nothing is concluded from it


class HelmMade(Made):
    """The output of one chart."""

    def __init__(self, tree: Tree, recipe: Recipe, staged: HelmStage) -> None:
        self.recipe = recipe
        self.chart = staged.chart
        self.place = recipe.applied_by or staged.chart.root
        self.sources = Sources(tree, staged.files)
        self._charts = staged.chart.missing
        self.missing = [*self._charts, *(Missing(what, self.place) for what in staged.missing), *recipe.missing]
        self._files = staged.files
        self._templates: dict[str, Template | None] = {}
        self._worlds: dict[str, World] = {}

    def outcome(self, text: str) -> Outcome:
        text = text.replace(NAMESPACE, _UNKNOWN)
        if not (self.recipe.values or self.recipe.parameters or self.recipe.applied_by):
            text = _EMPTY.sub(_UNSET, text)
        breaks = [match.end() for match in _BREAK.finditer(text)]

        def origins(document: Document, start: int) -> HelmOrigins:
            at = bisect_right(breaks, start)
            begin, end = breaks[at - 1] if at else 0, breaks[at] if at < len(breaks) else len(text)
            said = _SOURCE.search(text, begin, end)
            return HelmOrigins(document, said[1].strip() if said else "", self)

        file, drafts = objects(text, self.chart.file, origins, self.recipe.namespace)
        if self.recipe.overlay:
            drafts = overlaid(drafts, self.recipe.overlay, "")
        gave = {found[1] for said in set(_SOURCE.findall(text)) if (found := self._path(said.strip())) is not None}
        gave.update(self._silent())
        reason, missing = self.lacking()
        return Outcome(drafts, reason, False, self._troubles(), (file,), frozenset(gave), missing)

    def _troubles(self) -> tuple[Trouble, ...]:
        """Charts that are not here stand in no other finding: what else names them is an application."""
        places = [(lack.at, lack.what) for lack in self._charts if lack.at is not None]
        return tuple(Trouble("not-analysed", at.file, at.place, what) for at, what in places)

    def _silent(self) -> Iterator[str]:
        """The templates that never give an object which is applied: those that others include, and tests."""
        for chart in self.chart.all():
            for path in self._files.below(joined(chart.folder, "templates"), 20_000):
                if path.endswith((".yaml", ".yml")) and (included(path) or _TEST.search(self.sources.text(path) or "")):
                    yield path

    def template(self, path: str) -> Template | None:
        if path not in self._templates:
            text = self.sources.text(path)
            file = self.sources.file(path)
            source = file.source if file is not None and file.source is not None else Source(path, text or "")
            self._templates[path] = Template(source) if text is not None else None
        return self._templates[path]

    def find(self, path: str) -> tuple[World, str] | None:
        """What a path of the output is: the world of its chart, and the file."""
        found = self._path(path)
        return (self._world(found[0]), found[1]) if found is not None else None

    def _path(self, path: str) -> tuple[list[Chart], str] | None:
        """The chart, under those that hold it, and the file."""
        found = self.chart.find(path.split("/"))
        return (found[0], joined(found[0][-1].folder, "/".join(found[1]))) if found is not None else None

    def _world(self, charts: list[Chart]) -> World:
        key = "/".join(chart.called for chart in charts)
        if key not in self._worlds:
            layers: Layers = layers_of(charts[0], self.recipe, self.sources)
            for chart in charts[1:]:
                layers = lower(layers, chart, self.sources)
            folder = charts[-1].folder
            self._worlds[key] = World(layers, charts[-1].root, self._defines(), lambda name, text: self._file(folder, name, text))
        return self._worlds[key]

    def _file(self, folder: str, name: str, text: str) -> Node | None:
        """The file of a chart that a value was taken from."""
        for path in self._files.below(folder, 20_000, ("templates", "charts", ".git")):
            content = self.sources.text(path) if base(path) == name else None
            if content is not None and content.strip() == text.strip():
                return line_node(Source(path, content), 0, len(content.rstrip()), text)
        return None

    def _defines(self) -> dict[str, tuple[Source, tuple[Line, ...]]]:
        """Of all charts: Helm knows each define everywhere; that of the upper chart holds."""
        out: dict[str, tuple[Source, tuple[Line, ...]]] = {}
        for chart in self.chart.all():
            for path in self._files.below(joined(chart.folder, "templates"), 20_000):
                template = self.template(path) if path.endswith((".tpl", ".yaml", ".yml")) else None
                if template is not None:
                    for name, lines in template.defines.items():
                        out.setdefault(name, (template.source, lines))
        return out


class HelmOrigins:
    """The origins of one object, worked out when the first one is asked for."""

    def __init__(self, document: Document, said: str, made: HelmMade) -> None:
        self._document = document
        self._said = said
        self._made = made
        self._root: Node | None = None
        self._claims: Claims | None = None
        self._exact = False

    def of(self, row: int) -> tuple[Node, bool]:
        root = self.root()
        if row == self._document.root.row or self._claims is None:
            return root, self._exact
        found = self._claims.of(Node(self._document.root.table, row))
        return found if found is not None else (root, False)

    def root(self) -> Node:
        if self._root is None:
            self._root = self._find()
        return self._root

    def _find(self) -> Node:
        made, document = self._made, self._document
        found = made.find(self._said)
        if found is None:
            return made.chart.root
        world, path = found
        template = made.template(path)
        if template is None:
            return made.chart.root
        if "{{" not in template.source.text and (root := self._same_in(path)) is not None:
            return root
        best, start, end = -1, 0, len(template.source.text)
        for piece in template.pieces:
            shape = outline(template.source, piece.lines)
            if not _may_give(shape, document.kind):
                continue
            claims = Claims()
            count = Trace(claims).mapping(document.root, Place(shape, Env(world, world, {"$": world}), {}))
            if count > best:
                best, self._claims, start, end = count, claims, piece.start, piece.end
        kind = self._claims.of(document.root.get("kind")) if self._claims is not None else None
        self._exact = kind is not None and kind[1] and kind[0].table.source is template.source
        return object_node(template.source, start, end, kind[0] if self._exact and kind is not None else None)

    def _same_in(self, path: str) -> Node | None:
        """What holds no expression is taken over as it is."""
        document = self._document
        name = document.root.get("metadata", "name").text
        for root in self._made.sources.roots(path):
            if root.get("metadata", "name").text == name and root.get("kind").text == document.kind:
                self._claims = claims = Claims()
                claims.take(self._document.root, root)
                self._exact = True
                return root
        return None


def _may_give(shape: Outline, kind: str) -> bool:
    """Does a piece say the kind, or leave it to an expression?"""
    said = [child.line.value.strip("\"'") for child in shape.children if child.line is not None and child.line.key == "kind"]
    return any(one == kind or "{{" in one for one in said) or (not said and bool(shape.fills or shape.children or shape.items))
