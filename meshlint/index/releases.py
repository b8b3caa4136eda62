"""Releases of Istio's charts and their values: of Flux, Argo CD, Kustomize, helmfile, wrapper charts, and files of values alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache

from meshlint.index.config_maps import document_in, values_of
from meshlint.model.document import Document, FileRead
from meshlint.model.file_names import is_helmfile
from meshlint.model.installation import CILIUM, CNI, ISTIO_CSR, ISTIOD, ZTUNNEL, Installer, Layer
from meshlint.model.kind import Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.texts import strings_below
from meshlint.model.tuples import NamedTuple
from meshlint.render.find.fill import unfilled
from meshlint.render.target_path import key_of
from meshlint.render.tree import base, below, parent, resolve

Maps = Mapping[Node, Resource]
_CHARTS = {
    "istiod": ISTIOD, "istio-discovery": ISTIOD, "cni": CNI, "istio-cni": CNI, "ztunnel": ZTUNNEL, "cilium": CILIUM,
    "cert-manager-istio-csr": ISTIO_CSR,
}  # fmt: skip
_UMBRELLA = "ambient"  # Istio's chart of all components, with the profile of that name
_PARTS = {"istiod": ISTIOD, "cni": CNI, "ztunnel": ZTUNNEL}
_CHART_FILES = ("Chart.yaml", "Chart.yml")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_VALUES = lazy_regex(r"values([-_.].*)?\.ya?ml")
_LOOSE = lazy_regex(r"(?:values[-_.])?(?:istio[-_])?(istiod|discovery|cni|ztunnel)(?:[-_.]values)?\.ya?ml")
_LOOSE_KEYS = {
    ISTIOD: {"pilot", "meshConfig", "trustedZtunnelNamespace", "sidecarInjectorWebhook", "istiodRemote", "revisionTags"},
    CNI: {"cni", "excludeNamespaces", "ambient", "cniBinDir", "cniConfDir", "chained"},
    ZTUNNEL: {"ztunnel", "caAddress", "xdsAddress", "istioNamespace", "logLevel"},
}


class Release(NamedTuple):
    """A chart with values, as something installs it. `layers`: what wins first. `filled`: it is one of several that a template makes."""

    chart: str
    repository: str
    version: Node
    namespace: str
    layers: tuple[Layer, ...]
    closed: bool
    root: Node
    holder: Resource | None = None
    filled: bool = False


class Files:
    """The files that releases name, by their paths."""

    def __init__(self, written: Sequence[FileRead], files: Sequence[FileRead]) -> None:
        self._files = {file.path: file for file in written}
        self.inner = {document.root: dict(document.inner) for file in files for document in file.documents if document.inner}
        self.used: set[str] = set()
        self.read = lru_cache(None)(document_in)  # the document in a text
        self._generated: dict[str, list[tuple[str, str, str]]] | None = None
        self._charts: dict[str, list[Document]] | None = None
        self._maps: Counter[str] | None = None
        self.wrappers = {
            parent(path): document
            for path, file in self._files.items()
            if base(path) in _CHART_FILES
            for document in file.documents
            if any(_component(item) for item in document.root.each("dependencies"))
        }

    def values(self, path: str | None, own: bool = False) -> Layer | None:
        """A file of values; None where it is not here, or is a template. `own`: values.yaml of a chart, which Helm takes as it is, so
        that expressions in its texts (for `tpl`) leave the rest known."""
        file = self._files.get(path) if path is not None else None
        if file is None or (file.bare if own else file.template) or not file.documents or file.documents[0].kind:
            return None
        self.used.add(file.path)
        return Layer(file.documents[0].root)

    def generated(self, name: str, key: str, near: str) -> Layer | None:
        """The file that a key of a ConfigMap is made of, by a kustomization in a folder above an object."""
        if self._generated is None:
            self._generated = {}
            for document in self.by_name(*_KUSTOMIZATIONS):
                for maker, held, path in _makers(document):
                    self._generated.setdefault(maker, []).append((held, parent(document.file), path))
        found = [resolve(folder, path) for held, folder, path in self._generated.get(name, ()) if held == key and below(near, folder)]
        return self.values(found[0]) if len(found) == 1 else None

    def several(self, name: str) -> bool:
        """Does the repository hold more than one ConfigMap of a name? Another one may be another cluster's."""
        if self._maps is None:
            documents = (document for file in self._files.values() for document in file.documents if document.kind == "ConfigMap")
            self._maps = Counter(document.root.get("metadata", "name").text or "" for document in documents)
        return self._maps[name] > 1

    def patched(self, kind: str) -> bool:
        """May a kustomization change objects of a kind otherwise than by an object of their name?"""
        return any(_patches(document.root, kind) for document in self.by_name(*_KUSTOMIZATIONS))

    def filled(self, resource: Resource) -> bool:
        """Is it only what its own template leaves open that is not known of an object?"""
        same = [document.root.get("metadata", "name").text for file in self._files.values() for document in file.documents
                if document.kind == resource.kind.kind]  # fmt: skip
        return self._files[resource.file].template and same.count(resource.name) == 1 and not self.patched(resource.kind.kind)

    def chart(self, name: str, near: str) -> Document | None:
        """The OCIRepository of Flux that a release takes its chart from: the one of that name, or that in its folder."""
        if self._charts is None:
            self._charts = {}
            for document in (document for file in self._files.values() for document in file.documents):
                if document.kind == "OCIRepository":
                    self._charts.setdefault(document.root.get("metadata", "name").text or "", []).append(document)
        found = self._charts.get(name, [])
        beside = [document for document in found if parent(document.file) == parent(near)]
        return found[0] if len(found) == 1 else beside[0] if len(beside) == 1 else None

    def beside(self, folder: str, keys: Collection[str]) -> list[str]:
        """The files of values of a wrapper chart: by their names, or as they set something below a key of a dependency."""
        found = [path for path in self._files if parent(path) == folder and base(path) not in _CHART_FILES]
        return [path for path in found if _VALUES.fullmatch(base(path)) or self._sets(path, keys)]

    def _sets(self, path: str, keys: Collection[str]) -> bool:
        documents = self._files[path].documents
        return len(documents) == 1 and not documents[0].kind and any(documents[0].root.get(key).is_map for key in keys)

    def charts(self) -> frozenset[str]:
        return frozenset(parent(path) for path in self._files if base(path) in _CHART_FILES)

    def by_name(self, *names: str) -> Iterator[Document]:
        for path, file in self._files.items():
            if base(path) in names:
                yield from file.documents

    def helmfiles(self) -> Iterator[Document]:
        return (document for path, file in self._files.items() if is_helmfile(path) for document in file.documents if not document.kind)

    def loose(self) -> Iterator[tuple[str, Document]]:
        """Values files that nothing in the repository names, by the component that their names say."""
        charts = self.charts()
        for path, file in self._files.items():
            name, folder = base(path), parent(path)
            match = _LOOSE.fullmatch(name) or (_LOOSE.fullmatch(base(folder) + ".yaml") if _VALUES.fullmatch(name) else None)
            if match is None or path in self.used or folder in charts or len(file.documents) != 1 or file.documents[0].kind:
                continue
            component = ISTIOD if match[1] == "discovery" else str(match[1])
            if _LOOSE_KEYS[component] & {key for key, _ in file.documents[0].root.items()}:
                yield component, file.documents[0]


