"""Kustomize patches, as far as names, namespaces, labels and annotations go; what they do to a spec is not followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from meshlint.model.node import Node, scalar_text
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.read.errors import ReadError
from meshlint.render.draft import Draft
from meshlint.render.target import Target, by_identity, by_selector

_POD_LABELS = (("spec", "template", "metadata", "labels"), ("spec", "jobTemplate", "spec", "template", "metadata", "labels"))
_FIELDS = {("metadata", "labels"): "labels", ("metadata", "annotations"): "annotations", **dict.fromkeys(_POD_LABELS, "pods")}
_NAMES = {("metadata", "name"): "name", ("metadata", "namespace"): "namespace"}


class Patch(NamedTuple):
    """What becomes of the objects that `target` names: taken away, or changed field by field."""

    target: Target
    deletes: bool = False
    changes: Mapping[str, Mapping[str, str | None]] = {}
    names: Mapping[str, str] = {}

    def apply(self, drafts: Iterable[Draft]) -> tuple[Draft, ...]:
        out = []
        for draft in drafts:
            if not self.target.matches(draft):
                out.append(draft)
            elif not self.deletes:
                out.append(self._changed(draft))
        return tuple(out)

    def _changed(self, draft: Draft) -> Draft:
        if self.changes:
            draft = draft._replace(
                labels={**draft.labels, **self.changes.get("labels", {})},
                annotations={**draft.annotations, **self.changes.get("annotations", {})},
                pods={**draft.pods, **self.changes.get("pods", {})},
            )
        if "name" in self.names:
            draft = draft._replace(name=self.names["name"], names=(*draft.names, draft.name))
        return draft._replace(namespace=self.names.get("namespace", draft.namespace)) if self.names else draft


def texts(text: str, file: str) -> list[Node]:
    """The documents of a patch text; none where it cannot be read, which the reader of its file reports."""
    try:
        return [table.root for table in compose(text, Source(file, text))]
    except ReadError:
        return []


def patches_of(roots: Iterable[Node], target: Node) -> Iterator[Patch]:
    """The patches that a file or text holds: strategic merges, or a list of JSON 6902 operations."""
    for root in roots:
        if root.is_list:
            yield _operations(root, by_selector(target))
        elif root.is_map:
            yield _merge(root, by_selector(target) if target.is_map else by_identity(root))


def _merge(root: Node, target: Target) -> Patch:
    if "delete" in (root.get("$patch").text, root.get("metadata", "$patch").text):
        return Patch(target, True)
    changes: dict[str, dict[str, str | None]] = {}
    for steps, field in _FIELDS.items():
        if values := _values(root.get(*steps)):
            changes.setdefault(field, {}).update(values)
    return Patch(target, False, changes)


def _values(node: Node) -> dict[str, str | None]:
    return {key: scalar_text(value.value) if value else None for key, value in node.items() if not value.is_map and not value.is_list}


def _operations(root: Node, target: Target) -> Patch:
    changes: dict[str, dict[str, str | None]] = {}
    names: dict[str, str] = {}
    for item in root.each():
        operation, path = item.get("op").text, item.get("path").text
        if path is None or operation not in ("add", "replace", "remove"):
            continue
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])
        if operation == "remove" and not any(steps):
            return Patch(target, True)
        value = item.get("value")
        if operation != "remove" and steps in _FIELDS:
            changes.setdefault(_FIELDS[steps], {}).update(_values(value))
        elif steps[:-1] in _FIELDS:
            changes.setdefault(_FIELDS[steps[:-1]], {})[steps[-1]] = scalar_text(value.value) if value and operation != "remove" else None
        elif steps in _NAMES and operation != "remove" and value.text:
            names[_NAMES[steps]] = value.text
    return Patch(target, False, changes, names)
