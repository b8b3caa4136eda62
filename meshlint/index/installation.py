"""MeshConfig wherever it stands (what installs the mesh: meshlint.index.installers).

MeshConfig stands in IstioOperator `spec.meshConfig` and `spec.values`, in the sail operator's Istio CR, in the `mesh` key of
the `istio` ConfigMap, in Helm values (files, HelmRelease, Argo CD Application), and in other vendors' installers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.later import MESH_CONFIG
from meshlint.model.mesh import MeshSetting
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_SCHEMAS = frozenset({"CustomResourceDefinition", "ClusterPolicy", "Policy", "ConstraintTemplate", "ValidatingAdmissionPolicy"})
_POLICY_GROUPS = ("kyverno.io", "gatekeeper.sh", "admissionregistration.k8s.io", "apiextensions.k8s.io")  # and what ends in them
_MESH_HOLDERS = frozenset({"Sidecar"})
_DEPTH = 12


def settings_in(files: Sequence[FileRead], holders: Mapping[Node, Resource]) -> Iterator[MeshSetting]:
    """Every MeshConfig of the files. `holders`: the objects of the repository by their root. What a chart keeps under `files/`,
    such as the profiles of Istio's charts, acts only if its templates take it up."""
    charts = {file.path.rpartition("/")[0] for file in files if file.path.rpartition("/")[2] == "Chart.yaml"}
    for file in files:
        if file.source is None or not _may_hold_any(file, file.source.holds) or _kept_in(charts, file.path):
            continue
        for document in file.documents:
            holder = holders.get(document.root)
            for config in _configs(document):
                yield MeshSetting(config, holder, file.path)


def _may_hold_any(file: FileRead, holds: Callable[[str], bool]) -> bool:
    """A MeshConfig goes by a name, but for the text of a ConfigMap, which is known by its fields."""
    if holds("meshConfig") or holds("outboundTrafficPolicy"):
        return True
    texts = any(path == "data.mesh" for document in file.documents for path, _ in document.inner)
    return texts and any(map(holds, MESH_CONFIG))


def _kept_in(charts: Set[str], path: str) -> bool:
    parts = path.split("/")
    return any(name == "files" and "/".join(parts[:at]) in charts for at, name in enumerate(parts))


def _configs(document: Document) -> Iterator[Node]:
    if document.kind in _SCHEMAS or document.kind in _MESH_HOLDERS or _of_policies(document):
        return
    if kind_of(document.api_version, document.kind) is Kind.CONFIG_MAP:
        name = document.root.get("metadata", "name").text or ""
        for path, root in document.inner:
            if path == "data.mesh" and (name == "istio" or name.startswith("istio-")):
                yield root
            else:
                yield from _nested(root, _DEPTH)
        return
    yield from _nested(document.root, _DEPTH)
    for _, root in document.inner:
        yield from _nested(root, _DEPTH)


def _of_policies(document: Document) -> bool:
    """Is it of an engine that checks or changes other objects? What such an object mentions is a pattern."""
    group = document.api_version.rpartition("/")[0]
    return any(group == suffix or group.endswith(f".{suffix}") for suffix in _POLICY_GROUPS)


def _nested(node: Node, depth: int) -> Iterator[Node]:
    """`meshConfig` mappings, and `global` mappings of the old charts that hold outboundTrafficPolicy, at any depth."""
    if depth == 0:
        return
    for key, below in node.items():
        if key == "meshConfig":
            if below.is_map and not _is_schema(below):
                yield below
        elif key == "global" and below.get("outboundTrafficPolicy").present and not _is_schema(below):
            yield below
        elif below.is_map and key not in ("properties", "patterns", "pattern", "validate"):
            yield from _nested(below, depth - 1)
        elif below.is_list and key != "rules":
            for item in below.each():
                yield from _nested(item, depth - 1)


def _is_schema(node: Node) -> bool:
    return bool(node.get("properties")) and node.get("type").text == "object"
