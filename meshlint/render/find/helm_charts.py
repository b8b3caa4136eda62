"""Charts of the repository that a kustomization inflates: each is a release like those of helmfile."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node
from meshlint.render.find.application import HERE, Application, Source, no_values
from meshlint.render.find.repository import Holder
from meshlint.render.local_charts import LocalChart, Overlay
from meshlint.render.recipe import Missing, Values


def application(chart: LocalChart, holder: Holder, overlay: Overlay) -> Application:
    """`overlay`: what goes over that of the kustomizations."""
    entry = chart.entry
    given = [*_values(chart, holder)]
    source = Source(
        chart.name,
        chart.folder,
        tool="helm",
        release=entry.get("releaseName").text or chart.name,
        namespace=entry.get("namespace").text or "",
        values=tuple(one for one in given if isinstance(one, Values)),
        include_crds=entry.get("includeCRDs").value is True,
        overlay=(*chart.overlay, *overlay),
        missing=tuple(one for one in given if isinstance(one, Missing)),
    )
    return Application("kustomize", entry.get("releaseName").text or chart.name, entry, HERE, (source,))


def _values(chart: LocalChart, holder: Holder) -> Iterator[Values | Missing]:
    """What wins last: further files over what is written in place, and that over the first file if it is not told otherwise."""
    entry = chart.entry

    def named(node: Node) -> Values | Missing:
        path = holder.file(chart.level, node.text) if node.text else None
        return Values(path) if path is not None else no_values(node)

    own = [named(node) for node in (entry.get("valuesFile"),) if node.present]
    inline = [Values(node=node) for node in (entry.get("valuesInline"),) if node.is_map]
    how = entry.get("valuesMerge").text if inline else ""
    yield from inline if how == "replace" else (*inline, *own) if how == "merge" else (*own, *inline)
    yield from map(named, entry.each("additionalValuesFiles"))
