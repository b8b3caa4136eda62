"""Places in a repository that say which release of Istio or Gateway API it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from meshlint.model.document import Document, FileRead
from meshlint.model.file_names import is_helmfile
from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import ALPHA_FLAG, IMAGES, words_of
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.model.version import Version
from meshlint.render.level import FILE_NAMES
from meshlint.render.tree import base

_CHARTS = ("istiod", "base", "cni", "ztunnel", "gateway", "istio-discovery", "istio-base", "istio-cni", "istio-ingress", "ambient")
_OWN_CHARTS = ("istiod", "ztunnel")
_IMAGE = r"[\w./:-]*istio[\w./:-]*/(?:pilot|proxyv2|install-cni|ztunnel)(?:-fips)?:([\w.-]+)(?:@[\w:]+)?"
_BUNDLE = "kubernetes-sigs/gateway-api"
_TAG = r"(?:[?&]ref=|/releases/download/|/gateway-api/)(v?\d+\.\d+[\w.-]*)"
_VERSIONED = (Kind.ISTIO, Kind.ISTIO_REVISION, Kind.ISTIO_CNI, Kind.ZTUNNEL)


class Evidence(NamedTuple):
    """`key`: istio, gateway-api, channel, distribution or alpha-flag, as the target names them. `at`: the value that says it."""

    key: str
    value: Version | str
    at: Node
    root: Node


def evidence_of(files: Iterable[FileRead]) -> list[Evidence]:
    """Everything in the files that says a release."""
    return [found for file in files if file.documents for found in _in_file(file)]


def _in_file(file: FileRead) -> Iterator[Evidence]:
    source = file.source
    words = words_of(source) if source is not None else []
    images, flag = any(word in words for word in IMAGES), ALPHA_FLAG in words
    for document in file.documents:
        said = [*_said(document, file.path)]
        for key, at in said:
            yield from _read(key, at, document.root)
        if images or flag:
            yield from _scanned(document.root, images, flag)


def _said(document: Document, path: str) -> Iterator[tuple[str, Node]]:
    """Fields that name a release, with what they name."""
    file_name = base(path)
    kind = kind_of(document.api_version, document.kind)
    if kind is not None:
        reader = _READERS.get(kind)
        if reader is not None:
            yield from reader(document.root)
    elif file_name == "Chart.yaml":
        for item in document.root.each("dependencies"):
            yield from _chart(item.get("name"), item.get("repository").text or "", item.get("version"))
    elif document.kind in ("GitRepository", "OCIRepository"):
        yield from _source(document.root.get("spec"))
    elif not document.kind and file_name in FILE_NAMES:
        yield from _kustomization(document.root)
    elif not document.kind and is_helmfile(path):
        for release in document.root.each("releases"):
            yield from _chart(release.get("chart"), "", release.get("version"))
    elif not document.kind:
        yield from _values(document.root.get("global"))


def _source(spec: Node) -> Iterator[tuple[str, Node]]:
    """A source of Flux: the repository of the Gateway API, or a chart of Istio as an artifact."""
    url, ref = spec.get("url"), spec.get("ref")
    if _BUNDLE in (url.text or ""):
        yield "gateway-api", ref.get("tag")
    elif (url.text or "").startswith("oci://"):
        yield from _chart(url, "", ref.get("tag") if ref.get("tag").present else ref.get("semver"))


def _chart(name: Node, repository: str, version: Node) -> Iterator[tuple[str, Node]]:
    """A chart by name: some names are Istio's alone, others only where the repository is called after it."""
    chart = (name.text or "").rpartition("/")[2]
    if chart in _OWN_CHARTS or (chart in _CHARTS and "istio" in repository.lower() + (name.text or "")):
        yield "istio", version


def _values(values: Node) -> Iterator[tuple[str, Node]]:
    """The `global` values of Istio's charts."""
    if "istio" in (values.get("hub").text or ""):
        yield "istio", values.get("tag")


def _operator(root: Node) -> Iterator[tuple[str, Node]]:
    yield "istio", root.get("spec", "tag")
    yield "istio", root.get("spec", "values", "global", "tag")
    yield "hub", root.get("spec", "hub")


def _versioned(root: Node) -> Iterator[tuple[str, Node]]:
    yield "istio", root.get("spec", "version")


