"""What brings the CRDs of Gateway API: the CRDs themselves, kustomizations, Flux and Argo CD sources of its repository."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meshlint.index.homes import Homes
from meshlint.model.document import Document, FileRead
from meshlint.model.installation import CrdSource
from meshlint.model.kind import Kind, kind_of
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.model.resource import Environment, Resource
from meshlint.model.version import Version
from meshlint.render.level import FILE_NAMES
from meshlint.render.tree import base, parent

_REPOSITORY = "kubernetes-sigs/gateway-api"
_TAG = lazy_regex(r"(?:[?&]ref=|/releases/download/|/gateway-api/)(v?\d+\.\d+[\w.-]*)")
_ANNOTATION = "gateway.networking.k8s.io/{}"
_GROUP = ".gateway.networking.k8s.io"
HOLDERS = (Kind.CRD, Kind.ARGO_APPLICATION)
_KINDS = frozenset(kind.kind for kind in HOLDERS)


class CrdSources:
    """Made once for a repository."""

    def __init__(
        self, written: Sequence[FileRead], files: Sequence[FileRead], environments: Sequence[Environment], holders: Mapping[Node, Resource]
    ) -> None:
        """`written`: as they stand in the repository; `files`: with what tools made of them in place of their objects."""
        objects = [document for file in files for document in file.documents if document.kind in _KINDS]
        self.all = [source for document in objects for source in _objects(document, holders)]
        self.all += [source for file in written for source in _used(file)]
        self._homes = Homes(environments)
        self._by_holder: dict[Resource, list[int]] = {}  # numbers of sources
        self._by_home: dict[int, list[int]] = {}
        for number, source in enumerate(self.all):
            if source.holder is not None:
                self._by_holder.setdefault(source.holder, []).append(number)
            elif (home := self._home(source)) is not None:
                self._by_home.setdefault(id(home), []).append(number)
        self._holders = {root: holder for root, holder in holders.items() if holder in self._by_holder}

    def of(self, environment: Environment, held: Mapping[Kind, Sequence[Resource]]) -> list[CrdSource]:
        """`held`: its objects by kind."""
        numbers = list(self._by_home.get(id(environment), ()))
        for resource in (one for kind in HOLDERS for one in held.get(kind, ())) if self._by_holder else ():
            if (holder := self._holders.get(resource.root)) is not None:
                numbers += self._by_holder[holder]
        return [self.all[number] for number in sorted(set(numbers))]

    def _home(self, source: CrdSource) -> Environment | None:
        folder = parent(source.at.file)
        home = self._homes.of(folder)
        if home is None or home.kind in ("plain", "helm"):
            return None  # a kustomization that others use stands in none of its own
        return home if home.kind != "kustomize" or home.reach(folder) == len(folder) else None


def _objects(document: Document, holders: Mapping[Node, Resource]) -> Iterator[CrdSource]:
    root, kind = document.root, kind_of(document.api_version, document.kind)
    if kind is Kind.CRD and (root.get("metadata", "name").text or "").endswith(_GROUP):
        yield from _crd(root, holders.get(root))
    elif kind is Kind.ARGO_APPLICATION:
        yield from _application(root, holders.get(root))


def _used(file: FileRead) -> Iterator[CrdSource]:
    """What kustomizations and Flux take from the repository of Gateway API."""
    if base(file.path) in FILE_NAMES:
        for document in file.documents:
            yield from _listed(document.root)
        return
    for document in file.documents:
        if document.kind == "GitRepository" and _REPOSITORY in (document.root.get("spec", "url").text or ""):
            tag = document.root.get("spec", "ref", "tag")
            yield CrdSource(tag, Version.find(tag.text or ""), "", "", None)


def _listed(kustomization: Node) -> Iterator[CrdSource]:
    for use in (*kustomization.each("resources"), *kustomization.each("bases")):
        if _REPOSITORY in (use.text or ""):
            tag = _TAG.search(use.text or "")
            yield CrdSource(use, Version.find(tag[1]) if tag else None, _channel(use.text or ""), "", None)


def _application(root: Node, holder: Resource | None) -> Iterator[CrdSource]:
    for source in (root.get("spec", "source"), *root.get("spec", "sources").each()):
        if _REPOSITORY in (source.get("repoURL").text or "") and not source.get("chart"):
            at = source.get("targetRevision")
            yield CrdSource(at, Version.find(at.text or ""), _channel(source.get("path").text or ""), "", holder)


def _crd(root: Node, holder: Resource | None) -> Iterator[CrdSource]:
    """A CRD says both in annotations."""
    annotations = root.get("metadata", "annotations")
    bundle, channel = (annotations.get(_ANNOTATION.format(name)) for name in ("bundle-version", "channel"))
    if bundle.text and channel.text:
        name = root.get("metadata", "name").text or ""
        yield CrdSource(bundle, Version.find(bundle.text), channel.text, name, holder)


def _channel(text: str) -> str:
    return "experimental" if "experimental" in text else "standard"
