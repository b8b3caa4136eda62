"""Filters of a route rule: headers, mirrors of requests, CORS, redirects."""

from __future__ import annotations

from typing import Any

from meshlint.model.kind import Kind
from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node, scalar_text
from meshlint.model.target import Target
from meshlint.semantics.convert.durations import milliseconds
from meshlint.semantics.convert.stay import Stay, only

Filter = dict[str, Any]
_TYPES = "spec.rules[].filters[].type"
_HOSTNAME = lazy_regex(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_ORIGIN = lazy_regex(r"[a-zA-Z][a-zA-Z0-9+\-.]+://[^:/?#*]+(:[0-9]{1,5})?")
_ANY_ORIGIN = frozenset({".*", ".+", "*", "^.*$", "^.+$"})
_SIDES = (("request", "RequestHeaderModifier", "requestHeaderModifier"), ("response", "ResponseHeaderModifier", "responseHeaderModifier"))


def header_filters(headers: Node) -> list[Filter]:
    """`headers` of an http entry or of one of its destinations."""
    only(headers, frozenset({"request", "response"}), "headers")
    out: list[Filter] = []
    for side, type_, field in _SIDES:
        changes = headers.get(side)
        only(changes, frozenset({"set", "add", "remove"}), f"headers.{side}")
        said: Filter = {}
        for verb in ("set", "add"):
            if changes.get(verb).value:
                said[verb] = _values(changes.get(verb))
        if removed := [node for node in changes.get("remove").each() if node.text]:
            said["remove"] = [_name(node, node.text or "") for node in removed]
        if said:
            out.append({"type": type_, field: said})
    return out


def _values(node: Node) -> list[dict[str, str]]:
    entries = [{"name": _name(below, name), "value": scalar_text(below.value)} for name, below in node.items()]
    if len({entry["name"].lower() for entry in entries}) < len(entries):
        raise Stay(node, "names a header twice, and a filter takes each once")
    for entry, (_, below) in zip(entries, node.items(), strict=True):
        if not entry["value"]:
            raise Stay(below, f"gives the header {entry['name']} an empty value, and a filter of a route cannot")
    return entries


def _name(at: Node, name: str) -> str:
    if name.lower() in ("host", ":authority"):
        raise Stay(at, f"changes the header {name}, which rewrites the authority", "Write it as rewrite.authority.")
    if name.startswith(":"):
        raise Stay(at, f"changes {name}, and a filter of a route cannot")
    return name


def share(node: Node, target: Target, default: float = 100) -> dict[str, Any] | None:
    """The share of requests that a mirror gets, as percent or fraction; empty for all, None for no request at all."""
    from fractions import Fraction

    value = node.value if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else default
    parts = Fraction(str(value)).limit_denominator(10_000) / 100
    if parts <= 0:
        return None
    if parts >= 1:
        return {}
    whole = (parts * 100).denominator == 1
    field = target.field(Kind.HTTP_ROUTE, f"spec.rules[].filters[].requestMirror.{'percent' if whole else 'fraction'}")
    if not field.in_target:
        raise Stay(node, f"mirrors {value} % of the requests, and RequestMirror takes all of them ({field.since})")
    if whole:
        return {"percent": int(parts * 100)}
    return {"fraction": {"numerator": parts.numerator, "denominator": parts.denominator}}


def cors(policy: Node, target: Target) -> Filter:
    """The CORS filter of a corsPolicy."""
    field = target.enum_value(Kind.HTTP_ROUTE, _TYPES, "CORS")
    if not field.in_target or "CORS" not in target.filters(Kind.HTTP_ROUTE):
        raise Stay(policy, f"has a CORS policy, and HTTPRoute has no CORS filter in the target ({field.since})")
    only(policy, frozenset({
        "allowOrigin", "allowOrigins", "allowMethods", "allowHeaders", "exposeHeaders", "maxAge", "allowCredentials", "unmatchedPreflights",
    }), "corsPolicy")  # fmt: skip
    if policy.get("unmatchedPreflights").text == "FORWARD":
        raise Stay(policy.get("unmatchedPreflights"), "forwards unmatched preflights, and the CORS filter answers them")
    said: Filter = {}
    older = [one.text or "" for one in policy.each("allowOrigin")]  # read only where allowOrigins is not there
    if origins := [_origin(one) for one in policy.each("allowOrigins")] or older:
        said["allowOrigins"] = list(dict.fromkeys(origins))
    if policy.get("allowCredentials").value is True:
        said["allowCredentials"] = True
    for key in ("allowMethods", "allowHeaders", "exposeHeaders"):
        if listed := [scalar_text(one.value) for one in policy.each(key)]:
            said[key] = list(dict.fromkeys(listed))
    if policy.get("maxAge"):
        said["maxAge"] = milliseconds(policy.get("maxAge")) // 1000
        if not said["maxAge"]:
            raise Stay(policy.get("maxAge"), "keeps browsers from remembering preflights, and the CORS filter has at least a second")
    return {"type": "CORS", "cors": said}


def _origin(origin: Node) -> str:
    exact, regex = origin.get("exact").text, origin.get("regex").text
    if regex in _ANY_ORIGIN:
        return "*"
    if exact == "*" or (exact is not None and _ORIGIN.fullmatch(exact)):
        return exact
    kind, value = next(((kind, node) for kind, node in origin.items()), ("origin", origin))
    raise Stay(value, f"allows origins by {kind} {value.text}, and the CORS filter takes origins as they are sent", "List the origins.")


def hostname(node: Node, what: str) -> str:
    if not _HOSTNAME.fullmatch(node.text or ""):
        raise Stay(node, f"{what} {node.text}, and a filter takes a plain host name")
    return node.text or ""


def redirect(written: Node, target: Target, plain_ports: bool) -> Filter:
    """The RequestRedirect filter. `plain_ports`: requests come in on the default port of their scheme (80 or 443)."""
    only(written, frozenset({"uri", "authority", "port", "derivePort", "scheme", "redirectCode"}), "redirect")
    said: Filter = {}
    if scheme := written.get("scheme").text:
        said["scheme"] = scheme
    if written.get("authority").text:
        said["hostname"], port = _authority(written.get("authority"))
        if port and not written.get("port"):
            said["port"] = port
    if uri := written.get("uri").text:
        if "%" in uri:
            raise Stay(written.get("uri"), f"redirects to {uri}, and RequestRedirect has no operators")
        said["path"] = {"type": "ReplaceFullPath", "replaceFullPath": uri}
    if written.get("port").value:
        said["port"] = written.get("port").value
    elif "port" not in said:
        _port_fits(written, bool(scheme), plain_ports)
    code = written.get("redirectCode")
    number = code.value or 301
    field = target.enum_value(Kind.HTTP_ROUTE, "spec.rules[].filters[].requestRedirect.statusCode", str(number))
    if not field.in_target or number not in (301, 302, 303, 307, 308):
        raise Stay(code, f"redirects with {number}, and RequestRedirect cannot in the target ({field.since})")
    said["statusCode"] = number
    return {"type": "RequestRedirect", "requestRedirect": said}


def _authority(node: Node) -> tuple[str, int | None]:
    name, colon, port = (node.text or "").partition(":")
    if not _HOSTNAME.fullmatch(name) or (colon and not port.isdigit()):
        raise Stay(node, f"redirects to {node.text}, and RequestRedirect takes a host name and a port")
    return name, int(port) if colon else None


def _port_fits(written: Node, scheme: bool, plain_ports: bool) -> None:
    """Without a port, RequestRedirect takes that of the scheme, or without a scheme that of the request."""
    derive = written.get("derivePort")
    of_request = derive.text == "FROM_REQUEST_PORT"
    if plain_ports and not scheme:
        return
    if of_request is scheme:
        has = "the default port of the scheme" if scheme else "the port of the request"
        raise Stay(
            derive if derive else written, f"redirects to another port than RequestRedirect, which takes {has} here", "Name the port."
        )
