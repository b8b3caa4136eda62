"""A conversion as edits: the objects that take the place of one stand where it stood."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Union

from meshlint.edit.changes import Changes
from meshlint.edit.lately import Lately
from meshlint.model.conversion import Converted, Document, Manner, Outcome
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.problem import Fix

if TYPE_CHECKING:
    from meshlint.model.mesh import Mesh
    from meshlint.model.resource import Resource

_lately = Lately[Union[Fix, None]](64)
"""Several rules propose the same for one object, one after the other."""


def fix_for(resources: Sequence[Resource], mesh: Mesh, manner: Manner | None = None, unused: Sequence[Node] = ()) -> Fix | None:
    """The fix that replaces VirtualServices (or Istio Gateways) by their counterparts in the Gateway API. `unused`: subsets that
    nobody uses once all of them are replaced. None: one of them or a part of it stays, a Gateway would get another address, or a
    file cannot hold the result."""
    found = [mesh.convert(resource, manner) for resource in resources]
    return _lately.of((tuple(map(id, found)), tuple(unused)), found, lambda: _fix_of(found, unused))


def _fix_of(found: Sequence[Converted], unused: Sequence[Node]) -> Fix | None:
    if not found or not all(one.whole for one in found) or any(one.notes for one in found if one.resource.kind is Kind.GATEWAY):
        return None
    changes, _ = together(found, unused)
    return changes.fix(title(found[0]))


def together(found: Sequence[Converted], unused: Sequence[Node] = ()) -> tuple[Changes, list[tuple[Converted, str]]]:
    """Several conversions as one set of changes, what two of them need written once (but once for each copy of one object, which are
    alternatives); and those whose file cannot hold them, with the reason (which also refuse the changes, where nothing is left)."""
    changes, left = Changes(), list[tuple[Converted, str]]()
    made: list[tuple[Document, Resource]] = []
    for one in map(as_written, found):
        fresh = one._replace(documents=tuple(document for document in one.documents if not _is_there(document, one.resource, made)))
        tried = replaced(fresh, Changes())
        if len(found) == 1 and not unused:
            return tried, [] if tried.refused is None else [(one, tried.refused)]
        if tried.refused is not None:
            left.append((one, tried.refused))
            continue
        replaced(fresh._replace(unused=()), changes)
        made += [(document, one.resource) for document in fresh.documents]
        unused = (*unused, *one.unused)
    alone = {node for one in found for node in one.alone}
    for group in _by_list(tuple(dict.fromkeys(unused))):
        _without(group, alone, changes)
    if len(left) == len(found):
        changes.refused = left[0][1]
    return changes, left


def _is_there(document: Document, resource: Resource, made: Sequence[tuple[Document, Resource]]) -> bool:
    """Is what an object needs besides its routes written for another one?"""
    helps = document["kind"] in _HELPERS
    return helps and any(other == document and maker.identity != resource.identity for other, maker in made)


def as_written(found: Converted) -> Converted:
    """The objects as they are to stand in the file: without what Kustomize or the folder gives to the old one, too (a namespace,
    labels, annotations)."""
    own, written = found.resource.namespace, found.written.get("metadata", "namespace").text
    given = {field: _given(found, field) for field in ("labels", "annotations")}
    if (not own or written == own) and not any(given.values()):
        return found
    return found._replace(documents=tuple(_taken(_moved(document, own, written), given) for document in found.documents))


def _given(found: Converted, field: str) -> Collection[str]:
    """The keys of the old object that are not in its file."""
    resource = found.resource
    known = resource.labels if field == "labels" else resource.annotations
    held = {*known, *(key for key, _ in resource.root.get("metadata", field).items())}
    return held - {key for key, _ in found.written.get("metadata", field).items()}


def _taken(document: Document, given: Mapping[str, Collection[str]]) -> Document:
    metadata = dict(document["metadata"])
    for field, keys in given.items():
        if field in metadata:
            metadata[field] = {key: value for key, value in metadata[field].items() if key not in keys}
            if not metadata[field]:
                del metadata[field]
    return {**document, "metadata": metadata}


def _moved(document: Document, own: str, written: str | None) -> Document:
    metadata = dict(document["metadata"])
    if own and metadata.get("namespace") == own:
        metadata.pop("namespace")
        if written is not None:
            metadata["namespace"] = written
    return {**document, "metadata": metadata}


def title(found: Converted) -> str:
    kinds = list(dict.fromkeys(str(document["kind"]) for document in found.documents if document["kind"] not in _HELPERS))
    return f"Replace {found.resource.title} by {' and '.join(kinds) or 'its counterpart'}"


_HELPERS = ("Service", "DestinationRule", "ReferenceGrant")


def replaced(found: Converted, changes: Changes) -> Changes:
    """Write the objects in the place of the old one, and take away the subsets that nothing uses then."""
    root = found.resource.root
    if found.written.get("metadata", "name").text != found.resource.name:
        changes.refused = "Kustomize changes its name"
        return changes
    documents: list[Document] = sorted(found.documents, key=lambda document: document["kind"] in _HELPERS)
    if found.outcome is Outcome.SPLIT and found.remainder is not None:
        changes.set(root.get("spec"), found.remainder["spec"])
    else:
        first, *documents = documents
        _instead(found.resource, first, changes)
    for document in documents:
        changes.add_document(root, dict(document))
    for group in _by_list(found.unused):
        _without(group, found.alone, changes)
    return changes


def _instead(resource: Resource, document: Document, changes: Changes) -> None:
    """One object as another: kind, name and spec; what else its metadata says stays."""
    root = resource.root
    for key in ("apiVersion", "kind"):
        changes.set(root.get(key), document[key])
    for key, value in document["metadata"].items():
        if isinstance(value, str):
            changes.set_key(root, ("metadata", key), value)
    changes.set(root.get("spec"), document["spec"])


def _by_list(unused: Sequence[Node]) -> list[list[Node]]:
    """The subsets by the list that they stand in."""
    out: dict[Node | None, list[Node]] = {}
    for node in unused:
        out.setdefault(node.parent, []).append(node)
    return list(out.values())


def _without(group: Sequence[Node], alone: Collection[Node], changes: Changes) -> None:
    """Take subsets away; all of them with their list, and with a DestinationRule that says nothing else."""
    held = group[0].parent
    if held is not None and len(list(held.each())) == len(group):
        root = held.parent.parent if held in alone and held.parent is not None else None
        if root is None:
            changes.remove(held)
        else:
            changes.remove_document(root)
        return
    for node in group:
        changes.remove(node)