def _patches(kustomization: Node, kind: str) -> bool:
    patches = [*kustomization.each("patches"), *kustomization.each("patchesJson6902")]
    inline = [*(item.get("patch") for item in patches), *kustomization.each("patchesStrategicMerge")]
    return any(item.get("target", "kind").text == kind for item in patches) or any(kind in (one.text or "") for one in inline)


def _makers(kustomization: Document) -> Iterator[tuple[str, str, str]]:
    """Names of ConfigMaps that it generates, each with a key and the file of that."""
    for maker in kustomization.root.each("configMapGenerator"):
        for written in maker.get("files").each():
            key, _, path = (written.text or "").rpartition("=")
            yield maker.get("name").text or "", key or base(path), path


def releases_of(resource: Resource, files: Files, maps: Maps) -> Iterator[Release]:
    """The releases that an object of Flux or Argo CD makes. `maps`: the ConfigMaps that it takes values from, by what names them."""
    if resource.kind is Kind.HELM_RELEASE:
        yield from _flux(resource, files, maps)
    elif resource.kind in (Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET):
        yield from _argo(resource, files)


def _flux(resource: Resource, files: Files, maps: Maps) -> Iterator[Release]:
    spec = resource.spec
    chart, version = spec.get("chart", "spec", "chart").text or "", spec.get("chart", "spec", "version")
    given = [_given(item, files, maps.get(item)) for item in spec.each("valuesFrom")]
    whole = None not in given and not any(held.partial for held in maps.values())
    closed = whole and not spec.get("chart", "spec", "valuesFiles") and not resource.partial
    repository = spec.get("chart", "spec", "sourceRef", "name").text or ""
    namespace = spec.get("targetNamespace").text or resource.namespace
    layers = [Layer(spec.get("values")), *(layer for layer in reversed(given) if layer is not None)]
    wrapped = resolve("", chart.lstrip("/")) or ""
    if spec.get("chartRef").is_map:
        chart, repository, version = _referred(spec.get("chartRef"), files)
    elif wrapped in files.wrappers and spec.get("chart", "spec", "sourceRef", "kind").text != "HelmRepository":
        layers += _own_values(wrapped, files)
        chart = wrapped
    yield Release(chart, repository, version, namespace, tuple(layers), closed, resource.root, resource)


