"""A rendered value and a written one, side by side: which rows were carried over."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import UNKNOWN, Node, scalar_text
from meshlint.render.run.plain import written

_KEYS = ("name", "mountPath", "containerPort", "port", "devicePath", "ip", "topologyKey", "key", "host", "type")
_MOST = 300  # items of a list that are compared with all of another
_DEEPEST = 200


class Claims:
    """Where each row of a rendered document was written: `exact` what was carried over, `near` what it was made of."""

    def __init__(self) -> None:
        self.exact: dict[int, Node] = {}
        self.near: dict[int, Node] = {}

    def take(self, made: Node, source: Node, depth: int = 0) -> bool:
        """Claim for `source` what of `made` it sets; later claims of a value go before earlier ones. True: all of it.

        A collection belongs to who sets all of it, else to who wrote it first.
        """
        if depth > _DEEPEST:
            return False
        if made.is_map and source.is_map:
            pairs = [(value, source.get(key)) for key, value in made.items()]
        elif made.is_list and source.is_list:
            pairs = list(aligned(made, source))
        else:
            return self._scalar(made, source)
        whole = True
        for value, other in pairs:
            whole = (self.take(value, other, depth + 1) if other.present else False) and whole
        if whole:
            self.exact[made.row] = source
        else:
            self.exact.setdefault(made.row, source)
        return whole

    def _scalar(self, made: Node, source: Node) -> bool:
        if alike(made, source):
            self.exact[made.row] = source
            return True
        self.near[made.row] = source
        return False

    def of(self, node: Node) -> tuple[Node, bool] | None:
        """What is known of a row; of one that nobody claimed, of the nearest above. A value that was changed is not exact."""
        here: Node | None = node
        while here is not None:
            row = here.row
            if row in self.exact:
                return self.exact[row], here.row == node.row
            if row in self.near:
                return self.near[row], False
            here = here.parent
        return None


def scalars(node: Node) -> Iterator[Node]:
    """Every scalar below a node."""
    waiting: list[Node] = [node]
    while waiting:
        here = waiting.pop()
        if here.is_map:
            waiting += [value for _, value in here.items()]
        elif here.is_list:
            waiting += here.each()
        elif here.present:
            yield here


def alike(made: Node, source: Node) -> bool:
    """Is it the same scalar, however it is written?"""
    one, other = made.value, source.value
    if made.is_map or made.is_list or source.is_map or source.is_list:
        return False
    if one is UNKNOWN or other is UNKNOWN:
        return one is other and written(made) == written(source)
    return (one == other and type(one) is type(other)) or scalar_text(one) == scalar_text(other)


def same(made: Node, source: Node, depth: int = 0) -> bool:
    """Are they equal to the last value?"""
    if depth > _DEEPEST:
        return False
    if made.is_map and source.is_map:
        if len(list(made.items())) != len(list(source.items())):
            return False
        return all((other := source.get(key)).present and same(value, other, depth + 1) for key, value in made.items())
    if made.is_list and source.is_list:
        mine, theirs = list(made.each()), list(source.each())
        return len(mine) == len(theirs) and all(same(one, other, depth + 1) for one, other in zip(mine, theirs, strict=True))
    return alike(made, source)


def aligned(made: Node, source: Node) -> Iterator[tuple[Node, Node]]:
    """The items of two lists, paired: equal ones, those of the same name, else those of the same index."""
    mine, theirs = list(made.each()), list(source.each())
    absent = source.get(-1)
    taken: set[int] = set()
    pairs: dict[int, int] = {}
    for passing in (_equal_here, _equal, named):
        for at in range(len(mine)):
            if at not in pairs and (found := passing(mine, theirs, at, taken)) is not None:
                pairs[at] = found
                taken.add(found)
    for at, item in enumerate(mine):
        if at not in pairs and at < len(theirs) and at not in taken and len(mine) == len(theirs):
            pairs[at] = at
        yield item, theirs[pairs[at]] if at in pairs else absent


def _equal_here(mine: list[Node], theirs: list[Node], at: int, taken: set[int]) -> int | None:
    return at if at < len(theirs) and at not in taken and same(mine[at], theirs[at]) else None


def _equal(mine: list[Node], theirs: list[Node], at: int, taken: set[int]) -> int | None:
    if len(mine) * len(theirs) > _MOST * _MOST:
        return None
    return next((other for other in range(len(theirs)) if other not in taken and same(mine[at], theirs[other])), None)


def named(mine: list[Node], theirs: list[Node], at: int, taken: set[int]) -> int | None:
    """By the first of the keys that lists are merged by which both have."""
    for key in _KEYS:
        name = mine[at].get(key).scalar
        if name is not None:
            return next((other for other in range(len(theirs)) if other not in taken and theirs[other].get(key).scalar == name), None)
    return None
