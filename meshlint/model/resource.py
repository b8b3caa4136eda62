"""Objects of a repository, and the environments that they form."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.texts import written
from meshlint.model.tuples import NamedTuple

_NOTHING: Mapping[str, str] = {}
Places = Mapping[tuple[str, str], "Node | None"]
_WRITTEN: Places = {}
_LONGEST = 60  # of an expression in a message


class Resource:
    """One object as it is applied in one environment. `namespace` is empty where the repository does not say it.

    `labels` and `annotations` are those of metadata after Kustomize labels and patches; `pod_labels` are what these add
    to the labels that the pod template writes. `places`: what Kustomize set, by field (labels, annotations, pods) and key,
    with the node that set it; None: it was taken away. `partial`: a patch that is not followed changes more of it.
    """

    __slots__ = ("annotations", "api_version", "kind", "labels", "name", "namespace", "partial", "places", "pod_labels", "root", "spec")

    spec: Node
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def __init__(self, kind: Kind, api_version: str, name: str, namespace: str, root: Node, partial: bool = False) -> None:
        self.kind = kind
        self.api_version = api_version
        self.name = name
        self.namespace = namespace
        self.root = root
        self.partial = partial
        self.pod_labels: Mapping[str, str] = _NOTHING
        self.places: Places = _WRITTEN

    def __getattr__(self, name: str) -> Any:
        """`spec`, `labels` and `annotations` are looked up when they are first asked for: most objects are never asked."""
        if name == "spec":
            self.spec = self.root.get("spec")
        elif name == "labels":
            self.labels = self.root.get("metadata", "labels").strings()
        elif name == "annotations":
            self.annotations = self.root.get("metadata", "annotations").strings()
        else:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    @property
    def file(self) -> str:
        return self.root.file

    @property
    def version(self) -> str:
        """The version part of apiVersion: v1, v1beta1 ..."""
        return self.api_version.rpartition("/")[2]

    @property
    def keys(self) -> frozenset[str] | None:
        """All keys in it, at any depth; None where Kustomize sets some that do not stand in its own document."""
        return None if self.places or self.partial else self.root.table.keys

    def may_hold(self, keys: Collection[str]) -> bool:
        """May one of these keys be in it?"""
        written = self.keys
        return written is None or not written.isdisjoint(keys)

    @property
    def identity(self) -> tuple[Kind, str, str]:
        return (self.kind, self.namespace, self.name)

    @property
    def title(self) -> str:
        """How messages name the object: VirtualService shop/reviews; one without a name by its file."""
        name = self.name or self._filled_in
        if not name:
            return f"{self.kind.kind} in {self.root.file}"
        return f"{self.kind.kind} {self.namespace + '/' if self.namespace else ''}{name}"

    @property
    def _filled_in(self) -> str:
        """The expression of a template that stands for the name."""
        name = " ".join(written(self.root.get("metadata", "name").origin).split()).strip("\"'")
        if not name.isprintable():
            return ""
        return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3].rstrip()}..."

    def label(self, name: str) -> Node:
        """The value of a label, with its place (that of the patch which sets it); absent where there is none."""
        return self._placed("labels", name, self.root.get("metadata", "labels", name))

    def annotation(self, name: str) -> Node:
        return self._placed("annotations", name, self.root.get("metadata", "annotations", name))

    def pod_label(self, template: Node, name: str) -> Node:
        """The same for a label of the pod template."""
        return self._placed("labels" if self.kind is Kind.POD else "pods", name, template.get("metadata", "labels", name))

    def _placed(self, field: str, name: str, written: Node) -> Node:
        if (field, name) not in self.places:
            return written
        found = self.places[field, name]
        return Node(written.table, ~written.row) if found is None else found

    def moved(self, namespace: str) -> Resource:
        """The same object in another namespace (Kustomize `namespace:`, an Argo CD destination)."""
        other = Resource(self.kind, self.api_version, self.name, namespace, self.root, self.partial)
        other.labels, other.annotations, other.pod_labels = self.labels, self.annotations, self.pod_labels
        other.places = self.places
        return other

    def __repr__(self) -> str:
        return f"Resource({self.title} in {self.file})"


class Part(NamedTuple):
    """One source of an environment: the application that applies it (None: nothing in the repository does) with its place,
    the source as it is named or its folder, the tool that it is for (empty: it is not here), and what became of it.
    `templates`: those of its files that are not analysed, with the kinds that they seem to hold."""

    application: str | None
    by: str
    at: Node | None
    source: str
    tool: str
    objects: int
    status: str
    reason: str | None
    templates: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Environment:
    """What is applied together: the unit of indexing (docs/architecture.md)."""

    __slots__ = ("background", "kind", "missing", "name", "parts", "path", "reason", "resources", "shared", "status")

    def __init__(
        self,
        name: str,
        kind: str,
        path: str,
        resources: Sequence[Resource],
        background: Sequence[Resource] = (),
        shared: tuple[Resource, ...] = (),
        status: str = "static",
        reason: str | None = None,
        parts: Sequence[Part] = (),
        missing: Sequence[str] = (),
    ) -> None:
        """`resources` are judged; `background` and `shared` answer look-ups (what else the repository holds of the same
        mesh). `shared` is one tuple for all environments that share it, indexed once. `parts` tell what it is made of,
        `missing` what belongs to it and is not in the repository, so that it may hold more than is known."""
        self.name = name
        self.kind = kind
        self.path = path
        self.resources = tuple(resources)
        self.background = tuple(background)
        self.shared = shared
        self.status = status
        self.reason = reason
        self.shared = tuple(shared)
        self.parts = tuple(parts)
        self.missing = tuple(missing)

    @property
    def near(self) -> tuple[tuple[Resource, ...], ...]:
        """The objects that count as part of the same mesh: its own, and those that these are judged beside."""
        own = (self.resources, self.background)
        return (*own, self.shared) if self.kind == "plain" else own

    @property
    def loose(self) -> bool:
        """Is it a chart that nothing in the repository applies? Who installs it, and what beside it, is not known."""
        return self.kind == "helm" and all(part.application is None for part in self.parts)

    @property
    def folders(self) -> list[str]:
        """Its own folders; "" is the root."""
        own = [self.path, *(part.source for part in self.parts if part.tool)]
        return ["" if folder == "." else folder for folder in own]

    def reach(self, path: str) -> int:
        """How near a file or folder is: the length of the longest of its own folders above it, -1 where none is."""
        return max((len(folder) for folder in self.folders if not folder or path == folder or path.startswith(folder + "/")), default=-1)

    def __repr__(self) -> str:
        return f"Environment({self.name!r}, {self.kind}, {len(self.resources)} resources)"
