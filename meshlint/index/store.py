"""The objects of an environment by kind and identity, in layers: judged, background, and the rest of the repository."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.model.kind import Kind
from meshlint.model.resource import Environment, Resource
from meshlint.model.tuples import NamedTuple


class SubsetUse(NamedTuple):
    """Whether a subset of a DestinationRule's host is in use. `top`: the folder of the root that the rule stands in."""

    host: str
    rule: str
    subset: str
    top: str


class Part:
    """Tables over one tuple of resources; made once, shared by every environment that holds the tuple."""

    __slots__ = ("by_identity", "by_kind")

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.by_kind: dict[Kind, list[Resource]] = {}
        self.by_identity: dict[tuple[Kind, str, str], list[Resource]] = {}
        by_kind, by_identity = self.by_kind, self.by_identity
        for resource in resources:
            kind = resource.kind
            by_kind.setdefault(kind, []).append(resource)
            by_identity.setdefault((kind, resource.namespace, resource.name), []).append(resource)


class Store:
    """Layers of one environment. `near` is seen by every question, `far` only where the near ones have no answer. It notes the kinds
    that were `asked` for, and what was `sought` by name: kind and name of each, "" for any; of the whole repository, which subsets
    are in use (`uses`), and whether there was more (`open`)."""

    def __init__(self, environment: Environment, parts: dict[int, Part], everything: Part) -> None:
        self.environment = environment
        self.asked: set[Kind] = set()
        self.sought: set[tuple[Kind, str]] = set()
        self.uses: dict[SubsetUse, bool] = {}
        self.open = False
        self.everything = everything
        self.judged = part_of(parts, environment.resources)
        self.far = [] if environment.kind == "plain" else [part_of(parts, environment.shared), everything]
        self.near = [part_of(parts, resources) for resources in environment.near if resources]

    def of_kind(self, kind: Kind) -> Iterator[Resource]:
        """Objects of a kind that belong to this environment."""
        self.asked.add(kind)
        for part in self.near:
            yield from part.by_kind.get(kind, ())

    def find(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """By identity. An object whose namespace the repository does not tell answers for any."""
        return self._find(kind, namespace, name, self.far)

    def find_anywhere(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """By identity, also among what tools and applications make of other folders than a plain one."""
        return self._find(kind, namespace, name, self.far or [self.everything])

    def _find(self, kind: Kind, namespace: str, name: str, far: Sequence[Part]) -> Resource | None:
        self.asked.add(kind)
        self.sought.add((kind, name))
        for parts in (self.near, far):
            for where in (namespace, "") if namespace and not kind.cluster_scoped else (namespace,):
                for part in parts:
                    if found := part.by_identity.get((kind, where, name)):
                        return found[0]
        return None

    def apart(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """The first object of a kind, namespace and name ("": any) that only other environments hold. Where one of the two namespaces
        is not told, they may be the same."""
        self.asked.add(kind)
        self.sought.add((kind, name))
        for resource in self.everything.by_kind.get(kind, ()):
            fits = name in ("", resource.name) and (not namespace or resource.namespace in (namespace, ""))
            if fits and not any(resource in part.by_kind.get(kind, ()) for part in self.near):
                return resource
        return None

    def has_far(self, kind: Kind) -> bool:
        return any(part.by_kind.get(kind) for part in self.far)


def part_of(parts: dict[int, Part], resources: Sequence[Resource]) -> Part:
    key = id(resources)
    if key not in parts:
        parts[key] = Part(resources)
    return parts[key]
