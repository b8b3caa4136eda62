"""Kustomize patches, as far as names, namespaces, labels and annotations go; what they do to a spec is not followed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.draft import Draft
from meshlint.render.given import Given
from meshlint.render.target import Target, by_identity, by_selector

_POD_LABELS = (("spec", "template", "metadata", "labels"), ("spec", "jobTemplate", "spec", "template", "metadata", "labels"))
_FIELDS = {("metadata", "labels"): "labels", ("metadata", "annotations"): "annotations", **dict.fromkeys(_POD_LABELS, "pods")}
_NAMES = {("metadata", "name"): "name", ("metadata", "namespace"): "namespace"}


class Patch(NamedTuple):
    """What becomes of the objects that `target` names: taken away, or changed field by field. `others`: the fields that it
    touches besides, as it writes them; these changes are not made."""

    target: Target
    deletes: bool = False
    changes: Given = Given()
    names: Mapping[str, str] = {}
    others: tuple[str, ...] = ()

    def apply(self, drafts: Iterable[Draft]) -> tuple[Draft, ...]:
        out = []
        for draft in drafts:
            if not self.target.matches(draft):
                out.append(draft)
            elif not self.deletes:
                out.append(self._changed(draft))
        return tuple(out)

    def _changed(self, draft: Draft) -> Draft:
        draft = self.changes.on(draft)
        if self.others:
            draft = draft._replace(partial=True)
        if "name" in self.names:
            draft = draft._replace(name=self.names["name"], names=(*draft.names, draft.name))
        return draft._replace(namespace=self.names.get("namespace", draft.namespace)) if self.names else draft


def patches_of(roots: Iterable[Node], target: Node, renames: bool = False) -> Iterator[Patch]:
    """The patches that a file or text holds: strategic merges, or a list of JSON 6902 operations. `renames`: the name that a merge
    writes is the new one (options.allowNameChange)."""
    for root in roots:
        if root.is_list:
            yield _operations(root, by_selector(target))
        elif root.is_map:
            yield _merge(root, by_selector(target) if target.is_map else by_identity(root), renames and target.is_map)


def replacements_of(roots: Iterable[Node]) -> Iterator[Patch]:
    """The changes of `replacements`, none of which is followed. What a target leaves out again is taken to be changed, too."""
    for root in roots:
        for target in (target for entry in root.each() for target in entry.each("targets")):
            fields = [path.text for path in target.each("fieldPaths") if path.text]
            yield Patch(by_selector(target.get("select")), others=tuple(fields) or ("metadata.name",))


def _merge(root: Node, target: Target, renames: bool) -> Patch:
    if "delete" in (root.get("$patch").text, root.get("metadata", "$patch").text):
        return Patch(target, True)
    made = Given()
    for steps, field in _FIELDS.items():
        made.take(field, root.get(*steps))
    others = [key for key, _ in root.items() if key not in ("apiVersion", "kind", "metadata")]
    name = root.get("metadata", "name").text if renames else None
    return Patch(target, False, made, {"name": name} if name else {}, tuple(others))


def _operations(root: Node, target: Target) -> Patch:
    made = Given()
    names: dict[str, str] = {}
    others: list[str] = []
    for item in root.each():
        operation, path = item.get("op").text, item.get("path").text
        if path is None or operation not in ("add", "replace", "remove"):
            continue
        steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])
        if operation == "remove" and not any(steps):
            return Patch(target, True)
        value = item.get("value")
        if operation != "remove" and steps in _FIELDS:
            made.take(_FIELDS[steps], value)
        elif steps[:-1] in _FIELDS:
            made.set(_FIELDS[steps[:-1]], steps[-1], item.get("none") if operation == "remove" else value)
        elif steps in _NAMES and operation != "remove" and value.text:
            names[_NAMES[steps]] = value.text
        elif steps[:1] != ("metadata",):
            others.append(path or "everything")
    return Patch(target, False, made, names, tuple(others))
