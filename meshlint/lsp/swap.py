"""A changed file whose objects are the same by kind, name and what renderers look at: they take each other's place where they
stand, and no environment has to be found anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import SUPPRESSING, WORDS
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.model.resource import Resource
from meshlint.render.draft import is_stub
from meshlint.render.level import FILE_NAMES
from meshlint.render.tree import base

_SHAPING = frozenset({
    Kind.CRD, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.ISTIO_REVISION, Kind.ISTIO_CNI, Kind.ZTUNNEL, Kind.ARGO_APPLICATION,
    Kind.ARGO_APPLICATION_SET, Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE, Kind.HELM_REPOSITORY, Kind.KUSTOMIZATION,
    Kind.KUSTOMIZE_COMPONENT,
})  # fmt: skip
"""Kinds that tell what is applied where, what is installed, and which releases run."""
_SHAPING_GROUPS = ("builtin", "fluxcd", "argoproj", "kustomize", "helm")
"""Words of API versions whose other kinds tell such things, too: sources, settings of transformers."""
_SHAPING_WORDS = (*WORDS.difference(SUPPRESSING), "istiod", "pilot", "ztunnel", "istio-cni", "cilium", "istio-csr")

_BY_NAME = frozenset({"Kustomization", "Component", "HelmRelease", "HelmChart"})
"""Kinds of objects and files that may take values from a ConfigMap: they name it."""

Replaced = dict[Resource, Resource]
Named = Callable[[str], bool]  # may something take values from the ConfigMap of this name?


def replaced(old: FileRead, new: FileRead, holders: Callable[[Node], Sequence[Resource]], named: Named) -> Replaced | None:
    """What takes the place of each object of the file; None where the structure may be another. `holders` gives the
    objects that environments have made of a document."""
    if not (is_plain(old, named) and is_plain(new, named)) or old.template != new.template or len(old.documents) != len(new.documents):
        return None
    pairs = list(zip(old.documents, new.documents, strict=True))
    if not all(_alike(*pair) for pair in pairs):
        return None
    out: Replaced = {}
    for before, after in pairs:
        found = holders(before.root)
        if not found and kind_of(before.api_version, before.kind) is not None:
            return None  # a patch: what it changes stands elsewhere
        for resource in found:
            made = _successor(resource, after)
            if made is None:
                return None
            out[resource] = made
    return out


def is_plain(file: FileRead, named: Named) -> bool:
    """Does the file hold nothing but objects that shape nothing else?"""
    name = base(file.path)
    if file.source is None or file.skipped is not None or name in FILE_NAMES or name.startswith(("Chart.", "values", "helmfile")):
        return False
    if any(trouble.kinds or trouble.rule == "not-analysed" for trouble in file.troubles) or _shaping_text(file.source):
        return False
    return all(_shapes_nothing(document, named) for document in file.documents)


def _shaping_text(source: Source) -> bool:
    return any(map(source.holds, _SHAPING_WORDS))


def _shapes_nothing(document: Document, named: Named) -> bool:
    if not document.kind or not document.api_version or document.inner:
        return False
    kind = kind_of(document.api_version, document.kind)
    if kind is Kind.CONFIG_MAP:
        return not named(document.root.get("metadata", "name").text or "")
    return kind not in _SHAPING if kind is not None else not any(word in document.api_version for word in _SHAPING_GROUPS)


def takes_values(file: FileRead) -> bool:
    """May it hold something that takes values from ConfigMaps?"""
    return base(file.path) in FILE_NAMES or any(document.kind in _BY_NAME for document in file.documents)


def _alike(old: Document, new: Document) -> bool:
    if (old.api_version, old.kind) != (new.api_version, new.kind) or is_stub(old) != is_stub(new):
        return False
    names = ("name", "namespace", "generateName")
    return all(old.root.get("metadata", name).value == new.root.get("metadata", name).value for name in names)


def _successor(old: Resource, new: Document) -> Resource | None:
    """The same object with another text. What renderers changed of it stays, where they would do the same again."""
    made = Resource(old.kind, old.api_version, old.name, old.namespace, new.root, old.partial)
    written = old.root.get("metadata")
    changed = bool(old.places or old.pod_labels) or old.labels != written.get("labels").strings()
    if not changed and old.annotations == written.get("annotations").strings():
        return made
    if not _same_metadata(old.root, new.root):
        return None
    made.labels, made.annotations, made.pod_labels, made.places = old.labels, old.annotations, old.pod_labels, old.places
    return made


def _same_metadata(old: Node, new: Node) -> bool:
    """What renderers look at; labels of a pod template they only add to."""
    return all(old.get("metadata", field).strings() == new.get("metadata", field).strings() for field in ("labels", "annotations"))
