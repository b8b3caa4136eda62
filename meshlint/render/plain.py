"""Plain folders: copies of one identity are alternatives of that object, not of the whole folder (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.resource import Environment, Resource
from meshlint.render.draft import Draft
from meshlint.render.tree import Tree, below, parent, shared_steps

Folders = tuple[str, ...]


class Copies:
    """The objects that have copies, by their identity and folder.

    Identities whose copies lie in the same folders are chosen alike: `sets` are those folders, each with its objects
    by folder.
    """

    def __init__(self, drafts: Iterable[Draft]) -> None:
        by_identity: dict[object, list[Resource]] = {}
        for draft in drafts:
            resource = draft.resource()
            by_identity.setdefault(resource.identity if draft.document.head.named else resource.root, []).append(resource)
        self.singles = tuple(found[0] for found in by_identity.values() if len(found) == 1)
        self.sets: dict[Folders, dict[str, list[Resource]]] = {}
        for found in by_identity.values():
            if len(found) > 1:
                folders = tuple(sorted({parent(resource.file) for resource in found}))
                held = self.sets.setdefault(folders, {folder: [] for folder in folders})
                for resource in found:
                    held[parent(resource.file)].append(resource)
        self.folders = sorted({folder for folders in self.sets for folder in folders})
        self._steps = {folder: (folder.split("/"), folder.split("/")[::-1]) for folder in self.folders}
        self._chosen: dict[str, Folders] = {}

    def chosen(self, folder: str) -> Folders:
        """Whose copies a folder lives with, for each of `sets`: its own, else the nearest.

        Nearest is what shares the longest upper path, then the longest lower one (a/prod and b/prod), then by name.
        """
        found = self._chosen.get(folder)
        if found is None:
            upper, lower = self._steps[folder]
            rank = {
                other: (other != folder, -shared_steps(upper, steps), -shared_steps(lower, reverse), other)
                for other, (steps, reverse) in self._steps.items()
            }
            found = self._chosen[folder] = tuple(min(folders, key=rank.__getitem__) for folders in self.sets)
        return found

    def groups(self, root: str) -> list[list[str]]:
        """Folders that live with the same copies are one environment: prod/a and prod/b beside staging/a and staging/b."""
        out: dict[Folders, list[str]] = {}
        for folder in self.folders:
            if folder != root:
                out.setdefault(self.chosen(folder), []).append(folder)
        return list(out.values())

    def of(self, folders: Iterable[str]) -> list[Resource]:
        inside = set(folders)
        return [resource for held in self.sets.values() for folder, found in held.items() if folder in inside for resource in found]

    def beside(self, group: Sequence[str]) -> list[Resource]:
        """The copies of other objects that the folders of a group live with."""
        inside = set(group)
        choices = zip(self.chosen(group[0]), self.sets.values(), strict=True)
        return [resource for folder, held in choices if folder not in inside for resource in held[folder]]


def plain(drafts: Iterable[Draft], tree: Tree) -> tuple[list[Environment], tuple[Resource, ...]]:
    """The environments of plain files, and the objects without copies, which every environment may look up.

    What has no copies is judged in the environment of the root, against every alternative of the rest; a copy in that
    of its folder, against the nearest ones. Each object is judged once.
    """
    copies = Copies(drafts)
    out = []
    here = copies.of([tree.root])
    others = copies.of(folder for folder in copies.folders if folder != tree.root)
    if copies.singles or here:
        judged = _in_order([*copies.singles, *here]) if here else copies.singles
        out.append(Environment(".", "plain", tree.root, judged, others))
    for group in copies.groups(tree.root):
        name, path = _named(group, copies.folders)
        out.append(Environment(tree.called(name), "plain", path, _in_order(copies.of(group)), copies.beside(group), shared=copies.singles))
    return out, copies.singles


def _in_order(resources: list[Resource]) -> tuple[Resource, ...]:
    return tuple(sorted(resources, key=lambda resource: (resource.file, resource.root.table.starts[resource.root.row])))


def _named(group: Sequence[str], folders: Sequence[str]) -> tuple[str, str]:
    """Name and path: the folder; of several, the one that holds them and no others, else a pattern (apps/*/prod),
    else the first, with how many there are besides."""
    if len(group) == 1:
        return group[0], group[0]
    steps = [folder.split("/") for folder in group]
    common = "/".join(steps[0][: min(shared_steps(steps[0], other) for other in steps)])
    if common and sum(below(folder, common) for folder in folders) == len(group):
        return common, common
    if len({len(one) for one in steps}) == 1:
        pattern = ["*" if len(set(parts)) > 1 else parts[0] for parts in zip(*steps, strict=True)]
        if sum(_fits(pattern, folder.split("/")) for folder in folders) == len(group):
            return "/".join(pattern), common
    return f"{group[0]} (+{len(group) - 1})", common


def _fits(pattern: Sequence[str], steps: Sequence[str]) -> bool:
    return len(pattern) == len(steps) and all(wanted in ("*", step) for wanted, step in zip(pattern, steps, strict=True))