def _referred(reference: Node, files: Files) -> tuple[str, str, Node]:
    """A chart that is an object of its own: its name, that of its repository, and its version."""
    name = reference.get("name").text or ""
    held = files.chart(name, reference.file) if reference.get("kind").text == "OCIRepository" else None
    if held is None:
        return name, "", reference.get("version")
    spec = held.root.get("spec")
    url, ref = spec.get("url").text or name, spec.get("ref")
    return base(url), parent(url), ref.get("tag") if ref.get("tag").present else ref.get("semver")


def _given(item: Node, files: Files, held: Resource | None) -> Layer | None:
    """What valuesFrom names, where it is a whole file of the repository, or stands in a ConfigMap: written values win over it, later
    ones over earlier ones."""
    if item.get("kind").text != "ConfigMap":
        return None
    name = item.get("name").origin  # what is rendered has a hash behind it
    made = None if item.get("targetPath").present else files.generated(name.text or "", key_of(item), item.file)
    return made if made is not None or held is None else values_of(item, held, files.inner.get(held.root, {}), files.read)


def _argo(resource: Resource, files: Files) -> Iterator[Release]:
    """Of an ApplicationSet the one template, and what its parameters fill in is unknown; where they choose the chart, one for each
    set of parameters, if no chart comes twice (for another cluster)."""
    if resource.kind is Kind.ARGO_APPLICATION:
        yield from _argo_of(resource, resource.spec, "spec", files, not resource.partial)
        return
    spec = resource.spec.get("template", "spec")
    if not any("{{" in unfilled(source.get("chart")) for source in (spec.get("source"), *spec.each("sources"))):
        yield from _argo_of(resource, spec, "spec.template.spec", files, not resource.partial)
        return
    from meshlint.render.find.listed import templates  # few name their charts so

    where, whole = "spec.template.spec", not resource.partial or files.filled(resource)
    made = [release for filled in templates(resource.root) for release in _argo_of(resource, filled.get("spec"), where, files, whole)]
    if len({release.chart for release in made}) == len(made) and not any(map(_unsure, made)):
        yield from (release._replace(filled=True) for release in made)


