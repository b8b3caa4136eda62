"""A changed file whose objects are the same by kind, name and what renderers look at: they take each other's place where they
stand, and no environment has to be found anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import kind_of
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.render.shaping import Named, is_plain

Replaced = dict[Resource, Resource]


def replaced(old: FileRead, new: FileRead, holders: Callable[[Node], Sequence[Resource]], named: Named) -> Replaced | None:
    """What takes the place of each object of the file; None where the structure may be another. `holders` gives the
    objects that environments have made of a document."""
    if not (is_plain(old, named) and is_plain(new, named)) or (old.template, old.bare) != (new.template, new.bare):
        return None
    if len(old.documents) != len(new.documents):
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


def _alike(old: Document, new: Document) -> bool:
    if (old.api_version, old.kind) != (new.api_version, new.kind) or old.head.stub != new.head.stub:
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
