"""Suppressions that nothing comes of, as findings (ML005)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from meshlint.check.registry import Registry
from meshlint.check.runner import RULE_FAILED, UNUSED, engine_finding
from meshlint.check.suppress import Suppression, Suppressions, Words
from meshlint.model.problem import Finding, Fix, Severity, Suppressed


class Unused:
    """`ran`: ids of the rules that were run. A word is unused only if all that it means were."""

    def __init__(self, suppressions: Suppressions, registry: Registry, forced: Mapping[str, Severity], ran: Collection[str]) -> None:
        self._suppressions = suppressions
        self._words: Words = suppressions.words
        self._rule = registry.named(UNUSED)
        self._failed = registry.named(RULE_FAILED).id
        self._forced = forced
        self._ran = frozenset(ran) | {self._failed}

    def findings(self) -> tuple[list[Finding], list[Suppressed]]:
        """What is unused, and what of that is suppressed itself: only then is it known whether the words that name this
        very rule were of use."""
        own = frozenset((self._rule.id,))
        first = [finding for one in self._watched() if (finding := self._judged(one, own, False))]
        left, taken = self._suppressions.apply(first)
        last = [finding for one in self._watched() if not one.flaw and (finding := self._judged(one, own, True))]
        return left + last, taken

    def _watched(self) -> Iterator[Suppression]:
        return (one for one in self._suppressions.all if one.watched)

    def _judged(self, one: Suppression, own: frozenset[str], naming_own: bool) -> Finding | None:
        """The finding about one suppression: about its words that name this rule, or about all others."""
        if one.flaw:
            return self._finding(one, f"This {one.what} suppresses nothing: {one.flaw}", None)
        words = [word for word in dict.fromkeys(one.words) if (own <= self._words.ids(word)) == naming_own]
        unknown = [word for word in words if not self._words.known(word)]
        unused = [word for word in words if word not in one.used and word not in unknown and self._words.ids(word) <= self._ran]
        if not unknown and not unused:
            return None
        dead = {*unknown, *unused}
        kept = [word for word in one.words if word not in dead]
        head = f"This {one.what} suppresses nothing" if not kept else f"A part of this {one.what} suppresses nothing"
        near = [self._words.near(word) for word in unknown]
        fix = one.without(kept) if one.without is not None and not any(near) else None
        return self._finding(one, f"{head}: {'; '.join(self._said(unknown, unused))}", fix)

    def _said(self, unknown: list[str], unused: list[str]) -> Iterator[str]:
        if unused == [RULE_FAILED] or unused == [self._failed]:
            yield f"{unused[0]} is always told"
        elif unused:
            yield f"it covers no finding of {', '.join(unused)}"
        for word in unknown:
            near = self._words.near(word)
            yield f"no rule is called {word!r}{f' (did you mean {near}?)' if near else ''}"

    def _finding(self, one: Suppression, message: str, fix: Fix | None) -> Finding:
        return engine_finding(self._rule, self._forced, message, one.place)._replace(fix=fix)
