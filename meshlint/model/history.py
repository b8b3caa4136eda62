"""Since when a Gateway API kind is there and read, in any release: look-ups for messages."""

from __future__ import annotations

from typing import Union

from meshlint import facts
from meshlint.model.kind import Kind

KindName = Union[Kind, str]
FLAG = "PILOT_ENABLE_ALPHA_GATEWAY_API"


def standard_since(kind: KindName) -> str | None:
    """The first Gateway API release with the kind in its standard channel: "1.5"."""
    return facts.first(facts.gateway_api()["kinds"].get(kind_name(kind), {}).get("standard", []))


def experimental_since(kind: KindName) -> str | None:
    """The first Gateway API release with the kind in its experimental channel."""
    return facts.first(facts.gateway_api()["kinds"].get(kind_name(kind), {}).get("experimental", []))


def read_since(kind: KindName, version: str | None = None) -> str | None:
    """The first Istio release that reads the kind (in that version) without a flag, previews included; None: no release does."""
    name = kind_name(kind)
    for release in facts.releases(facts.compat()):
        entry = facts.compat()["releases"][release]
        watched = entry["watched"].get(name)
        if watched and watched == (version or watched) and name not in entry["alphaGatedKinds"]:
            return release
    return None


def read_when(kind: KindName) -> str:
    """For a message: read as v1 since Istio 1.30."""
    name = kind_name(kind)
    since = read_since(name)
    if since:
        return f"read as {facts.compat()['releases'][since]['watched'][name]} since Istio {since}"
    gated = [release for release in facts.releases(facts.compat()) if name in facts.compat()["releases"][release]["watched"]]
    if not gated:
        return f"read by no Istio release up to {facts.releases(facts.compat())[-1]}"
    return f"read by Istio {gated[0]} to {gated[-1]} with {FLAG}=true only"


def removed_after(kind: str) -> str | None:
    """The last Gateway API release that had the kind; None: the newest has it."""
    history = facts.gateway_api()["kinds"].get(kind, {})
    return facts.last(history.get("standard", []), history.get("experimental", []))


def kind_name(kind: KindName) -> str:
    """A kind by the name that the tables know it by."""
    return kind if isinstance(kind, str) else kind.kind
