"""Argo CD Applications: sources with their Helm and Kustomize settings, the destination, and namespaces that come with them."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.document import Document
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.render.draft import Draft
from meshlint.render.find.application import HERE, Application, Source, no_values
from meshlint.render.find.fill import unfilled
from meshlint.render.find.repository import Holder
from meshlint.render.recipe import Missing, Parameter, Values

_IN_CLUSTER = ("in-cluster", "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local")
_OVERLAY = ("namePrefix", "nameSuffix", "namespace", "images", "commonAnnotations", "patches", "components", "replicas")


def application(name: str, at: Node, spec: Node, holder: Holder) -> Application:
    """`spec` is that of an Application, or of an ApplicationSet's template with its parameters filled in."""
    destination = spec.get("destination")
    namespace = destination.get("namespace").text or ""
    sources = tuple(_Sources(spec, holder, name, namespace).all())
    return Application("argocd", name, at, cluster_of(destination), sources, tuple(_made(spec, namespace)))


def cluster_of(destination: Node) -> str | None:
    said = destination.get("name") if destination.get("name").present and destination.get("name").value != "" else destination.get("server")
    if not said.text:
        return None
    return HERE if said.text.rstrip("/") in _IN_CLUSTER else said.text


def _made(spec: Node, namespace: str) -> Iterator[Draft]:
    """The namespace that Argo CD makes, with the labels it gives to it."""
    metadata = spec.get("syncPolicy", "managedNamespaceMetadata")
    if namespace and metadata.is_map and "CreateNamespace=true" in [option.text for option in spec.each("syncPolicy", "syncOptions")]:
        places = {(field, key): value for field in ("labels", "annotations") for key, value in metadata.get(field).items()}
        given = {field: metadata.get(field).strings() for field in ("labels", "annotations")}
        document = Document(metadata, "v1", "Namespace")
        yield Draft(document, Kind.NAMESPACE, namespace, None, labels=given["labels"], annotations=given["annotations"], places=places)


class _Sources:
    """The sources of one Application."""

    def __init__(self, spec: Node, holder: Holder, name: str, namespace: str) -> None:
        many = [*spec.get("sources").each()]
        self._written = many or [spec.get("source")]
        self._holder = holder
        self._name = name
        self._namespace = namespace
        self._refs = {f"${source.get('ref').text}": source for source in self._written if source.get("ref").text}

    def all(self) -> Iterator[Source]:
        for source in self._written:
            if source.is_map and (source.get("path").present or source.get("chart").present):
                yield self._source(source)

    def _source(self, source: Node) -> Source:
        said = unfilled(source.get("chart")) or unfilled(source.get("path")) or "."
        folder, reason = self._folder(source, said)
        helm, kustomize, directory = source.get("helm"), source.get("kustomize"), source.get("directory")
        missing = [Missing(f"plugin {unfilled(source.get('plugin', 'name')) or '?'} is not run", source.get("plugin"))]
        values, lost = self._values(helm, folder) if folder is not None else ((), [])
        return Source(
            said,
            folder,
            reason,
            tool="kustomize" if kustomize.is_map else "helm" if helm.is_map else "",
            release=helm.get("releaseName").text or self._name,
            namespace=helm.get("namespace").text or self._namespace,
            values=values,
            parameters=tuple(self._parameters(helm, folder)) if folder is not None else (),
            include_crds=helm.get("skipCrds").value is not True,
            overlay=tuple(_overlay(kustomize)),
            missing=(*(missing if source.get("plugin").present else ()), *lost),
            recurse=directory.get("recurse").value is True,
            include=directory.get("include").text or "",
            exclude=directory.get("exclude").text or "",
        )

    def _folder(self, source: Node, said: str) -> tuple[str | None, str | None]:
        """The folder of a source, else why there is none."""
        if source.get("chart").present:
            release = f"chart {said} {unfilled(source.get('targetRevision'))}".rstrip()
            return None, f"{release} of {unfilled(source.get('repoURL'))} is not in the repository"
        if source.get("path").unknown or source.get("path").text is None:
            return None, f"a template decides which folder {said} is"
        url = unfilled(source.get("repoURL"))
        folder = self._holder.folder(said)
        if folder is None or not self._holder.belongs(url) or (folder == self._holder.tree.root and not self._holder.known(url)):
            return None, f"{said} of {url} is not in the repository"
        return folder, None

    def _values(self, helm: Node, folder: str) -> tuple[tuple[Values, ...], list[Missing]]:
        """Values files, then what is written here, of which an object goes before a text."""
        out: list[Values] = []
        lost: list[Missing] = []
        for item in helm.each("valueFiles"):
            path = self._values_file(item, folder)
            if path is not None:
                out.append(Values(path))
            elif helm.get("ignoreMissingValueFiles").value is not True:
                lost.append(no_values(item))
        inline = helm.get("valuesObject") if helm.get("valuesObject").value is not None else helm.get("values")
        if inline.present:
            out.append(Values(node=inline))
        return tuple(out), lost

    def _parameters(self, helm: Node, folder: str) -> Iterator[Parameter]:
        for item in helm.each("parameters"):
            if name := item.get("name").text:
                yield Parameter(name, item.get("value"), item.get("forceString").value is True)
        for item in helm.each("fileParameters"):
            path = self._values_file(item.get("path"), folder)
            if (name := item.get("name").text) and path is not None:
                yield Parameter(name, item.get("path"), file=path)

    def _values_file(self, item: Node, folder: str) -> str | None:
        text = item.text
        if text is None:
            return None
        if text.startswith("$"):
            ref, _, path = text.partition("/")
            source = self._refs.get(ref)
            return self._holder.file("", "/" + path) if source is not None else None
        return self._holder.file(folder, text)


def _overlay(kustomize: Node) -> Iterator[tuple[str, Node]]:
    for field in _OVERLAY:
        if kustomize.get(field):
            yield field, kustomize.get(field)
    if kustomize.get("commonLabels"):
        yield ("labels" if kustomize.get("labelWithoutSelector").value is True else "commonLabels"), kustomize.get("commonLabels")
