"""Look-ups in the tables under schemas/: loaded on first use, one file each. Releases are minors as text ("1.5")."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from meshlint.bundled import folder

Spans = list[list[Any]]
_LOADED: dict[str, Any] = {}


def table(path: str) -> Any:
    """A table by its path under schemas/, without its ending: "compat/istio-gateway-api"."""
    found = _LOADED.get(path)
    if found is None:
        import json

        with open(f"{folder('schemas')}/{path}.json", encoding="utf-8") as file:
            found = _LOADED[path] = json.load(file)
    return found


def gateway_api() -> dict[str, Any]:
    """Releases, channels and kinds of Gateway API."""
    return table("gateway-api/releases")  # type: ignore[no-any-return]


def istio() -> dict[str, Any]:
    """Releases and features of Istio."""
    return table("istio/releases")  # type: ignore[no-any-return]


def compat() -> dict[str, Any]:
    """What each release of Istio makes of Gateway API."""
    return table("compat/istio-gateway-api")  # type: ignore[no-any-return]


@lru_cache(1 << 12)
def order(release: str) -> tuple[int, ...]:
    """A release or tag as numbers, to compare: "v1.5.1" (1, 5, 1); what follows a dash does not count."""
    return tuple(int(part) for part in release.lstrip("v").partition("-")[0].split("."))


def releases(of: dict[str, Any]) -> list[str]:
    """The minors of a table, oldest first."""
    return sorted(of["releases"], key=order)


def within(spans: Spans, release: str) -> bool:
    """Is the release in one of the spans [first, last or None]?"""
    here = order(release)
    return any(order(first) <= here and (last is None or here <= order(last)) for first, last in spans)


def first(spans: Spans) -> str | None:
    """The first release of the last span: since when it is there without a gap (or was, before it was removed)."""
    return spans[-1][0] if spans else None


def last(*channels: Spans) -> str | None:
    """The last release that has it in any of the channels; None: the newest known release still has it."""
    ends = [spans[-1][1] for spans in channels if spans]
    return None if not ends or None in ends else max(ends, key=order)


def served(kind: str, release: str, channel: str) -> tuple[str, ...]:
    """The versions that a channel of a Gateway API release serves of a kind."""
    entry = gateway_api()["releases"][release]["kinds"].get(kind, {}).get(channel, {})
    return tuple(entry.get("served", ()))


def spans_of(kind: str, path: str, value: str | None = None) -> list[dict[str, Spans]]:
    """By channel, since when a field is there: its kind's spans, then those of each part of the path that came later."""
    history = gateway_api()["kinds"].get(kind, {})
    known = history.get("fields", {})
    steps = path.split(".")
    parts = [form for count in range(len(steps)) for form in _forms(".".join(steps[: count + 1]))]
    found = [history, *(known[part] for part in parts if part in known)]
    if value is not None and (entry := history.get("enums", {}).get(path, {}).get(value)):
        found.append(entry)
    return found


def renamed(kind: str, path: str) -> str | None:
    """What a field that a Gateway API release took away is called since then; the names that are there now, if it has several."""
    known = {order(release) for release in gateway_api()["releases"]}
    moves = [move for move in gateway_api()["renames"] if move["release"] != "main" and order(move["release"]) in known]
    found = [move["to"].removeprefix(f"{kind} ") for move in moves if move["from"] == f"{kind} {path}"]
    inside = [move["to"].removeprefix(f"{kind} ") for move in moves if move["from"].startswith(f"{kind} {path}.")]
    return " or ".join(found or inside) or None


def _forms(path: str) -> tuple[str, ...]:
    """A list and its elements came together: spec.a[] is looked up as spec.a too."""
    bare = path
    while bare.endswith(("[]", "{}")):
        bare = bare[:-2]
    return (path,) if bare == path else (bare, path)


def by_patch(ranges: list[list[Any]], tag: str) -> Any:
    """The entry of [first tag, last tag, entry] ranges that holds for a patch; behind the last known patch, the last entry."""
    here = order(tag)
    for _, end, entry in ranges:
        if here <= order(end):
            return entry
    return ranges[-1][2]