def _unsure(release: Release) -> bool:
    """Is there a text in what it says that only a cluster can fill in?"""
    said = [one for layer in release.layers if layer.node.file == release.root.file for one in strings_below(layer.node)]
    return "{{" in release.namespace or any("{{" in (one.text or "") for one in (release.version, *said))


def _argo_of(resource: Resource, spec: Node, where: str, files: Files, whole: bool) -> Iterator[Release]:
    """`whole`: nothing else changes the object."""
    inner = files.inner.get(resource.root, {})
    namespace = spec.get("destination", "namespace").text or ""
    placed = [(f"{where}.source", spec.get("source"))]
    placed += [(f"{where}.sources[{number}]", source) for number, source in enumerate(spec.get("sources").each())]
    for path, source in placed:
        chart, folder = source.get("chart").text or "", resolve("", (source.get("path").text or "").lstrip("/")) or ""
        if not chart and folder not in files.wrappers:
            continue
        layers, closed = _argo_values(source, inner.get(f"{path}.helm.values"), "" if chart else folder, files)
        if not chart:
            layers += _own_values(folder, files)
        yield Release(
            chart or folder, source.get("repoURL").text or "", source.get("targetRevision"), namespace, tuple(layers),
            closed and whole, resource.root, resource,
        )  # fmt: skip


def _argo_values(source: Node, text: Node | None, folder: str, files: Files) -> tuple[list[Layer], bool]:
    """Parameters win over valuesObject (without one: values), that over files, of which the last wins. And is that all?"""
    helm = source.get("helm")
    layers = [Layer(helm.get("parameters"), flat=True)] if helm.get("parameters").is_list else []
    written = helm.get("valuesObject")
    inline, known = (written, True) if written.is_map else (text, text is not None or not helm.get("values").present)
    layers += [Layer(inline)] if inline else []
    closed = known and not written.unknown and not helm.get("fileParameters") and not source.get("plugin")
    for name in reversed([*helm.get("valueFiles").each()]):
        head, _, rest = (name.text or "").partition("/")
        found = files.values(resolve("", rest) if head.startswith("$") else resolve(folder, name.text or "") if folder else None)
        if found is None:
            closed = False
        else:
            layers.append(found)
    return layers or [Layer(helm)], closed


def _own_values(folder: str, files: Files) -> list[Layer]:
    found = files.values(f"{folder}/values.yaml" if folder else "values.yaml", own=True)
    return [found] if found is not None else []


def releases_in(files: Files, named: frozenset[str]) -> Iterator[Release]:
    """The releases that files say which are no objects. `named`: the folders of wrapper charts that an object releases."""
    for document in files.by_name(*_KUSTOMIZATIONS):
        yield from _kustomization(document, files)
    for document in files.helmfiles():
        yield from _helmfile(document, files)
    for folder, document in files.wrappers.items():
        if folder not in named:
            yield from _alone(folder, document, files)


def _kustomization(document: Document, files: Files) -> Iterator[Release]:
    root, folder = document.root, parent(document.file)
    for chart in root.each("helmCharts"):
        found = _of_chart(chart, folder, files)
        layers = [layer for layer in reversed(found) if layer is not None]
        namespace = chart.get("namespace").text or root.get("namespace").text or ""
        yield Release(
            chart.get("name").text or "", chart.get("repo").text or "", chart.get("version"), namespace,
            tuple(layers or [Layer(chart)]), None not in found, chart,
        )  # fmt: skip


def _of_chart(chart: Node, folder: str, files: Files) -> list[Layer | None]:
    """What wins last: Kustomize puts further files over what is written in place, and that over the first file, if it is not told
    otherwise."""
    def layer(node: Node) -> Layer | None:
        return files.values(resolve(folder, node.text or ""))

    own = [layer(node) for node in (chart.get("valuesFile"),) if node.present]
    inline: list[Layer | None] = [Layer(node) for node in (chart.get("valuesInline"),) if node]
    how = chart.get("valuesMerge").text if inline else ""
    first = inline if how == "replace" else [*inline, *own] if how == "merge" else [*own, *inline]
    return [*first, *(layer(node) for node in chart.each("additionalValuesFiles"))]


