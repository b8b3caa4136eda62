"""From the first match to the most specific one.

A VirtualService goes through its matches from the top; of an HTTPRoute the most specific match takes the request, and of two
alike the one that stands first. Matches are said, and said again with more conditions, until the same one takes each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert import paths
from meshlint.semantics.convert.matches import Atom, Match
from meshlint.semantics.convert.paths import EXACT, SEGMENTS, TEXT, Path

_MOST = 128  # matches that one HTTPRoute holds; what needs more is no longer readable either


class Ordered(NamedTuple):
    """The matches of all rules in their order, and the (rule, match) pairs that no request reaches."""

    atoms: tuple[Atom, ...]
    dead: tuple[tuple[int, Match], ...]


class Conflict(Exception):  # noqa: N818 - an answer
    """A request that rule `first` takes now and rule `second` would take then."""

    def __init__(self, first: int, second: int, request: Match) -> None:
        super().__init__(request.example())
        self.first = first
        self.second = second
        self.request = request


class TooMany(Exception):  # noqa: N818 - an answer
    """Keeping the order would need more matches than a route holds."""


def ordered(
    rules: Sequence[Sequence[Match]], effects: Sequence[object], stiff: frozenset[int] = frozenset(), last: bool = False
) -> Ordered:
    """The matches of an HTTPRoute for rules that are gone through from the top. Rules of the same effect may answer for each
    other. `stiff` are the rules whose paths have to be said by PathPrefix or Exact, because they rewrite the matched part.
    `last`: what takes everything is said by an expression, to go behind those of other routes."""
    return _Order(rules, effects, stiff, last).solve()


def _told_once(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    """Without matches that are said as an earlier one is, which goes first."""
    out: dict[str, Atom] = {}
    for atom in atoms:
        out.setdefault(repr(atom.document()), atom)
    return tuple(out.values())


class _Order:
    def __init__(self, rules: Sequence[Sequence[Match]], effects: Sequence[object], stiff: frozenset[int], last: bool) -> None:
        self.effects = effects
        self.stiff = stiff
        self.dead: list[tuple[int, Match]] = []
        self.matches: list[tuple[int, Match]] = []
        for rule, matches in enumerate(rules):
            for match in matches:
                if any(earlier.covers(match) for _, earlier in self.matches):
                    self.dead.append((rule, match))
                else:
                    self.matches.append((rule, match))
        self.said = {number: last and match.takes_all for number, (_, match) in enumerate(self.matches)}  # by regular expressions only?
        self.more: list[list[Atom]] = [[] for _ in self.matches]

    def solve(self) -> Ordered:
        while True:
            atoms = self.atoms()
            if len(atoms) > _MOST:
                raise TooMany
            if not self.repaired(atoms):
                return Ordered(_told_once(atom for _, atom in atoms), tuple(self.dead))

    def atoms(self) -> list[tuple[int, Atom]]:
        """All matches as they are said now, by rule, each with the number of the match that it belongs to."""
        out = []
        for number, (rule, match) in enumerate(self.matches):
            said = [
                Atom(rule, match._replace(path=path), form, match)
                for path, form in self.forms(match, self.said[number], rule in self.stiff)
            ]
            out += [(number, atom) for atom in (*said, *self.more[number])]
        return out

    def forms(self, match: Match, expression: bool, stiff: bool) -> tuple[tuple[Path, paths.Form], ...]:
        path = match.path
        if stiff and path.kind == TEXT and path.value.endswith("/") and path != paths.ANY and self.taken(match):
            inside = Path(SEGMENTS, path.value[:-1])
            return ((inside, paths.Form("PathPrefix", inside.value)),)
        return paths.forms(path, expression)

    def taken(self, match: Match) -> bool:
        """Does a match of its own take what PathPrefix takes beyond /api/, the path /api?"""
        alone = match._replace(path=Path(EXACT, match.path.value[:-1]))
        return paths.plain(alone.path.value) and any(other.path.kind == EXACT and other.covers(alone) for _, other in self.matches)

    def repaired(self, atoms: list[tuple[int, Atom]]) -> bool:
        """Find a request that would go another way, and change how matches are said so that it does not."""
        for first, one in atoms:
            for second, other in atoms:
                if first < second and self.effects[one.rule] != self.effects[other.rule] and self.overtakes(first, one, other, atoms):
                    self.repair(first, one, second, other)
                    return True
        return False

    def overtakes(self, first: int, one: Atom, other: Atom, atoms: list[tuple[int, Atom]]) -> bool:
        if other.rank <= one.rank or not one.match.overlaps(other.match) or not one.origin.overlaps(other.match):
            return False
        both = one.match.meet(other.match)
        if both is None:
            return True
        return not any(
            self.effects[third.rule] == self.effects[one.rule] and number <= first and third.rank >= other.rank and third.match.covers(both)
            for number, third in atoms
        )

    def repair(self, first: int, one: Atom, second: int, other: Atom) -> None:
        both = one.match.meet(other.match)
        if both is not None and both.path == other.match.path:
            added = Atom(one.rule, both, other.form, one.origin)
            if added.rank >= other.rank and added not in self.more[first]:
                self.more[first].append(added)
                return
        if other.form.type == "PathPrefix" and not self.said[second] and other.rule not in self.stiff:
            self.said[second] = True
            self.more[second] = []
            return
        raise Conflict(one.rule, other.rule, both or one.match)
