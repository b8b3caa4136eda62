"""Flux: Kustomizations and HelmReleases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.node import Node, scalar_text
from meshlint.render.draft import Draft
from meshlint.render.find.application import HERE, Application, Source, no_values
from meshlint.render.find.fill import unfilled
from meshlint.render.find.repository import Holder, source_name
from meshlint.render.recipe import Missing, Values
from meshlint.render.target_path import key_of, steps_of
from meshlint.render.tree import joined

_OVERLAY = ("namePrefix", "nameSuffix", "patches", "patchesStrategicMerge", "patchesJson6902", "images", "components")
_REMOTE = ("HelmRepository", "OCIRepository")


def kustomization(draft: Draft, holder: Holder, beside: Sequence[Draft]) -> Application:
    root = draft.document.root
    spec = root.get("spec")
    said = unfilled(spec.get("path")) or "."
    folder, reason = _folder(spec, holder, root.file, said)
    overlay = [(field, spec.get(field)) for field in _OVERLAY if spec.get(field)]
    overlay += [("namespace", spec.get("targetNamespace"))] if spec.get("targetNamespace").text else []
    common = spec.get("commonMetadata")
    overlay += [("labels", common.get("labels"))] if common.get("labels") else []
    overlay += [("annotations", common.get("annotations"))] if common.get("annotations") else []
    substitute, missing = _substitutes(spec.get("postBuild"), draft, holder, beside)
    unsure = _optional(spec.each("postBuild", "substituteFrom"), draft, holder, beside)
    source = Source(said, folder, reason, overlay=tuple(overlay), substitute=substitute, missing=tuple(missing), mixed=True, unsure=unsure)
    return Application("flux", draft.name, root, cluster_of(spec), (source,))


def cluster_of(spec: Node) -> str | None:
    """Another cluster is known by the Secret that opens it."""
    config = spec.get("kubeConfig")
    return HERE if not config.present else config.get("secretRef", "name").text or config.get("configMapRef", "name").text


def _folder(spec: Node, holder: Holder, file: str, said: str) -> tuple[str | None, str | None]:
    path = spec.get("path")
    if path.unknown:
        return None, f"a template decides which folder {said} is"
    reference = spec.get("sourceRef")
    if reference.get("kind").text == "ExternalArtifact":
        folder = _copied(reference.get("name").text or "", said, holder, file)
    else:
        folder = holder.folder(said) if holder.belongs(source_name(reference)) else None
    if folder is None or (folder == holder.tree.root and not (path.text and _whole(reference, holder))):
        return None, f"{said} of {source_name(reference) or 'another repository'} is not in the repository"
    return folder, None


def _whole(reference: Node, holder: Holder) -> bool:
    """May the top folder of a source be that of this repository? What a registry holds is often the manifests of others, or a
    folder of this one: it is where other paths say so."""
    return reference.get("kind").text != "OCIRepository" or holder.known(source_name(reference))


def _copied(artifact: str, path: str, holder: Holder, file: str) -> str | None:
    """Where in the repository the folder of an artifact comes from, which an ArtifactGenerator copies together."""
    wanted = path.removeprefix("./").strip("/")
    for generator in holder.generators(file):
        for made in generator.each("spec", "artifacts"):
            if made.get("name").text == artifact:
                for copy in made.each("copy"):
                    target = (copy.get("to").text or "").partition("/")[2].strip("/")
                    if wanted == target or wanted.startswith(target + "/" if target else ""):
                        origin = (copy.get("from").text or "").partition("/")[2].removesuffix("/**").strip("/")
                        if (folder := holder.folder(joined(origin, wanted[len(target) :].strip("/")))) is not None:
                            return folder
    return None


def _substitutes(
    build: Node, draft: Draft, holder: Holder, beside: Sequence[Draft]
) -> tuple[tuple[tuple[str, str, Node], ...] | None, list[Missing]]:
    """The variables and their values: of ConfigMaps first, then what is written here."""
    if not build.is_map:
        return None, []
    found: dict[str, tuple[str, str, Node]] = {}
    missing: list[Missing] = []
    for item in build.each("substituteFrom"):
        data, lost = _data(item, draft, holder, beside)
        found.update((name, _set(name, value)) for name, value in data.items())
        missing += lost
    found.update((name, _set(name, value)) for name, value in build.get("substitute").items() if value.scalar is not None or value.unknown)
    return tuple(found.values()), missing


def _set(name: str, value: Node) -> tuple[str, str, Node]:
    """A variable with its text. One that has to be filled in itself first stays where it is used, and is not known there."""
    return name, f"${{{name}}}" if value.unknown else scalar_text(value.value), value


def _data(item: Node, draft: Draft, holder: Holder, beside: Sequence[Draft]) -> tuple[dict[str, Node], list[Missing]]:
    """The entries of a ConfigMap that something names; of a Secret nothing is known."""
    kind, name = item.get("kind").text or "ConfigMap", item.get("name").text or ""
    if kind == "ConfigMap":
        here = draft.document.file
        if (held := holder.config_map(name, draft.namespace or "", here, beside)) is not None:
            return {key: value for key, value in held.document.root.get("data").items() if value or value.unknown}, []
    if item.get("optional").value is True:
        return {}, []
    return {}, [Missing(f"ConfigMap {name} is not in the repository" if kind == "ConfigMap" else f"{kind} {name} is not known", item)]


def _optional(items: Iterable[Node], draft: Draft, holder: Holder, beside: Sequence[Draft]) -> bool:
    """May there be a source of values in the cluster that is not here and need not be?"""
    return any(item.get("optional").value is True and not _data(item, draft, holder, beside)[0] for item in items)


def release(draft: Draft, holder: Holder, beside: Sequence[Draft]) -> Application:
    root = draft.document.root
    spec = root.get("spec")
    target = spec.get("targetNamespace").text or ""
    namespace = target or draft.namespace or ""
    said, folder, reason = _chart(spec, holder)
    values, missing = _values(spec, draft, holder, beside) if folder is not None else ([], [])
    files: list[Values] = []
    for item in spec.each("chart", "spec", "valuesFiles"):
        path = holder.file("", "/" + (item.text or "").removeprefix("./"))
        if path is not None:
            files.append(Values(path))
        else:
            missing.append(no_values(item))
    source = Source(
        said,
        folder,
        reason,
        tool="helm",
        release=spec.get("releaseName").text or (f"{target}-{draft.name}" if target else draft.name),
        namespace=namespace,
        values=(*files, *values),
        include_crds=spec.get("install", "crds").text != "Skip",
        overlay=tuple(_post_rendered(spec)),
        missing=tuple(missing),
        unsure=_optional(spec.each("valuesFrom"), draft, holder, beside),
    )
    return Application("release", draft.name, root, cluster_of(spec), (source,))


def _chart(spec: Node, holder: Holder) -> tuple[str, str | None, str | None]:
    """The chart as it is named, and its folder or why there is none."""
    chart = spec.get("chart", "spec")
    if (reference := spec.get("chartRef")).is_map:
        named = holder.source("HelmChart", reference.get("name").text or "") if reference.get("kind").text == "HelmChart" else None
        if named is None:
            said = unfilled(reference.get("name"))
            return said, None, f"the chart of {unfilled(reference.get('kind'))} {said} is not in the repository"
        chart = named.root.get("spec")
    said, origin = unfilled(chart.get("chart")), chart.get("sourceRef")
    here = bool(chart.get("chart").text) and origin.get("kind").text not in _REMOTE and holder.belongs(source_name(origin))
    folder = holder.folder(said) if here else None
    if folder is None or folder not in holder.charts:
        version = unfilled(chart.get("version"))
        of = source_name(origin) or "another repository"
        return said, None, f"chart {said}{f' {version}' if version else ''} of {of} is not in the repository"
    return said, folder, None


def _values(spec: Node, draft: Draft, holder: Holder, beside: Sequence[Draft]) -> tuple[list[Values], list[Missing]]:
    """What valuesFrom names, in its order, then the values that are written here."""
    out: list[Values] = []
    missing: list[Missing] = []
    for item in spec.each("valuesFrom"):
        key = key_of(item)
        data, lost = _data(item, draft, holder, beside)
        made = dict(holder.generated(item.get("name").text or "", draft.document.file)) if lost else {}
        under = _under(item, data.get(key))
        if under is None:
            missing.append(Missing(f"what is put at {item.get('targetPath').text} is not followed", item))
        elif key in data:
            out.append(Values(node=data[key], under=under))
        elif key in made:
            out.append(Values(made[key], under=under))
        elif lost or item.get("optional").value is not True:
            missing += lost or [Missing(f"{unfilled(item.get('name'))} has no {key}", item)]
    if spec.get("values").is_map:
        out.append(Values(node=spec.get("values")))
    return out, missing


def _under(item: Node, value: Node | None) -> tuple[str, ...] | None:
    """Where an entry of valuesFrom is put; None where that is more than some keys."""
    path = item.get("targetPath").text
    return steps_of(path, (value.text or "") if value is not None else "") if path else ()


def _post_rendered(spec: Node) -> Iterator[tuple[str, Node]]:
    for renderer in spec.each("postRenderers"):
        for field in ("patches", "patchesStrategicMerge", "patchesJson6902", "images"):
            if renderer.get("kustomize", field):
                yield field, renderer.get("kustomize", field)
