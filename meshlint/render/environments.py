"""From files to environments: Kustomize roots, charts, applications, configured ones, and plain folders for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.document import FileRead, Trouble
from meshlint.model.resource import Environment
from meshlint.model.tuples import NamedTuple
from meshlint.render.conditional import given, held_back
from meshlint.render.conditional import troubles as unrendered
from meshlint.render.find.clusters import Cluster, clusters
from meshlint.render.find.merged import environment
from meshlint.render.find.walk import Walk
from meshlint.render.group import Group
from meshlint.render.plain import plain
from meshlint.render.recipe import Render
from meshlint.render.tree import Tree, below

_KINDS = ("configured", "kustomize", "helm", "argocd", "flux", "plain")


class Environments(NamedTuple):
    """`output`: what tools printed, read. `analysed`: the files that rendered objects come from."""

    list: tuple[Environment, ...]
    troubles: tuple[Trouble, ...]
    output: tuple[FileRead, ...] = ()
    analysed: frozenset[str] = frozenset()


def environments(
    files: Iterable[FileRead], configured: Sequence[tuple[str, Sequence[str]]] = (), root: str = "", render: Render | None = None
) -> Environments:
    """Every environment of the repository. `configured`: names with the paths (folders or files) that belong to each;
    `root`: where the repository lies, as the paths of the files begin: empty, or ../shop; environments are called by
    paths from there. `render` renders the recipes of groups; without it their static view is what is judged.

    An object stands in each environment that applies it; no object stands in none.
    """
    tree = Tree(files, root)
    walk = Walk(tree, render)
    walk.run()
    own, taken = _configured(configured, walk)
    found = [*own, *clusters([group for group in walk.groups if id(group) not in taken], tree)]
    held = {path for cluster in found for group in cluster.groups for path in group.files}
    loose = (draft for path in _outside(walk, held) for draft in tree.drafts(path))
    plain_ones, shared = plain(loose, tree)
    gave = given(walk.groups)
    left = held_back(tree, gave)
    hidden = {path: file.skipped_kinds for path, file in tree.files.items() if file.skipped is not None and path not in gave}
    made = [environment(one, shared, {**hidden, **left}) for one in found]
    ordered = _distinct([*made, *plain_ones]) or (Environment(".", "plain", tree.root, ()),)
    troubles = (*walk.kustomize.troubles(walk.rendered), *dict.fromkeys(walk.troubles), *unrendered(tree, left))
    return Environments(ordered, troubles, tuple(walk.output), frozenset(gave))


def _distinct(found: Sequence[Environment]) -> tuple[Environment, ...]:
    """In the order of their names, each name once: the later of two kinds says its kind, too."""
    taken: set[str] = set()
    for one in sorted(found, key=lambda one: (_KINDS.index(one.kind), one.name)):
        name, count = one.name, 1
        while name in taken:
            name = f"{one.name} ({one.kind}{f' {count}' if count > 1 else ''})"
            count += 1
        one.name = name
        taken.add(name)
    return tuple(sorted(found, key=lambda one: one.name))


def _outside(walk: Walk, files: set[str]) -> Iterator[str]:
    return (path for path in walk.tree.files if path not in files and not walk.making.is_patch(path))


def _configured(wanted: Sequence[tuple[str, Sequence[str]]], walk: Walk) -> tuple[list[Cluster], set[int]]:
    """The environments that the configuration names, and the groups that went into them."""
    out: list[Cluster] = []
    taken: set[int] = set()
    for name, paths in wanted:
        prefixes = [path for path in (walk.tree.inside(path) for path in paths) if path is not None]
        inside = [group for group in walk.groups if not group.gone and any(below(group.path, prefix) for prefix in prefixes)]
        files = {path for group in inside for path in group.files}
        loose = [path for path in _outside(walk, files) if any(below(path, prefix) for prefix in prefixes)]
        drafts = tuple(draft for path in loose for draft in walk.tree.drafts(path))
        path = prefixes[0] if prefixes else ""
        rest = Group("configured", name, path, drafts, frozenset(loose))
        out.append(Cluster(name, "configured", path, (*inside, rest)))
        taken |= {id(group) for group in inside}
    return out, taken
