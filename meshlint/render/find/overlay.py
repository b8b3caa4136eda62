"""What an application adds to what it applies, followed statically: namespace, names, labels, patches of these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.read.inner import documents_in
from meshlint.render.draft import Draft
from meshlint.render.given import Given
from meshlint.render.patches import Patch, patches_of

_KEEP_NAME = (Kind.NAMESPACE, Kind.CRD)
_PATCHES = ("patches", "patchesJson6902")


def overlaid(drafts: Iterable[Draft], overlay: Sequence[tuple[str, Node]], namespace: str) -> tuple[Draft, ...]:
    """`namespace`: that of objects which say none."""
    out = tuple(drafts)
    for field, node in overlay:
        for patch in _patches(field, node):
            out = patch.apply(out)
    texts = {field: node.text or "" for field, node in overlay}
    given = _given(overlay)
    prefix, suffix, forced = texts.get("namePrefix", ""), texts.get("nameSuffix", ""), texts.get("namespace", "")
    return tuple(given.on(_renamed(_placed(draft, namespace, forced), prefix, suffix)) for draft in out)


def _patches(field: str, node: Node) -> Iterator[Patch]:
    nothing = node.get("none")
    if field == "patchesStrategicMerge":
        yield from patches_of([item for item in node.each() if item.is_map], nothing)
    elif field in _PATCHES:
        for item in node.each():
            inline = item.get("patch")
            roots = documents_in(inline) if inline.text else [inline] if inline.is_list else []
            yield from patches_of(roots, item.get("target"))


def _placed(draft: Draft, namespace: str, forced: str) -> Draft:
    if draft.kind is Kind.NAMESPACE:
        return draft._replace(name=forced, names=(*draft.names, draft.name)) if forced else draft
    if draft.kind.cluster_scoped:
        return draft
    if forced:
        return draft._replace(namespace=forced)
    return draft._replace(namespace=namespace) if namespace and draft.namespace is None else draft


def _renamed(draft: Draft, prefix: str, suffix: str) -> Draft:
    if not (prefix or suffix) or not draft.name or draft.kind in _KEEP_NAME:
        return draft
    return draft._replace(name=f"{prefix}{draft.name}{suffix}", names=(*draft.names, draft.name))


def _given(overlay: Sequence[tuple[str, Node]]) -> Given:
    given = Given()
    for field, node in overlay:
        if field in ("labels", "commonLabels"):
            given.take("labels", node)
        if field == "commonLabels":
            given.take("pods", node)
        if field in ("annotations", "commonAnnotations"):
            given.take("annotations", node)
    return given