def _release(root: Node) -> Iterator[tuple[str, Node]]:
    chart = root.get("spec", "chart", "spec")
    yield from _chart(chart.get("chart"), chart.get("sourceRef", "name").text or "", chart.get("version"))
    yield from _values(root.get("spec", "values", "global"))


def _application(root: Node) -> Iterator[tuple[str, Node]]:
    spec = root.get("spec", "template", "spec") if root.get("spec", "template").is_map else root.get("spec")
    charts = [source.get("chart") for source in (spec.get("source"), *spec.each("sources"))]
    if not any(chart.unknown or "{{" in (chart.text or "") for chart in charts):
        yield from _sources(spec)
        return
    from meshlint.render.find.listed import templates

    for template in templates(root):
        yield from _sources(template.get("spec"))


def _sources(spec: Node) -> Iterator[tuple[str, Node]]:
    for source in (spec.get("source"), *spec.get("sources").each()):
        repository = source.get("repoURL").text or ""
        if source.get("chart"):
            yield from _chart(source.get("chart"), repository, source.get("targetRevision"))
        elif _BUNDLE in repository:
            yield "gateway-api", source.get("targetRevision")
            yield "path", source.get("path")


def _kustomization(root: Node) -> Iterator[tuple[str, Node]]:
    for chart in root.each("helmCharts"):
        yield from _chart(chart.get("name"), chart.get("repo").text or "", chart.get("version"))
    for use in (*root.each("resources"), *root.each("bases")):
        if _BUNDLE in (use.text or ""):
            yield "gateway-api", use
            yield "path", use


def _crd(root: Node) -> Iterator[tuple[str, Node]]:
    annotations = root.get("metadata", "annotations")
    yield "gateway-api", annotations.get("gateway.networking.k8s.io/bundle-version")
    yield "channel", annotations.get("gateway.networking.k8s.io/channel")


_READERS: dict[Kind, Callable[[Node], Iterator[tuple[str, Node]]]] = {
    Kind.ISTIO_OPERATOR: _operator,
    Kind.HELM_RELEASE: _release,
    Kind.ARGO_APPLICATION: _application,
    Kind.ARGO_APPLICATION_SET: _application,
    Kind.KUSTOMIZATION: _kustomization,
    Kind.KUSTOMIZE_COMPONENT: _kustomization,
    Kind.CRD: _crd,
    **dict.fromkeys(_VERSIONED, _versioned),
}


def _read(key: str, at: Node, root: Node) -> Iterator[Evidence]:
    """What a field says, if it says it plainly."""
    text = str(at.value) if isinstance(at.value, float) else at.text
    if not text:
        return
    if key == "channel":
        if text in ("standard", "experimental"):
            yield Evidence(key, text, at, root)
    elif key == "path":
        yield Evidence("channel", "experimental" if "experimental" in text else "standard", at, root)
    elif key == "gateway-api":
        tag = re.search(_TAG, text)
        yield from _version(key, tag[1] if tag else text, at, root)
    elif key == "istio":
        yield from _version(key, text, at, root)
    if key in ("hub", "istio") and "solo" in text:
        yield Evidence("distribution", "solo", at, root)


def _version(key: str, text: str, at: Node, root: Node) -> Iterator[Evidence]:
    """A release, also of a range that stays within one minor: ~1.28.0, 1.28.x, 1.28.*."""
    version = Version.find(re.sub(r"\.[x*]$", "", text.strip().lstrip("~=v")))
    if version is not None:
        yield Evidence(key, version, at, root)


def _scanned(root: Node, images: bool, flag: bool) -> Iterator[Evidence]:
    """Images and the flag for alpha kinds, wherever in the document they stand."""
    table, first = root.table, root.row
    for row in range(first, len(table.values)):
        if row > first and table.parents[row] < first:
            return  # the next item of a List
        at, value = Node(table, row), table.values[row]
        if images and isinstance(value, str) and (image := re.fullmatch(_IMAGE, value)):
            yield from _version("istio", image[1], at, root)
            if "solo" in value:
                yield Evidence("distribution", "solo", at, root)
        if flag and isinstance(value, dict) and (said := _flag(at)) is not None:
            yield Evidence("alpha-flag", "true", said, root)


def _flag(node: Node) -> Node | None:
    """The flag as a key (Helm values) or as a variable of a container."""
    value = node.get("value") if node.get("name").text == ALPHA_FLAG else node.get(ALPHA_FLAG)
    return value if str(value.value).lower() == "true" else None

