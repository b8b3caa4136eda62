"""A VirtualService at work: the first match from the top, prefixes as text."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tests.routing.cluster import Cluster
from tests.routing.common import DEFAULT_RETRY, NOT_FOUND, Answer, Endpoint, Request, millis, operations, spread

Json = dict[str, Any]


def answer(spec: Json, request: Request, cluster: Cluster, gateway: str, segments: bool = False) -> Answer | None:
    """What becomes of a request at a gateway (or `mesh`). None: the VirtualService has no part in this port. `segments`: prefixes are
    read as somebody means them who says --segments."""
    acting = False
    for rule in spec.get("http") or ():
        matches = rule.get("match") or [{}]
        here = [m for m in matches if m.get("port") in (None, request.port) and (not m.get("gateways") or gateway in m["gateways"])]
        acting = acting or bool(here)
        for match in here:
            if takes(match, request, segments):
                return act(rule, match, request, cluster, segments)
    return NOT_FOUND if acting else None


def takes(match: Json, request: Request, segments: bool = False) -> bool:
    fold = match.get("ignoreUriCase") is True
    uri = match.get("uri")
    if segments and uri and "prefix" in uri:
        start = uri["prefix"].rstrip("/")
        path, start = (request.path.lower(), start.lower()) if fold else (request.path, start)
        if path != start and not path.startswith(start + "/"):
            return False
        uri = None
    conditions = [(uri, request.path, fold), (match.get("method"), request.method, False)]
    for name, one in (match.get("headers") or {}).items():
        if name.lower() not in request.header:
            return False
        conditions.append((one, request.header[name.lower()], False))
    for name, one in (match.get("queryParams") or {}).items():
        if name not in request.parameters:
            return False
        conditions.append((one, request.parameters[name], False))
    return all(meets(*condition) for condition in conditions)


def meets(one: Json | None, text: str, fold: bool = False) -> bool:
    if not one:
        return True
    ((kind, value),) = one.items()
    if kind == "regex":
        return value == "*" or re.fullmatch(value, text) is not None
    value, text = (value.lower(), text.lower()) if fold else (value, text)
    return text == value if kind == "exact" else text.startswith(value)


def act(rule: Json, match: Json, request: Request, cluster: Cluster, segments: bool = False) -> Answer:
    headers = operations(rule.get("headers") or {})
    if rule.get("redirect"):
        return Answer(redirect=redirected(rule["redirect"], request), headers=headers)
    routes = rule["route"]
    weights = [1] if len(routes) == 1 else [route.get("weight", 0) for route in routes]
    parts = [
        (sent(route["destination"], request, cluster, operations(route.get("headers") or {})), weight)
        for route, weight in zip(routes, weights, strict=True)
    ]
    path, host = rewritten(rule.get("rewrite") or {}, match, request, segments)
    retries = rule.get("retries")
    return Answer(
        shares=spread(parts),
        path=path,
        host=host,
        headers=headers,
        mirrors=mirrored(rule, request, cluster),
        timeout=millis(rule.get("timeout")),
        each=millis((retries or {}).get("perTryTimeout")),
        retry=retried(retries),
    )


def sent(destination: Json, request: Request, cluster: Cluster, headers: str = "") -> Endpoint:
    ports = cluster.ports(destination["host"].split(".")[0])
    port = (destination.get("port") or {}).get("number") or (ports[0] if len(ports) == 1 else request.port)
    return cluster.endpoint(destination["host"], port, destination.get("subset"), headers)


def rewritten(rewrite: Json, match: Json, request: Request, segments: bool = False) -> tuple[str, str]:
    uri, written = rewrite.get("uri"), match.get("uri") or {"prefix": "/"}
    path = request.path
    if uri:
        if segments and "prefix" in written:
            path = (uri.rstrip("/") + path[len(written["prefix"].rstrip("/")) :]) or "/"
        else:
            path = uri if "prefix" not in written else uri + path[len(written["prefix"]) :]
    if regex := rewrite.get("uriRegexRewrite"):
        path = re.sub(regex["match"], regex["rewrite"], path, count=1)
    return path, rewrite.get("authority") or request.host


def redirected(redirect: Json, request: Request) -> str:
    """The Location, and the code. Without a port of its own, that of the scheme; 80 is not said."""
    scheme = redirect.get("scheme") or "http"
    port = redirect.get("port") or (request.port if redirect.get("derivePort") == "FROM_REQUEST_PORT" else 80 if scheme == "http" else 443)
    said = "" if (scheme, port) in (("http", 80), ("https", 443)) else f":{port}"
    location = f"{scheme}://{redirect.get('authority') or request.host}{said}{redirect.get('uri') or request.path}"
    return f"{redirect.get('redirectCode', 301)} {location}"


def mirrored(rule: Json, request: Request, cluster: Cluster) -> tuple[tuple[Endpoint, Fraction], ...]:
    out = []
    if rule.get("mirror"):
        out.append((rule["mirror"], rule.get("mirrorPercentage")))
    out += [(one["destination"], one.get("percentage")) for one in rule.get("mirrors") or ()]
    parts = [
        (sent(where, request, cluster), Fraction(100) if share is None else Fraction(str(share.get("value", 0)))) for where, share in out
    ]
    return tuple(sorted((endpoint, share) for endpoint, share in parts if share > 0))


def retried(retries: Json | None) -> str:
    if retries is None:
        return DEFAULT_RETRY
    if not retries.get("attempts"):
        return "0"
    on = retries.get("retryOn") or "cancelled,connect-failure,refused-stream,unavailable,503"
    named = sorted(one for one in on.split(",") if not one.isdigit() and one != "retriable-status-codes")
    return f"{retries['attempts']} on {','.join((*named, *sorted(one for one in on.split(',') if one.isdigit())))}"
