"""What `meshlint environments` shows: what was found, how it is rendered, and what could not be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from meshlint.model.resource import Environment
from meshlint.model.target import Current


def describe(environments: Iterable[Environment], currents: Sequence[Current] = ()) -> list[dict[str, Any]]:
    """One entry for each environment, ready for JSON."""
    known = [*currents]
    return [_one(environment, known[at] if at < len(known) else Current()) for at, environment in enumerate(environments)]


def _one(environment: Environment, current: Current) -> dict[str, Any]:
    return {
        "name": environment.name,
        "kind": environment.kind,
        "path": environment.path or ".",
        "status": environment.status,
        "reason": environment.reason,
        "objects": len(environment.resources),
        "namespaces": sorted({resource.namespace for resource in environment.resources if resource.namespace}),
        "current": {
            "istio": str(current.istio) if current.istio else None,
            "gateway_api": str(current.gateway_api) if current.gateway_api else None,
            "channel": current.channel,
            "sources": dict(sorted(current.sources.items())),
        },
    }


def write(described: Sequence[Mapping[str, Any]], out: TextIO) -> None:
    """The same as text: a line for each environment, below it what it runs and what is missing."""
    width = max((len(entry["name"]) for entry in described), default=0)
    for entry in described:
        namespaces = ", ".join(entry["namespaces"]) or "-"
        objects = f"{entry['objects']} object{'' if entry['objects'] == 1 else 's'}"
        out.write(f"{entry['name']:<{width}}  {entry['kind']:<10}  {entry['status']:<8}  {objects:<12}  {namespaces}\n")
        for line in _details(entry):
            out.write(f"    {line}\n")


def _details(entry: Mapping[str, Any]) -> Iterable[str]:
    current = entry["current"]
    for key, title in (("istio", "Istio"), ("gateway_api", "Gateway API")):
        if current[key]:
            place = current["sources"].get(key.replace("_", "-"))
            yield f"runs {title} {current[key]}{f' ({place})' if place else ''}"
    if entry["reason"]:
        yield f"not available: {entry['reason']}"
