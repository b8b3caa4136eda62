"""Kustomizations that are followed exactly: kustomize would give the same objects, so that no tool is needed for them.

What the static view does as kustomize does it: resources and bases, namespace, labels that stay out of selectors and templates,
and annotations where nothing has a pod template. Anything else, and anything unusual about a file, is left to the tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.document import Document, FileRead
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.render.draft import Draft
from meshlint.render.level import FILE_NAMES, Level
from meshlint.render.tree import Tree, base, joined

_KEYS = frozenset(("apiVersion", "kind", "metadata", "resources", "bases", "namespace", "labels", "commonAnnotations", "buildMetadata"))
_LISTS = ("resources", "bases", "labels", "buildMetadata")
_LABELS = frozenset(("pairs", "includeSelectors", "includeTemplates"))
_ANNOTATIONS = ("originAnnotations", "transformerAnnotations")  # which rendering takes out again
_VERSIONS = ("", "kustomize.config.k8s.io/v1beta1")
_WITH_PODS = frozenset((
    Kind.DEPLOYMENT, Kind.STATEFUL_SET, Kind.DAEMON_SET, Kind.REPLICA_SET, Kind.REPLICATION_CONTROLLER, Kind.JOB, Kind.CRON_JOB, Kind.POD,
))  # fmt: skip
READ_IN_FULL = ("istio.io", "gateway.networking.k8s.io")  # groups whose objects rules judge by their whole spec


def plain_level(level: Level, tree: Tree) -> bool:
    """Does a kustomization ask for nothing but what is followed?"""
    file, root = tree.files[level.file], level.root
    if len(file.documents) != 1 or file.troubles or file.template or level.component or level.document.api_version not in _VERSIONS:
        return False
    if not _KEYS.issuperset(key for key, _ in root.items()) or sum(joined(level.folder, name) in tree.files for name in FILE_NAMES) != 1:
        return False
    uses = [use.text for use in level.uses()]
    namespace = root.get("namespace")
    return (
        all(root.get(key).is_list or not root.get(key).present for key in _LISTS)
        and bool(uses)
        and all(use and base(use) not in FILE_NAMES for use in uses)
        and (namespace.text is not None or not namespace.present)
        and all(_plain_labels(item) for item in root.each("labels"))
        and _texts(root.get("commonAnnotations"))
        and all(item.text in _ANNOTATIONS for item in root.each("buildMetadata"))
    )


def _plain_labels(item: Node) -> bool:
    off = (item.get("includeSelectors"), item.get("includeTemplates"))
    return _LABELS.issuperset(key for key, _ in item.items()) and _texts(item.get("pairs")) and all(not one for one in off)


def _texts(pairs: Node) -> bool:
    return all(value.text is not None for _, value in pairs.items()) and (pairs.is_map or not pairs.present)


def plain_file(file: FileRead) -> bool:
    """Does kustomize take over the objects of a file as they are written?"""
    if file.source is None or file.skipped is not None or file.troubles or file.bare:
        return False
    return all(document.kind and document.api_version and document.root.row == 0 and not _switched(document) for document in file.documents)


def _switched(document: Document) -> bool:
    """Is there a switch of YAML 1.1 (yes, off), which is a text to Kustomize?"""
    if not document.api_version.partition("/")[0].endswith(READ_IN_FULL):
        return False
    table = document.root.table
    switches = (row for row, value in enumerate(table.values) if value is True or value is False)
    return any(table.source.text[table.starts[row] : table.ends[row]].lower() not in ("true", "false") for row in switches)


def taken_over(drafts: Iterable[Draft]) -> bool:
    """Are they objects with a name that is written, with which kustomize does nothing of its own?"""
    heads = (draft.document.head for draft in drafts)
    return all(head.named and not head.directed for head in heads)


def followed(root: Node, drafts: Sequence[Draft], out: Sequence[Draft]) -> bool:
    """May these objects be moved to another namespace and annotated as a kustomization says, and has each a name of its own then?"""
    annotated, moved = bool(root.get("commonAnnotations")), bool(root.get("namespace"))
    return _distinct(out) and not any((moved and _names_a_service(one)) or (annotated and one.kind in _WITH_PODS) for one in drafts)


def _distinct(drafts: Sequence[Draft]) -> bool:
    """Kustomize refuses what comes twice."""
    names = {(draft.kind, draft.namespace or "default", draft.name) for draft in drafts}
    return len(names) == len(drafts)


def _names_a_service(draft: Draft) -> bool:
    """The webhook that converts the objects of a CRD: the namespace of its Service changes, too."""
    return draft.kind is Kind.CRD and draft.document.root.get("spec", "conversion").present


def literal(drafts: Iterable[Draft]) -> tuple[Draft, ...]:
    """What is followed exactly is whole, though it holds texts that look like those of a template."""
    return tuple(draft._replace(partial=False) if draft.partial else draft for draft in drafts)


def plain_overlay(overlay: Sequence[tuple[str, Node]], drafts: Sequence[Draft], out: Sequence[Draft]) -> bool:
    """Does an application add nothing but what is followed? `out`: the objects with it."""
    fields = dict(overlay)
    if len(fields) != len(overlay) or not fields.keys() <= {"namespace", "labels", "annotations"}:
        return False
    given, moved = [fields[key] for key in ("labels", "annotations") if key in fields], "namespace" in fields
    pods = "annotations" in fields and any(one.kind is Kind.POD for one in drafts)
    return all(map(_texts, given)) and _distinct(out) and not pods and not (moved and any(map(_names_a_service, drafts)))
