"""Helm values in layers: which source sets the value of a path."""

from __future__ import annotations

import re
from collections.abc import Sequence

from meshlint.model.node import Node, Step
from meshlint.model.tuples import NamedTuple
from meshlint.read.inner import documents_in
from meshlint.render.origin.changes import Sources
from meshlint.render.recipe import Parameter, Recipe
from meshlint.render.run.charts import Chart
from meshlint.render.tree import joined

_STEP = re.compile(r"(?:\\.|[^.\[\]])+|\[\d+\]")


class Layer(NamedTuple):
    """A mapping of values that is put at a path."""

    root: Node
    under: tuple[Step, ...] = ()

    def get(self, path: tuple[Step, ...]) -> Node:
        here = path[: len(self.under)]
        return self.root.get(*path[len(self.under) :]) if here == self.under else self.root.get("", "")


class Layers:
    """The values of one chart. `upper`: those of the chart that holds it, which go over its own."""

    def __init__(self, own: Sequence[Layer], upper: Layers | None = None, called: str = "") -> None:
        self._own = own
        self._upper = upper
        self._called = called

    def find(self, path: tuple[Step, ...]) -> Node | None:
        """The value at a path in the source of the highest precedence that has it; a null there takes it away."""
        if self._upper is not None:
            above = self._upper.find((self._called, *path)) or (self._upper.find(path) if path[:1] == ("global",) else None)
            if above is not None:
                return above
        for layer in self._own:
            found = layer.get(path)
            if found.present:
                return found
        return None

    def all(self, path: tuple[Step, ...]) -> list[Node]:
        """The value at a path in every source, highest precedence first: mappings are merged."""
        out = []
        if self._upper is not None:
            out += self._upper.all((self._called, *path))
            if path[:1] == ("global",):
                out += self._upper.all(path)
        return out + [found for layer in self._own if (found := layer.get(path)).present]

    def items(self, path: tuple[Step, ...]) -> int:
        """How many items of a list are set one by one (`--set routes[0].name=...`)."""
        at = len(path)
        own = [layer.under[at] for layer in self._own if len(layer.under) > at and layer.under[:at] == path]
        upper = self._upper.items((self._called, *path)) if self._upper is not None else 0
        return max((step + 1 for step in own if isinstance(step, int)), default=upper)


def layers_of(chart: Chart, recipe: Recipe, sources: Sources) -> Layers:
    """Of the chart of a recipe: its parameters, its values in reverse order, and the chart's own."""
    own: list[Layer] = [layer for parameter in reversed(recipe.parameters) for layer in _parameter(parameter)]
    for values in reversed(recipe.values):
        if values.node is None:
            roots = sources.roots(values.file or "")[:1]
        elif values.under or values.node.is_map:
            roots = [values.node]
        else:
            roots = documents_in(values.node)[:1]
        own += [Layer(root, values.under) for root in roots]
    return Layers([*own, *_chart_values(chart, sources)])


def lower(layers: Layers, chart: Chart, sources: Sources) -> Layers:
    """Of a subchart."""
    return Layers(_chart_values(chart, sources), layers, chart.called)


def _chart_values(chart: Chart, sources: Sources) -> list[Layer]:
    return [Layer(root) for root in sources.roots(joined(chart.folder, "values.yaml"))[:1]]


def _parameter(parameter: Parameter) -> list[Layer]:
    path = (int(step[1:-1]) if step[0] == "[" else re.sub(r"\\(.)", r"\1", step) for step in _STEP.findall(parameter.name))
    return [Layer(parameter.value, tuple(path))]
