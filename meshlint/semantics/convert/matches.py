"""Matches: sets of requests, as a VirtualService names them and as a match of an HTTPRoute does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert import paths, patterns
from meshlint.semantics.convert.paths import ANY, Form, Path
from meshlint.semantics.convert.patterns import Pattern

Patterns = Mapping[str, Pattern]
_NONE: Patterns = {}


class Match(NamedTuple):
    """The requests that meet all conditions. Names of headers are in lower case; `method` None: any."""

    path: Path = ANY
    method: str | None = None
    headers: Patterns = _NONE
    query: Patterns = _NONE

    @property
    def takes_all(self) -> bool:
        return self == Match()

    def overlaps(self, other: Match) -> bool:
        if not paths.overlap(self.path, other.path):
            return False
        if self.method and other.method and self.method != other.method:
            return False
        return all(
            patterns.overlap(mine[name], theirs[name])
            for mine, theirs in ((self.headers, other.headers), (self.query, other.query))
            for name in mine
            if name in theirs
        )

    def meet(self, other: Match) -> Match | None:
        """What both take, of two that overlap; None where one match cannot say it."""
        path = paths.meet(self.path, other.path)
        headers, query = _meet(self.headers, other.headers), _meet(self.query, other.query)
        if path is None or headers is None or query is None:
            return None
        return Match(path, self.method or other.method, headers, query)

    def covers(self, other: Match) -> bool:
        """Does it take all that the other takes, for certain?"""
        return (
            paths.covers(self.path, other.path)
            and self.method in (None, other.method)
            and _covers(self.headers, other.headers)
            and _covers(self.query, other.query)
        )

    def example(self) -> str:
        """A request that it takes, in words."""
        words = [f"{self.method or 'GET'} {paths.sample(self.path)}"]
        if self.query:
            words[0] += "?" + "&".join(f"{name}={patterns.sample(one)}" for name, one in self.query.items())
        words += [f"{name}: {patterns.sample(one)}" for name, one in self.headers.items()]
        return words[0] if len(words) == 1 else f"{words[0]} with {', '.join(words[1:])}"


def _meet(mine: Patterns, theirs: Patterns) -> Patterns | None:
    out = dict(mine)
    for name, one in theirs.items():
        both = patterns.meet(mine[name], one) if name in mine else one
        if both is None:
            return None
        out[name] = both
    return out


def _covers(wide: Patterns, narrow: Patterns) -> bool:
    return all(name in narrow and patterns.covers(one, narrow[name]) for name, one in wide.items())


class Atom(NamedTuple):
    """A match of a route: what it takes and how it says its path. `rule` counts the rules that it comes from; `origin` is the
    match of the VirtualService that it is a part of."""

    rule: int
    match: Match
    form: Form
    origin: Match

    @property
    def rank(self) -> tuple[int, ...]:
        """The higher goes first (Istio: sortHTTPRoutes)."""
        match = self.match
        return (*self.form.rank, int(match.method is not None), len(match.headers), len(match.query))

    def document(self) -> dict[str, Any]:
        """As it stands under `matches`; empty where it takes every request, which is the default."""
        out: dict[str, Any] = {}
        if self.form != Form("PathPrefix", "/"):
            out["path"] = {"type": self.form.type, "value": self.form.value}
        if self.match.headers:
            out["headers"] = [_condition(name, one) for name, one in self.match.headers.items()]
        if self.match.query:
            out["queryParams"] = [_condition(name, one) for name, one in self.match.query.items()]
        if self.match.method:
            out["method"] = self.match.method
        return out


def _condition(name: str, one: Pattern) -> dict[str, str]:
    if one.kind == "exact":
        return {"name": name, "value": one.value}
    return {"name": name, "type": "RegularExpression", "value": patterns.as_regex(one)}
