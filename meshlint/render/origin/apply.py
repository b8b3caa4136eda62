"""One rendered object and what was done to make it: each step claims the values that it set."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.document import Document
from meshlint.model.kind import Kind, kind_of
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.render.draft import Draft
from meshlint.render.origin.changes import Change, Sources
from meshlint.render.origin.made import line_node
from meshlint.render.origin.match import Claims, alike, named, same, scalars
from meshlint.render.target import Target
from meshlint.render.tree import base, parent, resolve

_LABELS = ("labels", "matchLabels", "selector")
_MOST = 300


class Applied:
    """`made` is the rendered object, `written` what it was in its file."""

    def __init__(self, made: Node, written: Node, claims: Claims) -> None:
        self._made = made
        self._written = written
        self._claims = claims
        self._drafts: list[Draft] | None = None

    def change(self, change: Change) -> None:
        if change.target is not None:
            if self._matches(change.target):
                self._patch(change)
        elif change.key in ("namePrefix", "nameSuffix"):
            self._near(self._made.get("metadata", "name"), change.node)
        elif change.key in ("commonLabels", "labels"):
            for pairs in (change.node,) if change.node.is_map else [item.get("pairs") for item in change.node.each()]:
                self._pairs(pairs, _LABELS)
        elif change.key in ("annotations", "commonAnnotations"):
            self._pairs(change.node, ("annotations",))
        elif change.key == "namespace":
            self._namespace(change.node)
        else:
            self._others(change)

    def _patch(self, change: Change) -> None:
        if change.key == "merge":
            self._merge(change.node)
            return
        for operation in change.node.each():
            if operation.get("op").text in ("add", "replace"):
                self._operation(operation)

    def _merge(self, patch: Node) -> None:
        """What says which object is meant sets nothing."""
        metadata = self._made.get("metadata")
        pairs = [(self._made.get(key), value) for key, value in patch.items() if key not in ("apiVersion", "kind", "metadata")]
        pairs += [(metadata.get(key), value) for key, value in patch.get("metadata").items() if key not in ("name", "namespace")]
        for made, value in pairs:
            if made.present:
                self._claims.take(made, value)

    def _matches(self, target: Target) -> bool:
        """A patch may name the object as it was at any time; what it did not set, it cannot claim."""
        if self._drafts is None:
            names = tuple(filter(None, (root.get("metadata", "name").text for root in (self._written, self._made))))
            self._drafts = [draft for root in (self._written, self._made) if (draft := _draft(root, names)) is not None]
        return any(target.matches(draft) for draft in self._drafts) or not self._drafts

    def _operation(self, operation: Node) -> None:
        steps = [step.replace("~1", "/").replace("~0", "~") for step in (operation.get("path").text or "").split("/")[1:]]
        value = operation.get("value")
        if value.present and steps:
            found = next(self._at(self._made, steps, value), None) or _straight(self._made, steps) or _changed(self._made, steps, value)
            if found is not None:
                self._claims.take(found, value)

    def _at(self, node: Node, steps: list[str], value: Node) -> Iterator[Node]:
        """Where an operation's value stands now: items of lists may have moved."""
        if not steps:
            if same(node, value):
                yield node
            return
        step, rest = steps[0], steps[1:]
        if not node.is_list:
            if (below := node.get(step)).present:
                yield from self._at(below, rest, value)
            return
        items = list(node.each())[:_MOST]
        first = int(step) if step.isdigit() and int(step) < len(items) else len(items) - 1
        for item in [*items[first : first + 1], *items[:first], *items[first + 1 :]]:
            yield from self._at(item, rest, value)

    def _near(self, made: Node, source: Node) -> None:
        """What is composed of several things stands at the nearest: the object's own name before what is put around it."""
        if made.present and made.row not in self._claims.near and made.row not in self._claims.exact:
            self._claims.near[made.row] = source

    def _pairs(self, pairs: Node, parents: tuple[str, ...]) -> None:
        for node in scalars(self._made):
            above = node.parent
            if above is not None and node.path and above.path and above.path[-1] in parents:
                value = pairs.get(node.path[-1])
                if value.present and alike(node, value):
                    self._claims.exact[node.row] = value

    def _namespace(self, source: Node) -> None:
        renamed = self._made.get("kind").text == "Namespace"
        for node in scalars(self._made):
            steps = node.path
            if alike(node, source) and steps and (steps[-1] == "namespace" or (renamed and steps == ("metadata", "name"))):
                self._claims.exact[node.row] = source

    def _others(self, change: Change) -> None:
        for entry in change.node.each():
            if change.key == "replicas":
                count = self._made.get("spec", "replicas")
                if count.present and alike(count, entry.get("count")) and self._called(entry.get("name").text):
                    self._claims.exact[count.row] = entry.get("count")
            elif change.key == "images":
                self._image(entry)
            elif change.key == "replacements":
                for field in entry.each("targets", "fieldPaths"):
                    self._replaced(field)

    def _called(self, name: str | None) -> bool:
        return any(name == root.get("metadata", "name").text for root in (self._written, self._made))

    def _image(self, entry: Node) -> None:
        """Name and tag of an image are put together; the entry is where a person changes it."""
        text = entry.text
        new = entry.get("newTag") or entry.get("digest") or entry.get("newName") or entry
        name = text.partition("=")[2] if text else entry.get("newName").text or entry.get("name").text or " "
        for node in scalars(self._made):
            if node.path[-1:] == ("image",) and node.text and (name or " ") in node.text and node.row not in self._claims.exact:
                self._claims.near[node.row] = new

    def _replaced(self, field: Node) -> None:
        last = (field.text or "").rpartition(".")[2]
        for node in scalars(self._made):
            if node.path and str(node.path[-1]) == last and node.row not in self._claims.exact:
                self._claims.near[node.row] = field

    def generate(self, entry: Node, sources: Sources, file: str) -> None:
        """The data of a generated object: its literals and files."""
        self._claims.near[self._made.row] = entry
        name = self._made.get("metadata", "name")
        if name.present and entry.get("name").present:
            self._claims.take(name, entry.get("name"))
        namespace = self._made.get("metadata", "namespace")
        if namespace.present and entry.get("namespace").present:
            self._claims.take(namespace, entry.get("namespace"))
        data = self._made.get("data")
        for literal in entry.each("literals"):
            key, _, value = (literal.text or "").partition("=")
            if (node := data.get(key)).present and node.text == value.strip("\"'"):
                self._claims.exact[node.row] = literal
        for item in entry.each("files"):
            key, sign, path = (item.text or "").partition("=")
            node = data.get(key if sign else base(item.text or ""))
            real = resolve(parent(file), path if sign else item.text or "")
            text = sources.text(real) if real is not None else None
            if node.present and real is not None and text is not None:
                self._claims.exact[node.row] = line_node(Source(real, text), 0, len(text), text)
        self._pairs(entry.get("options", "labels"), ("labels",))


def _straight(node: Node, steps: list[str]) -> Node | None:
    """Where an operation's path leads, whatever came there later."""
    for step in steps:
        node = node.get(int(step) if node.is_list and step.isdigit() else step)
    return node if node.present else None


def _changed(node: Node, steps: list[str], value: Node) -> Node | None:
    """An item that an operation added to a list, and that was changed later."""
    held = _straight(node, steps[:-1])
    items = list(held.each())[:_MOST] if held is not None and held.is_list else []
    at = named([value], items, 0, set()) if items else None
    return items[at] if at is not None else None


def _draft(root: Node, names: tuple[str, ...]) -> Draft | None:
    api_version, written = root.get("apiVersion").text or "", root.get("kind").text or ""
    kind = kind_of(api_version, written) or (Kind.CONFIG_MAP if written else None)
    if kind is None:
        return None
    metadata = root.get("metadata")
    document = Document(root, api_version, written)
    return Draft(document, kind, metadata.get("name").text or "", metadata.get("namespace").text, names=names)

