"""What lands on one cluster: groups put together, as far as they are not alternatives of one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.kind import Kind
from meshlint.model.tuples import NamedTuple
from meshlint.render.find.application import HERE
from meshlint.render.find.applications import ARGO
from meshlint.render.group import Group
from meshlint.render.tree import Tree, below

_REPEATED = frozenset({Kind.NAMESPACE, Kind.CRD})  # several applications may bring the same one
Key = tuple[str, ...]


class Cluster(NamedTuple):
    """Groups that are linted together, with the name, kind and path of their environment."""

    name: str
    kind: str
    path: str
    groups: tuple[Group, ...]


class _Unit(NamedTuple):
    """The groups of one application, or one that none applies."""

    key: Key
    root: str
    groups: tuple[Group, ...]

    @property
    def identities(self) -> set[object]:
        drafts = (draft for group in self.groups for draft in group.drafts)
        return {(draft.kind, draft.namespace or "", draft.name) for draft in drafts if draft.name and draft.kind not in _REPEATED}


def clusters(groups: Iterable[Group], tree: Tree) -> list[Cluster]:
    """Each group in one cluster. What has no destination that is known stays alone."""
    by_key: dict[Key, list[_Unit]] = {}
    for unit in _units(groups):
        by_key.setdefault(unit.key, []).append(unit)
    parts = [part for units in by_key.values() for part in _parted(units)]
    return _named([_made(units, tree) for units in _merged(parts)])


def _units(groups: Iterable[Group]) -> Iterator[_Unit]:
    found: dict[Key, list[Group]] = {}
    for number, group in enumerate(groups):
        own: Key = ("own", str(number)) if group.applied is None else ("application", str(group.applied.number))
        found.setdefault(own, []).append(group)
    for own, held in found.items():
        key = _key(held[0], own)
        if key == own and held[0].applied is not None and all(group.gone for group in held):
            key = ("gone", held[0].root)
        yield _Unit(key, held[0].root, tuple(held))


def _key(group: Group, own: Key) -> Key:
    """Groups of one key land on one cluster. Where applications of Argo CD stand, they go to the cluster that it runs in;
    those of Flux are kept apart by the folder where their tree begins."""
    applied = group.applied
    if applied is None:
        if any(draft.kind in ARGO for draft in group.drafts):
            return ("argocd", HERE)
        return ("root", group.root) if group.tool == "kustomize" else own
    if applied.cluster is None:
        return own
    if applied.way == "argocd":
        return ("argocd", applied.cluster)
    if applied.way == "helmfile":
        return ("helmfile", applied.at.file, applied.cluster)
    return ("root", group.root) if applied.cluster == HERE else ("flux", group.root, applied.cluster)


def _parted(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """All together; where some bring the same object, by the folder where their way began, no deeper than tells them apart; where
    they still do, those apart."""
    waiting = [[*units]]
    while waiting:
        held = waiting.pop()
        apart = _alternatives(held)
        folders = _by_folder(held) if apart else {}
        if len(folders) > 1:
            waiting += reversed(folders.values())
            continue
        together = [unit for number, unit in enumerate(held) if number not in apart]
        yield from ([unit] for number, unit in enumerate(held) if number in apart)
        if together:
            yield together


def _by_folder(units: Sequence[_Unit]) -> dict[str, list[_Unit]]:
    """By the first step in which the folders where they begin differ; those in the folder of all of them by themselves."""
    top = _common([unit.root for unit in units])
    found: dict[str, list[_Unit]] = {}
    for unit in units:
        found.setdefault(unit.root[len(top) :].lstrip("/").partition("/")[0], []).append(unit)
    return found


def _alternatives(units: Sequence[_Unit]) -> set[int]:
    """The numbers of those that hold an object which another one holds, too."""
    first: dict[object, int] = {}
    out: set[int] = set()
    for number, unit in enumerate(units):
        for identity in unit.identities:
            other = first.setdefault(identity, number)
            if other != number:
                out |= {number, other}
    return out


def _merged(parts: Iterable[list[_Unit]]) -> Iterator[list[list[Group]]]:
    """Clusters that get the very same are one: first the groups that are judged, then those of the others."""
    seen: dict[tuple[object, ...], list[list[Group]]] = {}
    for number, units in enumerate(parts):
        groups = [group for unit in units for group in unit.groups]
        like: tuple[object, ...] = tuple(group.like for group in groups)
        if not all(like) or not any(group.drafts for group in groups):
            like = (number,)
        seen.setdefault(like, []).append(groups)
    yield from seen.values()


def _made(alike: Sequence[Sequence[Group]], tree: Tree) -> Cluster:
    first = alike[0]
    others = tuple(group._replace(again=True) for groups in alike[1:] for group in groups)
    named = [group for group in first if group.applied is None or group.applied.by != "kustomize"] or [*first]
    held = [group for group in named if group.drafts] or [group for group in named if not group.gone] or named
    if len({group.name for group in held}) == 1 and held[0].path:
        return Cluster(held[0].name, held[0].kind, min(group.path for group in held), (*first, *others))
    name, path = _called(first, tree)
    return Cluster(name, _kind(first), path, (*first, *others))


def _kind(groups: Sequence[Group]) -> str:
    ways = [group.applied.way for group in groups if group.applied is not None and group.applied.way != "kustomize"]
    return "argocd" if "argocd" in ways else "flux" if {"flux", "release"} & {*ways} else "helm" if ways else groups[0].kind


def _called(groups: Sequence[Group], tree: Tree) -> tuple[str, str]:
    """Another cluster by its name or address; else the folder where all of it begins."""
    named = {group.applied.cluster for group in groups if group.applied is not None and group.applied.cluster}
    root = _common([group.root for group in groups])
    root = root if below(root, tree.root) else tree.root
    folder = root if root in tree.folders else root.rpartition(" (")[0]
    if len(named) == 1:
        name = named.pop()
        return name.partition("://")[2].strip("/") or name, folder
    return ("in-cluster" if root == tree.root and _kind(groups) == "argocd" else tree.called(root)), folder


def _common(folders: Sequence[str]) -> str:
    steps = folders[0].split("/")
    for folder in folders[1:]:
        others = folder.split("/")
        same = [number for number, (one, other) in enumerate(zip(steps, others, strict=False)) if one != other]
        steps = steps[: same[0] if same else min(len(steps), len(others))]
    return "/".join(steps)


def _named(found: Sequence[Cluster]) -> list[Cluster]:
    """Where several have one name, with that of their cluster or application."""
    count = Counter(one.name for one in found)
    out = [one._replace(name=f"{one.name} ({other})") if count[one.name] > 1 and (other := _other(one)) else one for one in found]
    count = Counter(one.name for one in out)
    return [one._replace(name=f"{one.name} {other}") if count[one.name] > 1 and (other := _application(one)) else one for one in out]


def _other(one: Cluster) -> str:
    applied = [group.applied for group in one.groups if group.applied is not None and group.drafts and not group.again]
    return (applied[0].cluster or applied[0].name) if applied else _application(one)


def _application(one: Cluster) -> str:
    """The first application that its name does not tell yet."""
    names = (group.applied.name for group in one.groups if group.applied is not None)
    return next((name for name in names if f"({name})" not in one.name), "")
