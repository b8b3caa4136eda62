"""After the structure of a repository was found anew: the objects and environments that are the same as before, as before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.resource import Environment, Resource

_Tuple = tuple[Resource, ...]


class Kept:
    """Puts earlier objects in the place of equal new ones, so that what is known of them still holds."""

    def __init__(self, earlier: Sequence[Environment]) -> None:
        self._earlier = {environment.name: environment for environment in earlier}
        self._pools: dict[int, dict[object, list[Resource]]] = {}
        self._same: dict[Resource, Resource] = {}
        self._taken: set[Resource] = set()
        self._tuples: dict[int, tuple[_Tuple, _Tuple]] = {}

    def environment(self, new: Environment) -> Environment:
        """The earlier environment of this name if it is the same, else the new one with the objects that are."""
        old = self._earlier.get(new.name)
        for field in ("resources", "background", "shared"):
            held: _Tuple = getattr(new, field)
            setattr(new, field, self._kept(held, () if old is None else getattr(old, field), old))
        return old if old is not None and _same(old, new) else new

    def _kept(self, new: _Tuple, old: _Tuple, environment: Environment | None) -> _Tuple:
        if id(new) not in self._tuples:
            pools = [] if environment is None else [environment.resources, environment.background, environment.shared]
            made = tuple(self._object(resource, pools) for resource in new)
            self._tuples[id(new)] = (new, old if made == old else made)
        found = self._tuples[id(new)][1]
        return old if found == old else found

    def _object(self, new: Resource, pools: Iterable[_Tuple]) -> Resource:
        if new not in self._same:
            for pool in pools:
                for old in self._pool(pool).get(new.root, ()):
                    if old not in self._taken and _equal(old, new):
                        self._taken.add(old)
                        self._same[new] = old
                        return old
            self._same[new] = new
        return self._same[new]

    def _pool(self, resources: _Tuple) -> dict[object, list[Resource]]:
        if id(resources) not in self._pools:
            pool: dict[object, list[Resource]] = {}
            for resource in resources:
                pool.setdefault(resource.root, []).append(resource)
            self._pools[id(resources)] = pool
        return self._pools[id(resources)]


def _equal(one: Resource, other: Resource) -> bool:
    return (
        (one.identity, one.api_version, one.partial) == (other.identity, other.api_version, other.partial)
        and (one.labels, one.annotations, one.pod_labels) == (other.labels, other.annotations, other.pod_labels)
        and one.places == other.places
    )


def _same(one: Environment, other: Environment) -> bool:
    fields = ("kind", "path", "status", "reason", "parts", "missing")
    objects = all(getattr(one, field) is getattr(other, field) for field in ("resources", "background", "shared"))
    return objects and all(getattr(one, field) == getattr(other, field) for field in fields)
