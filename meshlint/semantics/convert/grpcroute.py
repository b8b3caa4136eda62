"""GRPCRoutes, for Services whose ports say that they speak gRPC and rules that name services and methods only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.target import Target
from meshlint.semantics.convert.httproute import Acting, RouteRule
from meshlint.semantics.convert.matches import Atom
from meshlint.semantics.convert.paths import ANY, EXACT, SEGMENTS, TEXT, Path
from meshlint.semantics.convert.patterns import as_regex

_SERVICE = lazy_regex(r"/([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)(?:/([A-Za-z_][A-Za-z0-9_]*))?")


def whole_services(rules: Sequence[Acting]) -> list[Acting]:
    """/shop.Cart/ as segments: the path of a gRPC request is always /service/method."""
    return [
        Acting(
            one.entry,
            tuple(condition._replace(match=condition.match._replace(path=_segments(condition.match.path))) for condition in one.conditions),
        )
        for one in rules
    ]


def _segments(path: Path) -> Path:
    return Path(SEGMENTS, path.value[:-1]) if path.kind == TEXT and path.value.endswith("/") and path != ANY else path


def can_say(rules: Sequence[RouteRule], target: Target) -> bool:
    """Can GRPCRoutes say all of it, and does the target have them?"""
    if not target.route(Kind.GRPC_ROUTE).usable:
        return False
    has = target.filters(Kind.GRPC_ROUTE)
    backend = target.filters(Kind.GRPC_ROUTE, backend=True)
    return all(
        not (rule.action.timeouts or rule.action.retry or rule.rewrite or rule.action.answers)
        and all(one["type"] in has for one in rule.action.filters)
        and all(one["type"] in backend for _, _, filters in rule.action.backends for one in filters)
        and all(_sayable(atom) for atom in rule.atoms)
        for rule in rules
    )


def _sayable(atom: Atom) -> bool:
    match = atom.match
    if match.method or match.query or atom.form.type == "RegularExpression":
        return False
    return match.path == ANY or (match.path.kind in (EXACT, SEGMENTS) and _named(match.path) is not None)


def _named(path: Path) -> tuple[str, str] | None:
    found = _SERVICE.fullmatch(path.value)
    if found is None or (path.kind == EXACT) is (found[2] is None):
        return None
    return found[1], found[2] or ""


def document(rule: RouteRule, namespace: str, named: bool) -> dict[str, Any]:
    """A rule as GRPCRoute writes it."""
    out: dict[str, Any] = {"name": rule.name} if named and rule.name else {}
    matches = [_match(atom) for atom in rule.atoms]
    if all(matches):
        out["matches"] = matches
    if rule.action.filters:
        out["filters"] = list(rule.action.filters)
    out["backendRefs"] = rule.action.backend_refs(namespace)
    return out


def _match(atom: Atom) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if (called := _named(atom.match.path)) is not None:
        service, method = called
        out["method"] = {"service": service, **({"method": method} if method else {})}
    if atom.match.headers:
        out["headers"] = [
            {
                "name": name,
                **({} if one.kind == "exact" else {"type": "RegularExpression"}),
                "value": one.value if one.kind == "exact" else as_regex(one),
            }
            for name, one in atom.match.headers.items()
        ]
    return out
