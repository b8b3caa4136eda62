"""The matches of an http entry, or why one of them has no counterpart."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node, scalar_text
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.matches import Match
from meshlint.semantics.convert.paths import ANY, Path, path_of
from meshlint.semantics.convert.patterns import Pattern, pattern
from meshlint.semantics.convert.stay import Stay

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_KINDS = ("exact", "prefix", "regex")
_NAME = lazy_regex(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")
_CASELESS = "(?i)"
_NO_COUNTERPART = {
    "withoutHeaders": (
        "excludes requests by a header",
        "Write what it excludes as a rule of its own with that header, in front of this one.",
    ),
    "authority": ("matches on the authority", "Give the host a VirtualService of its own."),
    "scheme": ("matches on the scheme", "Tell the schemes apart by port."),
    "sourceLabels": ("matches on the labels of the caller", "Match on a header that the caller sets, or use an AuthorizationPolicy."),
    "sourceNamespace": (
        "matches on the namespace of the caller",
        "Match on a header that the caller sets, or use one Service for each consumer.",
    ),
}
_KNOWN = frozenset({"uri", "method", "headers", "queryParams", "ignoreUriCase", "port", "gateways", "name", "statPrefix"})


class Condition(NamedTuple):
    """One match as written: what it takes, on which ports and gateways (empty: all), and where it stands.

    `whole`: a rewrite replaces the whole path of what it takes, because the VirtualService compares it by regular expression.
    """

    match: Match
    at: Node
    port: int | None = None
    gateways: tuple[str, ...] = ()
    whole: bool = False


def conditions_of(rule: Node) -> list[Condition]:
    """The matches of an http entry in their order; one that takes everything where it has none."""
    written = rule.get("match")
    if not written.present or written.value in (None, []):
        return [Condition(Match(), rule)]
    return [condition for at in written.each() for condition in _read(at)]


def _read(at: Node) -> Iterator[Condition]:
    if not at.is_map:
        yield Condition(Match(), at)
        return
    for key, below in at.items():
        if below.value in (None, "", [], {}, False):
            continue
        if key in _NO_COUNTERPART:
            said, remedy = _NO_COUNTERPART[key]
            raise Stay(below, f"{said} ({key}), and no match of a route can", remedy)
        if key not in _KNOWN:
            raise Stay(below, f"matches on {key}, which is not known to have a counterpart")
    path, whole = _path(at.get("uri"), at.get("ignoreUriCase").value is True)
    headers, query = _patterns(at.get("headers"), lower=True), _patterns(at.get("queryParams"))
    port = at.get("port").value
    gateways = tuple(node.text or "" for node in at.get("gateways").each())
    for method in _methods(at.get("method")):
        yield Condition(Match(path, method, headers, query), at, port if isinstance(port, int) else None, gateways, whole)


def _path(uri: Node, caseless: bool) -> tuple[Path, bool]:
    if not uri or uri.value == {}:
        return ANY, False
    kind, value, at = _condition(uri)
    if not value:
        raise Stay(at, f"has an empty {kind} for the path, which Istio does not define")
    path = path_of(kind, value)
    if caseless and kind != "regex" and path != ANY:
        path = path_of("regex", _CASELESS + _quoted(path.value) + ("" if kind == "exact" else ".*"))
    return path, kind == "regex"


def _quoted(text: str) -> str:
    from meshlint.semantics.convert.patterns import quoted

    return quoted(text)


def _condition(node: Node) -> tuple[str, str, Node]:
    for kind in _KINDS:
        if node.get(kind).present:
            return kind, scalar_text(node.get(kind).value), node.get(kind)
    raise Stay(node, "has a condition that is neither exact, prefix nor regex")


def _patterns(node: Node, lower: bool = False) -> dict[str, Pattern]:
    out: dict[str, Pattern] = {}
    for key, below in node.items():
        name = key.lower() if lower else key
        if key.startswith("@request.auth"):
            raise Stay(
                below,
                f"matches on the JWT claim {key}, and no match of a route can",
                "Use an AuthorizationPolicy with request.auth.claims.",
            )
        if not _NAME.fullmatch(key):
            raise Stay(below, f"matches on {key}, and the name in a match of a route cannot be that")
        if name in out:
            raise Stay(below, f"has two conditions on {name}, and a match of a route has one for each name")
        out[name] = _pattern(below)
    if len(out) > 16:
        raise Stay(node, f"has {len(out)} conditions in one match, and a match of a route has at most 16")
    return out


def _pattern(node: Node) -> Pattern:
    if node.value in (None, {}):
        return Pattern("present")
    kind, value, at = _condition(node)
    if not value and kind != "prefix":
        raise Stay(at, "asks for an empty value, which a match of a route cannot name")
    return pattern(kind, value) if value else Pattern("present")


def _methods(node: Node) -> tuple[str | None, ...]:
    if not node or node.value == {}:
        return (None,)
    kind, value, at = _condition(node)
    names = (value,) if kind == "exact" else tuple(value.removeprefix("^").removesuffix("$").strip("()").split("|"))
    if kind == "prefix" or any(name not in METHODS for name in names):
        raise Stay(at, f"matches on the method by {kind} {value}, and a match of a route has one of {', '.join(METHODS)}")
    return tuple(dict.fromkeys(names))