def _helmfile(document: Document, files: Files) -> Iterator[Release]:
    folder = parent(document.file)
    for release in document.root.each("releases"):
        found = [Layer(item) if item.is_map else files.values(resolve(folder, item.text or "")) for item in release.get("values").each()]
        layers = [layer for layer in reversed(found) if layer is not None]
        closed = None not in found and not release.get("secrets") and not release.get("valuesTemplate")
        if release.get("set").is_list:
            layers.insert(0, Layer(release.get("set"), flat=True))
        chart = release.get("chart").text or ""
        yield Release(
            chart, chart.rpartition("/")[0], release.get("version"), release.get("namespace").text or "",
            tuple(layers or [Layer(release)]), closed, release,
        )  # fmt: skip


def _alone(folder: str, document: Document, files: Files) -> Iterator[Release]:
    """A wrapper chart that no object releases: once with each further values file, which is what one environment gets."""
    own = _own_values(folder, files)
    keys = [_key(item) for item in document.root.each("dependencies")]
    others = [layer for path in files.beside(folder, keys) if base(path) != "values.yaml" and (layer := files.values(path)) is not None]
    for layers in [[other, *own] for other in others] or [own]:
        yield Release(folder, "", document.root.get("version"), "", tuple(layers or [Layer(document.root)]), not others, document.root)


def installers_of(release: Release, files: Files) -> Iterator[Installer]:
    """The components that a release brings: one, or of a wrapper chart one for each dependency."""
    wrapper = files.wrappers.get(release.chart)
    if wrapper is not None:
        for item in wrapper.root.each("dependencies"):
            yield from _dependency(item, release)
        return
    name = release.chart.rpartition("/")[2]
    where = f"{release.repository}/{release.chart}".lower()
    if name == _UMBRELLA and "istio" in where:
        for part, component in _PARTS.items():
            yield _installer(component, release, _below(release.layers, part), _UMBRELLA)
    elif (known := _CHARTS.get(name)) is not None:
        yield _installer(known, release, release.layers)


def _component(dependency: Node) -> str | None:
    return _CHARTS.get(dependency.get("name").text or "")


def _key(dependency: Node) -> str:
    """Below which key a chart has the values of a dependency."""
    return dependency.get("alias").text or dependency.get("name").text or ""


def _dependency(item: Node, release: Release) -> Iterator[Installer]:
    component = _component(item)
    if component is None:
        return
    key = _key(item)
    if _switched_off(item.get("condition").text or "", release.layers):
        return
    shared = tuple(Layer(layer.node, only="global") for layer in release.layers if not layer.named)
    place = release.root if release.holder is not None else item
    yield _installer(component, release._replace(version=item.get("version"), root=place), (*_below(release.layers, key), *shared))


def _switched_off(condition: str, layers: Sequence[Layer]) -> bool:
    """Helm goes by the first path of a condition that is set."""
    for path in filter(None, condition.split(",")):
        for layer in layers:
            if (found := layer.get(tuple(path.strip().split(".")))) is not None:
                return found.value is False or found.text == "false"
    return False


def _below(layers: Sequence[Layer], key: str) -> tuple[Layer, ...]:
    """The values of a dependency; those of parameters keep their dotted names."""
    return tuple(layer._replace(under=key) if layer.named else Layer(layer.node.get(key)) for layer in layers)


def _installer(component: str, release: Release, layers: tuple[Layer, ...], fixed: str = "") -> Installer:
    return Installer(
        component, release.root, release.holder, release.namespace, release.version, layers or (Layer(release.root),), release.closed,
        fixed=fixed, filled=release.filled,
    )  # fmt: skip
