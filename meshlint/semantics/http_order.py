"""What changes when the http rules of a VirtualService become an HTTPRoute: the order of the rules, and the reach of a prefix.

Both are found by sample requests: who answers one now, going through the rules from the top with prefixes as text, and who
answers it then, in the order of specificity with prefixes by whole segments. Where that is not certain, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from operator import is_

from meshlint.model.node import Node
from meshlint.semantics.convert.plain import plain
from meshlint.semantics.http_match import Match
from meshlint.semantics.http_request import Request, beside, fits, shared

_ASIDE = ("match", "name")
_MOST = 128  # what an HTTPRoute holds
_ENOUGH = 16
_TRIES = 2000  # more than any set of rules that people write needs
Pair = tuple[Match, Match]


class Change:
    """The matches before and after, and what each of them does. `gateway`: a Gateway is to execute them, not the mesh."""

    def __init__(self, matches: Sequence[Match], gateway: bool = False) -> None:
        self.now = list(matches[:_MOST])
        self.then = sorted(self.now, key=lambda match: match.rank(gateway), reverse=True)
        self._effects: dict[int, object] = {}  # by the id of the rule: worked out when it is asked for

    def differ(self, one: Match | None, other: Match | None) -> bool:
        if one is None or other is None:
            return one is not other
        return one.rule is not other.rule and self._effect(one.rule) != self._effect(other.rule)

    def _effect(self, rule: Node) -> object:
        if id(rule) not in self._effects:
            self._effects[id(rule)] = {key: plain(value) for key, value in rule.items() if key not in _ASIDE}
        return self._effects[id(rule)]


def reordered(change: Change) -> list[Pair]:
    """Who answers a request now, and who then, where both take it by any reading and do something different."""
    found: dict[tuple[int, int], Pair] = {}
    for request in islice(_disputed(change), _TRIES):
        pair = _answers(change, request)
        if pair is not None:
            found.setdefault((id(pair[0]), id(pair[1])), pair)
            if len(found) >= _ENOUGH:
                break
    return list(found.values())


def _disputed(change: Change) -> Iterator[Request]:
    """Requests that two matches share which change places."""
    if all(map(is_, change.now, change.then)):
        return
    place = {id(match): at for at, match in enumerate(change.then)}
    for first, second in combinations(change.now, 2):
        if place[id(second)] < place[id(first)] and change.differ(first, second):
            yield from shared(first, second)


def _answers(change: Change, request: Request) -> Pair | None:
    now, then = _first(change.now, request, False), _first(change.then, request, True)
    if now is None or then is None or not change.differ(now, then):
        return None
    return (now, then) if fits(now, request, True) and fits(then, request, False) else None


def narrowed(change: Change) -> list[Match]:
    """The matches whose prefix takes more as text than by whole segments (/api takes /apiv2), where another rule, or none,
    answers that then, and does something different."""
    return [match for match in change.now if any(_lost(change, match, request) for request in _samples(match, change))]


def _samples(match: Match, change: Change) -> list[Request]:
    path = match.path
    if path is None or path.kind != "prefix" or path.value == "" or path.value.endswith("/"):
        return []
    return list(beside(match, path.value, change.now))


def _lost(change: Change, match: Match, request: Request) -> bool:
    if _first(change.now, request, False) is not match:
        return False
    then = _first(change.then, request, True, unsure=match)
    return then is not match and change.differ(match, then)


def _first(matches: Sequence[Match], request: Request, segments: bool, unsure: Match | None = None) -> Match | None:
    """The first match that takes a request; `unsure` where that is not certain."""
    for match in matches:
        answer = fits(match, request, segments)
        if answer is None:
            return unsure
        if answer:
            return match
    return None
