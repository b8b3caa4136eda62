"""The field index of a kind as a release had it: the newest index, and what to take back of it.

The tables under schemas/ hold the newest index and what each release changed; a release is never stored whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from meshlint import facts
from meshlint.model.fields import field_in
from meshlint.model.kind import Kind
from meshlint.model.target import Target
from meshlint.model.tuples import NamedTuple

Raw = Mapping[str, Any]
_OPEN: Raw = {"t": "any"}  # of a field that went, only the name is known
_NEVER: Callable[[str, Raw], str | None] = lambda path, raw: None  # noqa: E731


class Past(NamedTuple):
    """One kind, version, release and channel. Paths are written with [] for list items and {} for map values.

    `limits`: by path, what the release had instead (None: nothing). `extra`: by path, fields that the newest index lacks.
    `missing`: why the release does not have a field, for a message; None where it has it. `values`: by path, the same of
    enum values that later releases have.
    """

    root: Raw
    limits: Mapping[str, Raw] = {}
    extra: Mapping[str, Mapping[str, Raw]] = {}
    missing: Callable[[str, Raw], str | None] = _NEVER
    standard: bool = False
    values: Mapping[str, Mapping[str, str]] = {}

    def node(self, raw: Raw, path: str) -> Raw:
        """What is known of a field, in this release and channel."""
        changed = {**(raw.get("std", {}) if self.standard else {}), **self.limits.get(path, {})}
        if not changed:
            return raw
        return {key: value for key, value in {**raw, **changed}.items() if value is not None}


def past_of(kind: Kind, version: str, target: Target) -> Past | None:
    """None: the tables do not say what the target's release has in this version."""
    if kind.group.endswith(".istio.io"):
        return _istio(kind.kind, version, target.istio.release)
    for channel in dict.fromkeys((target.channel, "experimental")):
        if version in facts.served(kind.kind, target.gateway_api.release, channel):
            return _gateway_api(kind.kind, version, target.gateway_api.release, channel)
    return None


def _held(index: Raw, kind: str, version: str) -> tuple[str, Raw] | None:
    """The version that holds the schema, and its root."""
    versions = index["kinds"].get(kind, {}).get("versions", {})
    entry = versions.get(version)
    if entry is None:
        return None
    return (version, entry) if "as" not in entry else (entry["as"], versions[entry["as"]])


# Istio


def _istio(kind: str, version: str, release: str) -> Past | None:
    index = facts.table("istio/fields")
    found = _held(index, kind, version)
    if found is None or version not in facts.istio()["releases"][release]["kinds"].get(kind, ()):
        return None
    here = facts.order(release)
    values = _later_values(kind, here)
    return Past(
        found[1],
        _istio_limits(kind, found[1], here),
        _by_parent({path: {**raw, "since": _preview()} for path, raw in index["preview"].get(kind, {}).items()}),
        lambda path, raw: f"exists from Istio {raw['since']} on" if "since" in raw and facts.order(raw["since"]) > here else None,
        values=values,
    )


def _istio_limits(kind: str, root: Raw, here: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    limits: dict[str, dict[str, Any]] = {}
    older = facts.order(facts.table("istio/fields")["release"]) > here
    constraints = facts.table("istio/constraints") if older else {}
    for release in sorted(constraints, key=facts.order, reverse=True):
        if facts.order(release) > here:
            _take_back(limits, constraints[release].get(kind, {}))
    for path, (added, removed) in _changed_values(kind, here).items():
        known = limits.get(path, {}).get("enum") or _at(root, path).get("enum", ())
        limits.setdefault(path, {})["enum"] = sorted({*known, *added} - removed)
    return limits


def _changed_values(kind: str, here: tuple[int, ...]) -> dict[str, tuple[set[str], set[str]]]:
    """By path: enum values to add to the newest index and to take from it."""
    newest = facts.order(facts.table("istio/fields")["release"])
    out: dict[str, tuple[set[str], set[str]]] = {}
    for release, path, added in _additions(kind):
        if facts.order(release) > here:
            out.setdefault(path, (set(), set()))[1].update(added)
        elif facts.order(release) > newest:
            out.setdefault(path, (set(), set()))[0].update(added)
    return out


def _later_values(kind: str, here: tuple[int, ...]) -> dict[str, dict[str, str]]:
    """By path: enum values of later releases, each with since when."""
    out: dict[str, dict[str, str]] = {}
    for release, path, added in _additions(kind):
        if facts.order(release) > here:
            out.setdefault(path, {}).update(dict.fromkeys(added, f"exists from Istio {release} on"))
    return out


def _preview() -> str:
    return facts.releases(facts.istio())[-1]


def _additions(kind: str) -> Iterator[tuple[str, str, list[str]]]:
    for release, change in facts.istio()["changes"].items():
        for path, values in change.get("enums", {}).get(kind, {}).items():
            yield release, path, values.get("added", [])


# Gateway API


def _gateway_api(kind: str, version: str, release: str, channel: str) -> Past | None:
    table = facts.table("gateway-api/constraints")
    found = _held(facts.table("gateway-api/fields"), *table["formerVersions"].get(kind, {}).get(version, (kind, version)))
    if found is None:
        return None
    held, root = found
    limits: dict[str, dict[str, Any]] = {}
    for later in sorted(table["changes"], key=facts.order, reverse=True):
        if facts.order(later) > facts.order(release):
            changed = table["changes"][later].get(kind, {})
            for where in ("both", channel):
                versions = changed.get(where, {})
                _take_back(limits, versions.get(version) or versions.get(held, {}))
    history = facts.gateway_api()["kinds"][kind].get("fields", {})
    went = {
        path: _OPEN
        for path, spans in history.items()
        if facts.within(spans.get(channel, []), release) and path.startswith("spec.") and not _at(root, path)
    }

    def missing(path: str, raw: Raw) -> str | None:
        spans = history.get(path) or history.get(path.removesuffix("[]").removesuffix("{}"))
        if facts.within(spans.get(channel, []), release) if spans else not (channel == "standard" and "x" in raw):
            return None
        return f"is {field_in(release, channel, kind, path).since}"

    return Past(root, limits, _by_parent(went), missing, channel == "standard")


# both


def _take_back(limits: dict[str, dict[str, Any]], changes: Mapping[str, Mapping[str, list[Any]]]) -> None:
    for path, keys in changes.items():
        limits.setdefault("" if path == "." else path, {}).update({key: before for key, (before, _) in keys.items()})


def _by_parent(nodes: Mapping[str, Raw]) -> dict[str, dict[str, Raw]]:
    out: dict[str, dict[str, Raw]] = {}
    for path, node in nodes.items():
        parent, _, name = path.rpartition(".")
        if not name.endswith("]"):
            out.setdefault(parent, {})[name] = node
    return out


def _at(root: Raw, path: str) -> Raw:
    """The node of the newest index at a path; empty where it has none."""
    node = root
    for step in path.replace("[]", ".[]").replace("{}", ".{}").split("."):
        node = node.get("i", {}) if step == "[]" else node.get("ap", {}) if step == "{}" else node.get("p", {}).get(step, {})
    return node
