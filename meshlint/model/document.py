"""What reading a file gives: its documents, and what could not be read of it."""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.model.position import Source, Span
from meshlint.model.tuples import NamedTuple


class Trouble(NamedTuple):
    """Something that reading could not do, by the name of the rule that reports it (yaml-syntax, not-analysed ...).

    `kinds`: what it seems to hold, by name; beside the name GROUP/KIND, where several groups have a kind of it and the text tells
    which. `remedy` is empty where the rule's own says it all.
    """

    rule: str
    file: str
    span: Span | None
    message: str
    kinds: tuple[str, ...] = ()
    remedy: str = ""


class Head(NamedTuple):
    """What renderers look at in every object. `name`: also a part of one that is generated; `named`: it is written as it is.
    `namespace` is None where none is written, empty where a template writes it. `stub`: a strategic-merge patch, by a `$patch` of its
    own. `directed`: with annotations that Kustomize acts upon."""

    name: str
    namespace: str | None
    named: bool
    stub: bool
    directed: bool


_DIRECTING = ("config.kubernetes.io/", "internal.config.kubernetes.io/", "kustomize.config.k8s.io/")


def head_of(root: Node) -> Head:
    metadata = root.get("metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    return Head(
        name.text or "" if name.present else metadata.get("generateName").text or "",
        None if namespace.value is None else namespace.text or "",
        bool(name.text),
        root.get("$patch").present or metadata.get("$patch").present,
        any(key.startswith(_DIRECTING) for key, _ in metadata.get("annotations").items()),
    )


class Document(NamedTuple):
    """One object or values document: a document of a file, or an item of a List.

    `api_version` and `kind` are empty where the text has none (values files, kustomization.yaml without a header).
    `inner` holds documents found inside a string of this one (the `mesh` key of the istio ConfigMap), by their path:
    their nodes stand in the outer file. `known`: its head, if it is of a kind that
    environments are made of.
    """

    root: Node
    api_version: str
    kind: str
    inner: tuple[tuple[str, Node], ...] = ()
    known: Head | None = None

    @property
    def head(self) -> Head:
        return self.known or head_of(self.root)

    @property
    def file(self) -> str:
        return self.root.file


class FileRead(NamedTuple):
    """A file that was read. `skipped` says why nothing of it could be analysed; it then counts as skipped, not as read.
    `template`: it holds expressions of a template; `bare`: also outside of texts and comments. `digest`: what its content is told by,
    empty where nobody asked."""

    path: str
    source: Source | None
    documents: tuple[Document, ...]
    troubles: tuple[Trouble, ...] = ()
    skipped: str | None = None
    skipped_kinds: tuple[str, ...] = ()
    template: bool = False
    bare: bool = False
    digest: bytes = b""
