"""Tables to documents: objects by apiVersion and kind, and the items of Lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from meshlint.model.document import Document, Trouble, head_of
from meshlint.model.kind import RETIRED_KINDS, Kind, kind_of
from meshlint.model.node import UNKNOWN, Node, Table

_OURS: Final = (".istio.io", "gateway.networking.k8s.io", "gateway.networking.x-k8s.io")
_GROUPS: Final = {  # the groups that know a kind, of kinds that we check
    name: sorted(kind.group for kind in Kind if kind.kind == name and kind not in RETIRED_KINDS)
    for name in {kind.kind for kind in set(Kind) - {*RETIRED_KINDS} if kind.group.endswith(_OURS) and kind.group != "install.istio.io"}
}


def documents_of(table: Table) -> Iterator[Document]:
    """The object, or the objects of a List, that a table holds; nothing for a list or a scalar."""
    hide_encrypted(table)
    waiting = [(table.root, "", "")]
    while waiting:
        node, api_version, kind = waiting.pop()
        if not node.is_map:
            continue
        api_version = node.get("apiVersion").text or api_version
        kind = node.get("kind").text or kind
        items = node.get("items")
        if kind.endswith("List") and items.is_list:
            typed = (api_version, kind[: -len("List")]) if kind != "List" else ("", "")
            waiting += [(item, *typed) for item in reversed(list(items.each()))]
        else:
            yield document_at(node, api_version, kind)


def document_at(node: Node, api_version: str, kind: str) -> Document:
    """An object; its head is read where environments are made of its kind."""
    return Document(node, api_version, kind, (), None if kind_of(api_version, kind) is None else head_of(node))


def hide_encrypted(table: Table) -> None:
    """The values that SOPS encrypted are not known."""
    root = table.values[0]
    if not isinstance(root, dict) or (root.get("sops") is None and root.get("sopsMetadata") is None):
        return
    if not (table.root.get("sops", "mac").present or table.root.get("sopsMetadata").present):
        return
    for row, value in enumerate(table.values):
        if isinstance(value, str) and value.startswith("ENC["):
            table.values[row] = UNKNOWN


def without_version(document: Document) -> Trouble | None:
    """An object of a kind we check that does not say of which API it is."""
    groups = _GROUPS.get(document.kind)
    root = document.root
    if document.api_version or groups is None or root.get("apiVersion").present:
        return None
    if not (root.get("spec").is_map or root.get("metadata").is_map):
        return None
    message = f"no apiVersion: no client applies this {document.kind}, and it was not analysed"
    remedy = f"Write the apiVersion: {' or '.join(f'{group}/VERSION' for group in groups)}."
    return Trouble("not-analysed", document.file, root.get("kind").span, message, (document.kind,), remedy)
