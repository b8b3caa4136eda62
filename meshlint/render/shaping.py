"""Files that hold nothing but objects which shape nothing else: neither what is applied where, nor what is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import SUPPRESSING, WORDS
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.position import Source
from meshlint.render.level import FILE_NAMES
from meshlint.render.tree import base

SHAPING = frozenset({
    Kind.CRD, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.ISTIO_REVISION, Kind.ISTIO_CNI, Kind.ZTUNNEL, Kind.ARGO_APPLICATION,
    Kind.ARGO_APPLICATION_SET, Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE, Kind.HELM_REPOSITORY, Kind.KUSTOMIZATION,
    Kind.KUSTOMIZE_COMPONENT,
})  # fmt: skip
"""Kinds that tell what is applied where, what is installed, and which releases run."""
_SHAPING_GROUPS = ("builtin", "fluxcd", "argoproj", "kustomize", "helm")
"""Words of API versions whose other kinds tell such things, too: sources, settings of transformers."""
_SHAPING_WORDS = WORDS.difference(SUPPRESSING)

_BY_NAME = frozenset({"Kustomization", "Component", "HelmRelease", "HelmChart"})
"""Kinds of objects and files that may take values from a ConfigMap: they name it."""

Named = Callable[[str], bool]  # may something take values from the ConfigMap of this name?


def is_plain(file: FileRead, named: Named) -> bool:
    """Does the file hold nothing but objects that shape nothing else?"""
    name = base(file.path)
    return name not in FILE_NAMES and not name.startswith(("Chart.", "values", "helmfile")) and is_plain_text(file, named)


def is_plain_text(file: FileRead, named: Named) -> bool:
    """The same, whatever the file is called: it may be what a tool printed."""
    if file.source is None or file.skipped is not None:
        return False
    if not file.documents:  # a list, which may be operations of a patch
        return False
    if any(trouble.kinds or trouble.rule == "not-analysed" for trouble in file.troubles) or is_of_installation(file.source):
        return False
    return all(_shapes_nothing(document, named) for document in file.documents)


def is_of_installation(source: Source) -> bool:
    """May it speak of what installs the mesh?"""
    return any(map(source.holds, _SHAPING_WORDS))


def _shapes_nothing(document: Document, named: Named) -> bool:
    if not document.kind or not document.api_version or document.inner:
        return False
    kind = kind_of(document.api_version, document.kind)
    if kind is Kind.CONFIG_MAP:
        return not named(document.root.get("metadata", "name").text or "")
    return kind not in SHAPING if kind is not None else not any(word in document.api_version for word in _SHAPING_GROUPS)


def takes_values(file: FileRead) -> bool:
    """May it hold something that takes values from ConfigMaps?"""
    return base(file.path) in FILE_NAMES or any(document.kind in _BY_NAME for document in file.documents)


def is_taken(name: str, taking: Iterable[FileRead]) -> bool:
    """May something take values from the ConfigMap of this name? `taking`: the files that may hold such."""
    return not name or any(_speaks_of(name, file) for file in taking)


_NAMES = lazy_regex(r"[\w.-]+")
_TAKING = frozenset({"configMapGenerator", "configMapRef", "valuesFrom", "substituteFrom"})


def names_taken(files: Iterable[FileRead]) -> Named:
    """The same of all names, for who asks of many: a name stands in a word of such a file, with what Kustomize puts around it."""
    words: set[str] = set()
    for file in filter(takes_values, files):
        found = {word for text in _strings(file) for word in _NAMES.findall(text)}
        if not file.documents or "ConfigMap" in found or any(not _TAKING.isdisjoint(one.root.table.keys) for one in file.documents):
            words |= found
    together = "\n".join(words)
    return lambda name: name in together


def _strings(file: FileRead) -> Iterator[str]:
    if not file.documents and file.source is not None:
        yield file.source.text
    for document in file.documents:
        yield from (value for value in document.root.table.values if isinstance(value, str))


def _speaks_of(name: str, file: FileRead) -> bool:
    if not file.documents:
        return file.source is not None and file.source.holds(name)
    return any(isinstance(value, str) and name in value for document in file.documents for value in document.root.table.values)
