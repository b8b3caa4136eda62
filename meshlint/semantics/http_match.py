"""HTTP matches of a VirtualService, and how they rank in the HTTPRoute that they become.

A VirtualService goes through its rules from the top and compares a prefix as text. Of an HTTPRoute, Istio sorts the matches
(sortHTTPRoutes in pilot/pkg/config/kube/gateway/conversion.go): exact path, prefix, regular expression; then the length of the
path, a method, the number of headers, the number of query parameters. PathPrefix compares whole path segments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from meshlint.model.node import UNKNOWN, Node, scalar_text
from meshlint.model.tuples import NamedTuple

_RANKS = {"exact": 3, "prefix": 2, "regex": 1}
_ANY = frozenset({".*", ".+", "/.*", "^.*$", "^/.*$", "^.*", "^/.*"})
_LEFT_OUT = ("sourceLabels", "sourceNamespace", "ignoreUriCase")


class Text(NamedTuple):
    """A condition on a text: exact, prefix, regex, or present (any value)."""

    kind: str
    value: str = ""


Texts = Mapping[str, Text]
_NONE: Texts = {}


class Match(NamedTuple):
    """One match of an http entry (`rule`), or the entry itself where it has none; `at` is the node of either.

    `path` is None where any path will do. `other` holds authority, scheme and port, which do not count for the rank.
    """

    rule: Node
    at: Node
    path: Text | None = None
    method: Text | None = None
    headers: Texts = _NONE
    without: Texts = _NONE
    query: Texts = _NONE
    other: Texts = _NONE

    @property
    def takes_all(self) -> bool:
        """Is every request matched?"""
        return not self.conditions and (self.path is None or self.path == Text("prefix", "/") or self.path in _ANY_PATHS)

    @property
    def conditions(self) -> Mapping[tuple[str, str], Text]:
        """All conditions but that on the path."""
        out = {("method", ""): self.method} if self.method else {}
        for name, texts in (("header", self.headers), ("without", self.without), ("query", self.query), ("other", self.other)):
            out.update({(name, key): text for key, text in texts.items()})
        return out

    def rank(self, gateway: bool = False) -> tuple[int, ...]:
        """The higher rank goes first. A gateway puts what takes every request behind all others."""
        path = self.path or Text("prefix", "/")
        length = len(trimmed(path.value) if path.kind == "prefix" else path.value)
        last = 0 if gateway and self.takes_all else 1
        return (last, _RANKS[path.kind], length, int(self.method is not None), len(self.headers), len(self.query))


_ANY_PATHS = frozenset(Text("regex", value) for value in _ANY)


def matches_of(rules: Sequence[Node]) -> list[Match]:
    """The matches of http entries in the order of the text. Those are left out of which not all is known, which ignore the
    case of the path, or which look at the caller."""
    return [match for rule in rules for match in _of_rule(rule)]


def _of_rule(rule: Node) -> Iterator[Match]:
    written = rule.get("match")
    if not written.present or written.value in (None, []):
        yield Match(rule, rule)
        return
    for at in written.each():
        if (match := _read(rule, at)) is not None:
            yield match


def _read(rule: Node, at: Node) -> Match | None:
    if not at.is_map or _open(at):
        return None
    said = {key: node for key, node in at.items() if node}
    if any(key in said and said[key].value != {} for key in _LEFT_OUT):
        return None
    path, method = (_text(said[key]) if key in said else None for key in ("uri", "method"))
    if path is not None and path.kind == "present":
        path = None
    headers, without, query = (_texts(said[key]) if key in said else _NONE for key in ("headers", "withoutHeaders", "queryParams"))
    other: dict[str, Text] = {key: _text(said[key]) for key in ("authority", "scheme") if key in said}
    if "port" in said:
        other["port"] = Text("exact", scalar_text(said["port"].value))
    return Match(rule, at, path, method, headers, without, query, other)


def _open(node: Node) -> bool:
    """Does a template fill in anything of it?"""
    values, waiting = node.table.values, [node.value]
    for value in waiting:
        if value is UNKNOWN:
            return True
        if isinstance(value, (dict, list)):
            waiting += [values[row] for row in (value.values() if isinstance(value, dict) else value)]
    return False


def _texts(node: Node) -> Texts:
    return {key.lower(): _text(below) for key, below in node.items()}


def _text(node: Node) -> Text:
    for kind in _RANKS:
        if (value := node.get(kind)).present:
            return Text(kind, scalar_text(value.value))
    return Text("present")


def trimmed(prefix: str) -> str:
    """PathPrefix ignores a slash at the end."""
    return prefix if prefix == "/" else prefix.removesuffix("/")
