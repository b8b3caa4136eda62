"""What `meshlint environments` shows: what was found, how it is rendered, and what could not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from meshlint.model.node import Node
from meshlint.model.resource import Environment, Part
from meshlint.model.target import Current

_BY = {"argocd": "Argo CD", "flux": "Flux", "release": "HelmRelease", "helmfile": "helmfile", "kustomize": "Kustomize"}


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
        "sources": [_part(part) for part in environment.parts],
        "not_analysed": [{"file": file, "kinds": [*kinds]} for file, kinds in _templates(environment.parts)],
        "current": {
            "istio": str(current.istio) if current.istio else None,
            "gateway_api": str(current.gateway_api) if current.gateway_api else None,
            "channel": current.channel,
            "sources": dict(sorted(current.sources.items())),
        },
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "application": part.application,
        "applied_by": part.by or None,
        "at": _place(part.at) if part.at is not None else None,
        "source": part.source,
        "tool": part.tool or None,
        "objects": part.objects,
        "status": part.status,
        "reason": part.reason,
    }


def _place(at: Node) -> str:
    return f"{at.file}:{at.place.start.line + 1}"


def _templates(parts: Iterable[Part]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted({template for part in parts for template in part.templates})


def write(described: Sequence[Mapping[str, Any]], out: TextIO) -> None:
    """The same as text: a line for each environment, below it what it runs, what applies it and what is missing."""
    width = max((len(entry["name"]) for entry in described), default=0)
    for entry in described:
        namespaces = ", ".join(entry["namespaces"]) or "-"
        out.write(f"{entry['name']:<{width}}  {entry['kind']:<10}  {entry['status']:<8}  {_objects(entry):<12}  {namespaces}\n")
        for line in _details(entry):
            out.write(f"    {line}\n")


def _objects(entry: Mapping[str, Any]) -> str:
    return f"{entry['objects']} object{'' if entry['objects'] == 1 else 's'}"


def _details(entry: Mapping[str, Any]) -> Iterator[str]:
    current = entry["current"]
    for key, title in (("istio", "Istio"), ("gateway_api", "Gateway API")):
        if current[key]:
            place = current["sources"].get(key.replace("_", "-"))
            yield f"runs {title} {current[key]}{f' ({place})' if place else ''}"
    applied = any(source["application"] is not None for source in entry["sources"])
    yield from _tree(entry["sources"]) if applied else [f"{_unavailable(entry)}: {entry['reason']}"] if entry["reason"] else []
    for template in entry["not_analysed"]:
        holds = f" (it seems to hold {', '.join(template['kinds'])})" if template["kinds"] else ""
        yield f"not analysed: {template['file']}{holds}"


def _tree(sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Application by application, below each its sources."""
    before: object = ()
    for source in sources:
        if (name := (source["application"], source["at"])) != before and source["application"] is not None:
            yield f"{source['application'] or '(unnamed)'} ({_BY.get(source['applied_by'], source['applied_by'])}, {source['at']})"
        before = name
        indent = "" if source["application"] is None else "    "
        if source["status"] == "missing":
            yield f"{indent}{source['source']}: not available: {source['reason']}"
            continue
        yield f"{indent}{source['source']}: {source['tool']}, {source['status']}, {_objects(source)}"
        if source["reason"]:
            yield f"{indent}    {_unavailable(source)}: {source['reason']}"


def _unavailable(entry: Mapping[str, Any]) -> str:
    return "failed" if entry["status"] == "failed" else "not available"
