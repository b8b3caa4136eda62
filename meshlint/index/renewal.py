"""A repository whose objects may be replaced by others of the same identity: what an editor changes while somebody types.

Indexes that cannot have seen the replaced objects stay; the others are made anew when they are asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from meshlint.index.repository import Repository
from meshlint.index.store import Part, SubsetUse, part_of
from meshlint.model.document import FileRead
from meshlint.model.kind import Kind
from meshlint.model.mesh import Settings
from meshlint.model.node import Node
from meshlint.model.resource import Environment, Resource
from meshlint.model.target import Target

_Tuple = tuple[Resource, ...]
_OFTEN = 50  # changes, after which what belongs to objects that are gone is let go of
_MAKES_USE = frozenset({Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE})


class Renewable(Repository):
    """`earlier`: the repository before the structure changed; what it knows of the same objects is taken over."""

    def __init__(
        self,
        environments: Sequence[Environment],
        files: Sequence[FileRead],
        targets: Sequence[Target],
        settings: Settings,
        output: Sequence[FileRead] = (),
        earlier: Renewable | None = None,
    ) -> None:
        super().__init__(environments, files, targets, settings, output)
        self._use_is_old = False
        self._renewals = 0
        self._holders: dict[Node, list[Resource]] = {}
        for resource in dict.fromkeys(r for e in environments for held in (e.resources, e.background) for r in held):
            self._holders.setdefault(resource.root, []).append(resource)
        if earlier is not None:
            roots = {resource.root for resource in self._all}
            self._faults = {key: found for key, found in earlier._faults.items() if key[0] in roots}

    def holders(self, root: Node) -> Sequence[Resource]:
        """The objects that environments have made of a document."""
        return self._holders.get(root, ())

    def subset_used(self, use: SubsetUse) -> bool:
        self.used()
        return super().subset_used(use)

    def refresh_use(self) -> bool:
        """Look again at what routes use, where that was put off. Is it something else now?"""
        if not self._use_is_old or self._used is None:
            return False
        before, self._used, self._use_is_old = self._used, None, False
        return not before.same(self.used())

    def saw(self, environment: Environment, names: Collection[tuple[Kind, str]], kinds: Collection[Kind]) -> bool:
        """May the environment's index have seen objects of these kinds among its own, or of these names anywhere?"""
        store = self._stores.get(id(environment))
        if store is None:
            return False
        near = any(part.by_kind.get(kind) for part in store.near for kind in kinds)
        any_name = ((kind, "") for kind, _ in names)
        return (near and not store.asked.isdisjoint(kinds)) or not store.sought.isdisjoint((*names, *any_name))

    def renew(self, replaced: Mapping[Resource, Resource], old: FileRead, new: FileRead) -> list[Environment]:
        """Put objects in the place of others of the same identity, and a file in the place of the one they stood in. Gives the
        environments whose answers may be others now; which subsets are used is answered as before until refresh_use()."""
        kinds = {resource.kind for resource in replaced}
        names = {(resource.kind, resource.name) for resource in replaced}
        tuples: dict[int, tuple[_Tuple, _Tuple]] = {}
        touched = [one for one in self.environments if self._replace_in(one, replaced, tuples)]
        others = [one for one in self.environments if one not in touched and self.saw(one, names, ())]
        self._all = _swapped(self._all, replaced)
        for before, now in replaced.items():
            self._holders.setdefault(now.root, []).append(now)
            self._holders.pop(before.root, None)
        _renew_part(self._everything, replaced)
        self._renew_files(new)
        self._renew_owners(replaced)
        self._gateway_users = None
        for environment in (*touched, *others):
            self._indexes.pop(id(environment), None)
            self._stores.pop(id(environment), None)
        if kinds & _MAKES_USE and not _same_hosts(replaced):
            self._use_is_old = True
            for environment in (*touched, *others):
                self._used_in.pop(id(environment), None)
        return [*touched, *others]

    def _replace_in(self, environment: Environment, replaced: Mapping[Resource, Resource], done: dict[int, tuple[_Tuple, _Tuple]]) -> bool:
        """`done`: by its id, a tuple of objects, which environments may share, and what became of it."""
        changed = False
        for field in ("resources", "background", "shared"):
            old: _Tuple = getattr(environment, field)
            if id(old) not in done:
                done[id(old)] = (old, self._renew_tuple(old, replaced))
            new = done[id(old)][1]
            if new is not old:
                setattr(environment, field, new)
                changed = changed or field != "shared" or environment.kind == "plain"
        return changed

    def _renew_tuple(self, old: _Tuple, replaced: Mapping[Resource, Resource]) -> _Tuple:
        new = _swapped(old, replaced)
        if new is not old and (part := self._parts.pop(id(old), None)) is not None:
            _renew_part(part, replaced)
            self._parts[id(new)] = part
        return new

    def adopt(self, earlier: Renewable, environment: Environment) -> None:
        """Take over the index of an environment that is the same as before, and that cannot have seen what changed elsewhere."""
        index, store = earlier._indexes.get(id(environment)), earlier._stores.get(id(environment))
        if index is not None and store is not None:
            store.everything = self._everything
            if store.far:
                store.far = [part_of(self._parts, environment.shared), self._everything]
            index._repository = self
            self._indexes[id(environment)], self._stores[id(environment)] = index, store
            if id(environment) in earlier._used_in:
                self._used_in[id(environment)] = earlier._used_in[id(environment)]

    def _renew_files(self, new: FileRead) -> None:
        self._files = [new if file.path == new.path else file for file in self._files]
        self._written = [new if file.path == new.path else file for file in self._written]
        self._sources[new.path] = new.source
        self._renewals += 1
        if self._renewals % _OFTEN == 0:
            roots = {resource.root for resource in self._all}
            self._faults = {key: found for key, found in self._faults.items() if key[0] in roots}

    def _renew_owners(self, replaced: Mapping[Resource, Resource]) -> None:
        if self._owners is not None:
            for before in replaced:
                rows = self._owners.get(before.root.table, {})
                held = rows.pop(before.root.row, None)
                if held is not None:
                    owner = replaced.get(held[0], held[0])
                    self._owners.setdefault(owner.root.table, {})[owner.root.row] = (owner, held[1])
                    if not rows:
                        del self._owners[before.root.table]


def _same_hosts(replaced: Mapping[Resource, Resource]) -> bool:
    """Are they all DestinationRules that are for the same hosts as before?"""
    rules = all(resource.kind is Kind.DESTINATION_RULE for resource in replaced)
    return rules and all(old.spec.get("host").text == new.spec.get("host").text for old, new in replaced.items())


def _swapped(resources: tuple[Resource, ...], replaced: Mapping[Resource, Resource]) -> tuple[Resource, ...]:
    if replaced.keys().isdisjoint(resources):
        return resources
    return tuple(replaced.get(resource, resource) for resource in resources)


def _renew_part(part: Part, replaced: Mapping[Resource, Resource]) -> None:
    """The lists are replaced, not changed: somebody may hold them as an answer."""
    for kind in {resource.kind for resource in replaced}:
        if kind in part.by_kind:
            part.by_kind[kind] = _renewed(part.by_kind[kind], replaced)
    for identity in {resource.identity for resource in replaced}:
        if identity in part.by_identity:
            part.by_identity[identity] = _renewed(part.by_identity[identity], replaced)


def _renewed(resources: Iterable[Resource], replaced: Mapping[Resource, Resource]) -> list[Resource]:
    return [replaced.get(resource, resource) for resource in resources]
