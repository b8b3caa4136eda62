"""helmfile: releases of local charts. What its templates fill in is not known."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.document import Document, FileRead
from meshlint.model.node import Node
from meshlint.render.find.application import HERE, Application, Source, no_values
from meshlint.render.find.fill import unfilled
from meshlint.render.find.repository import Holder
from meshlint.render.recipe import Missing, Parameter, Values
from meshlint.render.tree import parent, resolve


def applications(file: FileRead, holder: Holder) -> Iterator[Application]:
    """One for each release that is installed."""
    for document in file.documents:
        if not document.kind:
            defaults = document.root.get("helmDefaults", "kubeContext")
            for release in document.root.each("releases"):
                if unfilled(release.get("name")) and unfilled(release.get("chart")) and release.get("installed").value is not False:
                    yield _release(release, defaults, document, holder, file.template)


def _release(release: Node, defaults: Node, document: Document, holder: Holder, template: bool) -> Application:
    folder = parent(document.file)
    name, chart = unfilled(release.get("name")), unfilled(release.get("chart"))
    here = resolve(folder, chart) if chart.startswith(".") or resolve(folder, chart) in holder.charts else None
    reason = None
    if release.get("chart").unknown:
        here, reason = None, f"a template decides which chart {chart} is"
    elif here is None or here not in holder.charts:
        here, reason = None, f"chart {chart} {unfilled(release.get('version'))}".rstrip() + " is not in the repository"
    values, missing = _values(release, folder, holder)
    source = Source(
        chart,
        here,
        reason,
        tool="helm",
        release=name,
        namespace=release.get("namespace").text or "",
        values=tuple(values),
        parameters=tuple(_parameters(release)),
        missing=tuple(missing),
        unsure=template,
    )
    context = release.get("kubeContext") if release.get("kubeContext").present else defaults
    cluster = context.text if context.present else HERE
    return Application("helmfile", name, release, cluster, (source,))


def _values(release: Node, folder: str, holder: Holder) -> tuple[list[Values], list[Missing]]:
    out: list[Values] = []
    missing: list[Missing] = []
    for item in release.each("values"):
        if item.is_map:
            out.append(Values(node=item))
        elif item.text and (path := holder.file(folder, item.text)) is not None:
            out.append(Values(path))
        elif (item.text or "").endswith(".gotmpl"):
            missing.append(Missing(f"values file {item.text} is a template, which is not followed", item))
        else:
            missing.append(no_values(item))
    missing += [Missing(f"values of {unfilled(item)} are not known", item) for item in release.each("secrets")]
    return out, missing


def _parameters(release: Node) -> Iterator[Parameter]:
    for field, as_string in (("set", False), ("setString", True)):
        for item in release.each(field):
            if (name := item.get("name").text) and item.get("value").present:
                yield Parameter(name, item.get("value"), as_string)
