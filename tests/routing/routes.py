"""HTTPRoutes and GRPCRoutes at work: of all matches that take a request the most specific, of two alike the one that stands first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.routing.cluster import Cluster
from tests.routing.common import DEFAULT_RETRY, NOT_FOUND, Answer, Endpoint, Request, millis, operations, spread

Json = dict[str, Any]
_RANK = {"Exact": 3, "PathPrefix": 2, "RegularExpression": 1}


def answer(routes: list[Json], request: Request, cluster: Cluster, parent: str) -> Answer | None:
    """What the routes of a parent (a Service or Gateway by name) make of a request. None: no route for this port and host."""
    here = [route for route in routes if attached(route["spec"], request, parent)]
    if not here:
        return None
    found = [
        (rank(match), route["spec"], rule, match)
        for route in sorted(here, key=lambda route: route["metadata"]["name"])
        for rule in route["spec"]["rules"]
        for match in matches_of(route, rule)
        if takes(match, request)
    ]
    if not found:
        return NOT_FOUND
    best = max(rank for rank, *_ in found)
    _, _, rule, match = next(one for one in found if one[0] == best)
    return act(rule, match, request, cluster)


def attached(spec: Json, request: Request, parent: str) -> bool:
    refs = [ref for ref in spec["parentRefs"] if ref["name"] == parent and ref.get("port") in (None, request.port)]
    gateway = any(ref.get("kind", "Gateway") == "Gateway" for ref in refs)
    names = spec.get("hostnames") or []
    return bool(refs) and (not gateway or not names or any(fits(name, request.host) for name in names))


def fits(pattern: str, host: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def matches_of(route: Json, rule: Json) -> Iterator[Json]:
    for match in rule.get("matches") or [{}]:
        if route["kind"] == "GRPCRoute" and "method" in match:
            method = match["method"]
            name = f"/{method['service']}"
            path = {"type": "Exact", "value": f"{name}/{method['method']}"} if "method" in method else {"type": "PathPrefix", "value": name}
            yield {**{key: value for key, value in match.items() if key != "method"}, "path": path}
        else:
            yield match


def rank(match: Json) -> tuple[int, ...]:
    path = match.get("path") or {"type": "PathPrefix", "value": "/"}
    length = len(path["value"].rstrip("/") or "/") if path["type"] == "PathPrefix" else len(path["value"])
    return _RANK[path["type"]], length, int("method" in match), len(match.get("headers") or ()), len(match.get("queryParams") or ())


def takes(match: Json, request: Request) -> bool:
    path = match.get("path") or {"type": "PathPrefix", "value": "/"}
    if not path_fits(path["type"], path["value"], request.path):
        return False
    if match.get("method") not in (None, request.method):
        return False
    for listed, held in ((match.get("headers"), request.header), (match.get("queryParams"), request.parameters)):
        for one in listed or ():
            text = held.get(one["name"])
            if text is None:
                return False
            regex = one.get("type") == "RegularExpression"
            if (re.fullmatch(one["value"], text) is None) if regex else text != one["value"]:
                return False
    return True


def path_fits(kind: str, value: str, path: str) -> bool:
    if kind == "RegularExpression":
        return re.fullmatch(value, path) is not None
    if kind == "Exact":
        return path == value
    start = value.rstrip("/")
    return path == start or path.startswith(start + "/")


def act(rule: Json, match: Json, request: Request, cluster: Cluster) -> Answer:
    filters = rule.get("filters") or []
    headers = changes(filters)
    for one in filters:
        if one["type"] == "RequestRedirect":
            return Answer(redirect=redirected(one["requestRedirect"], match, request), headers=headers)
    refs = [(ref, ref.get("weight", 1)) for ref in rule.get("backendRefs") or []]
    if not sum(weight for _, weight in refs):
        return Answer(path="500")
    path, host = rewritten(filters, match, request)
    timeouts = rule.get("timeouts") or {}
    return Answer(
        shares=spread(
            [(cluster.endpoint(ref["name"], ref["port"], headers=changes(ref.get("filters") or [])), weight) for ref, weight in refs]
        ),
        path=path,
        host=host,
        headers=headers,
        mirrors=mirrored(filters, cluster),
        timeout=millis(timeouts.get("request")),
        each=millis(timeouts.get("backendRequest")),
        retry=retried(rule.get("retry")),
    )


def changes(filters: list[Json]) -> str:
    said: Json = {}
    for one in filters:
        for side, field in (("request", "requestHeaderModifier"), ("response", "responseHeaderModifier")):
            if field in one:
                held = one[field]
                said[side] = {
                    **{verb: {entry["name"]: entry["value"] for entry in held.get(verb) or ()} for verb in ("set", "add")},
                    "remove": held.get("remove") or [],
                }
    return operations(said)


def rewritten(filters: list[Json], match: Json, request: Request) -> tuple[str, str]:
    path, host = request.path, request.host
    for one in filters:
        if one["type"] == "URLRewrite":
            rewrite = one["urlRewrite"]
            host = rewrite.get("hostname") or host
            if "path" in rewrite:
                path = replaced(rewrite["path"], match, path)
    return path, host


def replaced(modifier: Json, match: Json, path: str) -> str:
    if modifier["type"] == "ReplaceFullPath":
        return str(modifier["replaceFullPath"])
    prefix = match["path"]["value"].rstrip("/")
    assert match["path"]["type"] == "PathPrefix"
    return (modifier["replacePrefixMatch"].rstrip("/") + path[len(prefix) :]) or "/"


def redirected(redirect: Json, match: Json, request: Request) -> str:
    scheme = redirect.get("scheme") or "http"
    port = redirect.get("port") or ((80 if scheme == "http" else 443) if "scheme" in redirect else request.port)
    said = "" if (scheme, port) in (("http", 80), ("https", 443)) else f":{port}"
    path = replaced(redirect["path"], match, request.path) if "path" in redirect else request.path
    return f"{redirect.get('statusCode', 302)} {scheme}://{redirect.get('hostname') or request.host}{said}{path}"


def mirrored(filters: list[Json], cluster: Cluster) -> tuple[tuple[Endpoint, Fraction], ...]:
    out = []
    for one in filters:
        if one["type"] == "RequestMirror":
            mirror = one["requestMirror"]
            share = Fraction(mirror.get("percent", 100))
            if "fraction" in mirror:
                share = Fraction(100 * mirror["fraction"]["numerator"], mirror["fraction"].get("denominator", 100))
            out.append((cluster.endpoint(mirror["backendRef"]["name"], mirror["backendRef"]["port"]), share))
    return tuple(sorted(out))


def retried(retry: Json | None) -> str:
    if retry is None:
        return DEFAULT_RETRY
    if retry.get("attempts") == 0:
        return "0"
    named = ["cancelled", "connect-failure", "refused-stream", "unavailable", *sorted(str(code) for code in retry.get("codes") or ())]
    return f"{retry.get('attempts', 2)} on {','.join(named)}"
