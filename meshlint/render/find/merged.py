"""From the groups of a cluster to its environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshlint.model.kind import Kind
from meshlint.model.resource import Environment, Part, Resource
from meshlint.render.draft import Draft
from meshlint.render.find.clusters import Cluster
from meshlint.render.group import Group

_SAID = 3


def environment(cluster: Cluster, shared: tuple[Resource, ...], hidden: Mapping[str, tuple[str, ...]]) -> Environment:
    """All objects of the cluster, each once, though several of its sources bring it. `hidden`: files that are not analysed,
    with the kinds that they seem to hold."""
    groups = cluster.groups
    drafts = {(draft.document.root, draft.name, draft.namespace): draft for draft in _without_made(groups)}
    missing = dict.fromkeys(one.what for group in groups for one in group.missing)
    resources = [draft.resource() for draft in drafts.values()]
    status, reason = _status(groups), _reason(groups)
    parts = [*_parts(groups, hidden)]
    return Environment(cluster.name, cluster.kind, cluster.path, resources, (), shared, status, reason, parts, [*missing])


def _without_made(groups: Sequence[Group]) -> Iterator[Draft]:
    """A namespace that Argo CD makes stands back behind one that is written."""
    written = {draft.name for group in groups if group.tool != "namespace" for draft in group.drafts if draft.kind is Kind.NAMESPACE}
    for group in (group for group in groups if not group.again):
        yield from (draft for draft in group.drafts if group.tool != "namespace" or draft.name not in written)


def _status(groups: Iterable[Group]) -> str:
    """The worst of what there was to render."""
    found = {group.status for group in groups if group.recipes}
    if found == {"followed"}:
        return "followed"
    return "failed" if "failed" in found else "rendered" if found and found <= {"rendered", "followed"} else "static"


def _reason(groups: Iterable[Group]) -> str | None:
    said = list(dict.fromkeys(text for group in groups for text in _reasons(group)))
    more = f" (and {len(said) - _SAID} more)" if len(said) > _SAID else ""
    return "; ".join(said[:_SAID]) + more if said else None


def _reasons(group: Group) -> Iterator[str]:
    """What is said of a group, and of what it misses whatever is not said yet."""
    if group.reason:
        yield group.reason
    yield from (one.what for one in group.missing if one.what not in (group.reason or ""))


def _parts(groups: Iterable[Group], hidden: Mapping[str, tuple[str, ...]]) -> Iterator[Part]:
    for group in groups:
        if group.tool != "namespace" and group.kind != "configured":
            applied = group.applied
            by, name, at = (applied.by, applied.name, applied.at) if applied is not None else ("", None, None)
            source = applied.said if applied is not None and group.gone else group.path or "."
            status, reason = "missing" if group.gone else group.status, "; ".join(_reasons(group)) or None
            templates = tuple((path, hidden[path]) for path in sorted(group.files) if path in hidden)
            yield Part(name, by, at, source, group.tool, len(group.drafts), status, reason, templates)
