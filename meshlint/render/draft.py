"""An object on its way into an environment: what Kustomize, Argo CD, Flux or Helm change of it besides the text."""

from __future__ import annotations

from collections.abc import Mapping

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.node import Node
from meshlint.model.resource import Places, Resource
from meshlint.model.tuples import NamedTuple

Changes = Mapping[str, "str | None"]  # a label or annotation and its new value; None: it is taken away
_NONE: Changes = {}
_UNCHANGED: Places = {}
_BUILD_FILES = (Kind.KUSTOMIZATION, Kind.KUSTOMIZE_COMPONENT)


class Draft(NamedTuple):
    """`namespace` is None where none is written, empty where a template writes it. `names` are the earlier names.
    `places`: what set or took away each of `labels`, `annotations` and `pods`."""

    document: Document
    kind: Kind
    name: str
    namespace: str | None
    partial: bool = False
    names: tuple[str, ...] = ()
    labels: Changes = _NONE
    annotations: Changes = _NONE
    pods: Changes = _NONE
    places: Places = _UNCHANGED

    @property
    def metadata(self) -> Node:
        return self.document.root.get("metadata")

    def changed(self, field: str) -> dict[str, str]:
        """Labels or annotations of metadata, as they are by now."""
        return _merged(self.metadata.get(field).strings(), self.labels if field == "labels" else self.annotations)

    def resource(self) -> Resource:
        namespace = "" if self.kind.cluster_scoped else self.namespace or ""
        made = Resource(self.kind, self.document.api_version, self.name, namespace, self.document.root, self.partial)
        if self.labels:
            made.labels = _merged(made.labels, self.labels)
        if self.annotations:
            made.annotations = _merged(made.annotations, self.annotations)
        if self.pods:
            made.pod_labels = _merged({}, self.pods)
        if self.places:
            made.places = self.places
        return made


def _merged(written: Mapping[str, str], changes: Changes) -> dict[str, str]:
    out = {key: value for key, value in written.items() if changes.get(key, "") is not None}
    out.update((key, value) for key, value in changes.items() if value is not None)
    return out


def drafts_of(file: FileRead) -> tuple[Draft, ...]:
    """The objects of a file whose kinds meshlint knows, without strategic-merge patches."""
    out = []
    for document in file.documents:
        kind = kind_of(document.api_version, document.kind) if document.kind else None
        if kind is not None and kind not in _BUILD_FILES and not (head := document.head).stub:
            out.append(Draft(document, kind, head.name, head.namespace, file.template))
    return tuple(out)
