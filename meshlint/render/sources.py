"""Argo CD and Flux: which folders of the repository they apply, and into which namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from meshlint.model.kind import Kind
from meshlint.model.node import UNKNOWN, Node
from meshlint.read.placeholders import expression_finder
from meshlint.render.draft import Draft
from meshlint.render.tree import Tree

_PARAMETER = re.compile(r"\{\{-?\s*\.?([\w.-]+)\s*-?\}\}")
_MOST_ELEMENTS = 1_000
_APPLICATIONS = frozenset({Kind.ARGO_APPLICATION, Kind.ARGO_APPLICATION_SET, Kind.FLUX_KUSTOMIZATION, Kind.HELM_RELEASE})


class Source(NamedTuple):
    """One application of one folder. `override`: the namespace replaces the written one (Flux), else it fills in (Argo CD)."""

    kind: str
    name: str
    path: str
    namespace: str
    override: bool = False
    recurse: bool = True
    include: str = ""
    exclude: str = ""

    def place(self, draft: Draft) -> Draft:
        """An object as this application applies it. Argo CD and Helm keep what is written."""
        if not self.namespace or draft.kind.cluster_scoped or (draft.namespace is not None and not self.override):
            return draft
        return draft._replace(namespace=self.namespace)


def sources_of(tree: Tree) -> list[Source]:
    """Every application of a folder that the repository holds; one whose path is not here belongs to another repository."""
    out: dict[Source, None] = {}
    for path in tree.files:
        for draft in tree.drafts(path):
            for source in _of(draft):
                folder = tree.inside(source.path)
                if folder is not None and folder != tree.root and folder in tree.folders:
                    out[source._replace(path=folder)] = None
    return list(out)


def _of(draft: Draft) -> Iterator[Source]:
    if draft.kind not in _APPLICATIONS:
        return
    spec = draft.document.root.get("spec")
    if draft.kind is Kind.ARGO_APPLICATION:
        yield from _argo(draft.name, spec, {})
    elif draft.kind is Kind.ARGO_APPLICATION_SET:
        yield from _argo_set(draft.name, spec)
    elif draft.kind is Kind.FLUX_KUSTOMIZATION and (path := spec.get("path").text):
        yield Source("flux", draft.name, path, spec.get("targetNamespace").text or "", True)
    elif draft.kind is Kind.HELM_RELEASE and (path := spec.get("chart", "spec", "chart").text):
        if spec.get("chart", "spec", "sourceRef", "kind").text == "HelmRepository":
            return
        namespace = spec.get("targetNamespace").text or draft.namespace or ""
        yield Source("helm", draft.name, path, namespace)


def _argo(name: str, spec: Node, parameters: dict[str, str]) -> Iterator[Source]:
    namespace = _filled(spec.get("destination", "namespace"), parameters) or ""
    for source in (spec.get("source"), *spec.get("sources").each()):
        path = _filled(source.get("path"), parameters)
        if path and not source.get("chart"):
            directory = source.get("directory")
            recurse = directory.get("recurse").value is True
            include, exclude = directory.get("include").text or "", directory.get("exclude").text or ""
            own = _filled(source.get("kustomize", "namespace"), parameters)
            yield Source("argocd", name, path, own or namespace, bool(own), recurse, include, exclude)


def _argo_set(name: str, spec: Node) -> Iterator[Source]:
    """The applications of list generators with literal elements, and of a template that needs no parameters."""
    elements = [item.strings() for generator in spec.each("generators") for item in generator.each("list", "elements")]
    template = spec.get("template", "spec")
    for parameters in elements[:_MOST_ELEMENTS] or [{}]:
        yield from _argo(name, template, parameters)


def _filled(node: Node, parameters: dict[str, str]) -> str | None:
    """A text with its parameters; None where one is not known."""
    text = node.text
    if node.value is UNKNOWN:
        table = node.table
        text = table.source.text[table.starts[node.row] : table.ends[node.row]].strip("\"'")
    if text is None:
        return None
    filled = _PARAMETER.sub(lambda match: parameters.get(match[1], match[0]), text)
    find = expression_finder(filled)
    return None if find is not None and find(filled) else filled


def matches_any(pattern: str, path: str) -> bool:
    """Argo CD's include and exclude: a glob, or several as {a,b}, of the path inside of the folder."""
    from fnmatch import fnmatchcase

    patterns = pattern[1:-1].split(",") if pattern.startswith("{") and pattern.endswith("}") else [pattern]
    return any(fnmatchcase(path, one.strip()) for one in patterns)
