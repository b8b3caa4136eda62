"""What a rule does with a request, as the rule of a route says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshlint.model.conversion import Because
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.target import Target
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.backends import Backend, Backends, weighted
from meshlint.semantics.convert.filters import Filter, cors, header_filters, redirect, share
from meshlint.semantics.convert.policy import retry, timeouts
from meshlint.semantics.convert.rewriting import Rewrite
from meshlint.semantics.convert.stay import Stay, only

_KNOWN = frozenset({
    "name", "match", "route", "redirect", "rewrite", "timeout", "retries", "mirror", "mirrors", "mirrorPercent", "mirrorPercentage",
    "mirror_percent", "corsPolicy", "headers",
})  # fmt: skip
_PERCENT = ("mirrorPercentage", "mirrorPercent", "mirror_percent")
_WITH_REDIRECT = ("route", "rewrite", "mirror", "mirrors")


class Entry(NamedTuple):
    """An http entry as it acts: of a delegate, with what the delegating entry adds. Each value has the VirtualService that it was
    written in, which is where its hosts are resolved."""

    fields: dict[str, tuple[Node, Resource]]
    at: Node
    owner: Resource

    def get(self, name: str) -> Node:
        held = self.fields.get(name)
        return held[0] if held is not None else self.at.get("\0")

    def owner_of(self, name: str) -> Resource:
        return self.fields[name][1]


class Action(NamedTuple):
    """`filters`, `backends` with their weight and filters, `timeouts` and `retry` of a rule; `rewrite` depends on the match."""

    filters: tuple[Filter, ...]
    backends: tuple[tuple[Backend, int | None, tuple[Filter, ...]], ...]
    timeouts: dict[str, str]
    retry: dict[str, Any] | None
    rewrite: Rewrite | None

    @property
    def effect(self) -> str:
        """Two rules of the same effect do the same with every request."""
        rewrite = self.rewrite and (self.rewrite.uri, self.rewrite.full, self.rewrite.hostname)
        return repr((self.filters, self.backends, self.timeouts, self.retry, rewrite))

    @property
    def answers(self) -> bool:
        """Does it answer the request itself (a redirect)?"""
        return any(one["type"] == "RequestRedirect" for one in self.filters)

    def backend_refs(self, namespace: str) -> list[dict[str, Any]]:
        out = []
        for backend, weight, filters in self.backends:
            ref = backend.document(namespace)
            if weight is not None:
                ref["weight"] = weight
            if filters:
                ref["filters"] = list(filters)
            out.append(ref)
        return out


class Actions:
    def __init__(
        self, mesh: Mesh, backends: Backends, namespace: str, listener: int | None, plain_ports: bool, segments: bool, notes: list[Because]
    ) -> None:
        """`listener`: the port that requests come in by, where it is one; `plain_ports`: all come in on 80 or 443; `notes` gets what
        to know."""
        self._mesh = mesh
        self._backends = backends
        self._namespace = namespace
        self._listener = listener
        self._plain_ports = plain_ports
        self._segments = segments
        self._notes = notes

    def of(self, entry: Entry) -> Action:
        """Raises Stay with what decides."""
        for key, (node, _) in entry.fields.items():
            _expressible(key, node)
        target = self._mesh.target
        filters = header_filters(entry.get("headers"))
        if entry.get("corsPolicy"):
            filters.append(cors(entry.get("corsPolicy"), target))
            if entry.get("corsPolicy").get("unmatchedPreflights").text != "IGNORE":
                self._notes.append(Because(entry.get("corsPolicy"), "no longer forwards preflights of origins that it does not allow"))
        if entry.get("redirect"):
            for other in _WITH_REDIRECT:
                if entry.get(other):
                    raise Stay(entry.get(other), f"has {other} beside redirect, which Istio refuses")
            filters.append(redirect(entry.get("redirect"), target, self._plain_ports))
            return Action(tuple(filters), (), {}, None, None)
        routes = list(entry.get("route").each())
        if not routes:
            raise Stay(entry.at, "has neither route nor redirect")
        filters += self._mirrors(entry)
        changed = any(setting.config.get("defaultHttpRetryPolicy").value for setting in self._mesh.mesh_settings())
        again = retry(entry.get("retries"), target, changed)
        rewrite = Rewrite(entry.get("rewrite"), self._segments) if entry.get("rewrite") else None
        backends = tuple(self._backend(route, weight, entry.owner_of("route")) for route, weight in weighted(routes, entry.get("route")))
        within = timeouts(entry.get("timeout"), entry.get("retries").get("perTryTimeout"), target, again is not None)
        return Action(tuple(filters), backends, within, again, rewrite)

    def _backend(self, route: Node, weight: int | None, owner: Resource) -> tuple[Backend, int | None, tuple[Filter, ...]]:
        only(route, frozenset({"destination", "weight", "headers"}), "route")
        filters = tuple(header_filters(route.get("headers")))
        has = self._mesh.target.filters(Kind.HTTP_ROUTE, backend=True)
        for one in filters:
            if one["type"] not in has:
                raise Stay(route.get("headers"), "changes headers for one destination, and no filter of a backendRef can in the target")
        return self._backends.backend(route.get("destination"), owner, self._listener), weight, filters

    def _mirrors(self, entry: Entry) -> list[Filter]:
        out = []
        for destination, part, owner in _mirrored(entry, self._mesh.target):
            if part is not None:
                backend = self._backends.backend(destination, owner, self._listener)
                out.append({"type": "RequestMirror", "requestMirror": {"backendRef": backend.document(self._namespace), **part}})
        return out


def _mirrored(entry: Entry, target: Target) -> Iterator[tuple[Node, dict[str, Any] | None, Resource]]:
    """Who gets a copy of requests, and of which share of them (None: of none)."""
    if entry.get("mirror"):
        written = next((entry.get(key) for key in _PERCENT if key in entry.fields and entry.get(key).value is not None), None)
        yield entry.get("mirror"), _share(written, entry.get("mirror"), target), entry.owner_of("mirror")
    for one in entry.get("mirrors").each():
        only(one, frozenset({"destination", "percentage"}), "mirrors")
        written = one.get("percentage") if one.get("percentage").value is not None else None
        yield one.get("destination"), _share(written, one, target), entry.owner_of("mirrors")


def _share(written: Node | None, at: Node, target: Target) -> dict[str, Any] | None:
    """All where nothing is written; a percentage without a value is none."""
    if written is None:
        return {}
    value = written.get("value") if written.is_map else written
    return share(value, target, 0) if value.present else share(at, target, 0)


def _expressible(key: str, node: Node) -> None:
    if key in _KNOWN or node.value in (None, {}, [], "", False):
        return
    if key == "fault":
        raise Stay(node, "injects a fault, and the Gateway API has no filter for that", "Keep it, or inject faults by another tool.")
    if key == "directResponse":
        raise Stay(node, "answers itself (directResponse), and the Gateway API has no filter for that")
    raise Stay(node, f"has {key}, which is not known to have a counterpart")
