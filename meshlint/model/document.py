"""What reading a file gives: its documents, and what could not be read of it."""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.model.position import Source, Span
from meshlint.model.tuples import NamedTuple


class Trouble(NamedTuple):
    """Something that reading could not do, by the name of the rule that reports it (yaml-syntax, not-analysed ...).

    `remedy` is empty where the rule's own says it all.
    """

    rule: str
    file: str
    span: Span | None
    message: str
    kinds: tuple[str, ...] = ()
    remedy: str = ""


class Document(NamedTuple):
    """One object or values document: a document of a file, or an item of a List.

    `api_version` and `kind` are empty where the text has none (values files, kustomization.yaml without a header).
    `inner` holds documents found inside a string of this one (the `mesh` key of the istio ConfigMap), by their path:
    their nodes stand in the outer file.
    """

    root: Node
    api_version: str
    kind: str
    inner: tuple[tuple[str, Node], ...] = ()

    @property
    def file(self) -> str:
        return self.root.file


class FileRead(NamedTuple):
    """A file that was read. `skipped` says why nothing of it could be analysed; it then counts as skipped, not as read."""

    path: str
    source: Source | None
    documents: tuple[Document, ...]
    troubles: tuple[Trouble, ...] = ()
    skipped: str | None = None
    skipped_kinds: tuple[str, ...] = ()
    template: bool = False
