"""URLRewrite: what stands for the rewritten path depends on how the match says its path.

Istio replaces the text of a matched prefix (/api by / makes //x of /api/x), and the whole path behind an exact or regex match;
ReplacePrefixMatch replaces whole segments.
"""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.semantics.convert.filters import Filter, hostname
from meshlint.semantics.convert.matches import Atom
from meshlint.semantics.convert.paths import ANY, EXACT, REGEX, SEGMENTS
from meshlint.semantics.convert.stay import Stay, only

_ALL = frozenset({".*", "/.*", "^.*$", "^/.*$"})


class Rewrite:
    """The `rewrite` of an http entry. `uri` is empty where the path stays; `full` where the whole path is replaced by it."""

    def __init__(self, written: Node, segments: bool = False) -> None:
        only(written, frozenset({"uri", "authority", "uriRegexRewrite"}), "rewrite")
        self.at = written.get("uri")
        self.uri = written.get("uri").text or ""
        self.segments = segments
        self.hostname = hostname(written.get("authority"), "rewrites the authority to") if written.get("authority").text else ""
        self.full = False
        regex = written.get("uriRegexRewrite")
        if regex.get("match").present:
            self._whole(regex)

    def _whole(self, regex: Node) -> None:
        by = regex.get("rewrite")
        if regex.get("match").text not in _ALL or "\\" in (by.text or "") or not (by.text or "").startswith("/"):
            raise Stay(regex, "rewrites the path by a regular expression, and URLRewrite replaces a prefix or the whole path")
        self.at, self.uri, self.full = by, by.text or "", True

    @property
    def by_prefix(self) -> bool:
        """Does what it says depend on the matched path?"""
        return bool(self.uri) and not self.full

    def filter_for(self, atom: Atom, whole: bool) -> Filter | None:
        """The filter for what a match takes; `whole`: the VirtualService compares the path by regular expression."""
        said: Filter = {}
        if self.hostname:
            said["hostname"] = self.hostname
        if self.uri:
            path = self._full(self.uri) if self.full or whole else self._path(atom)
            if path:
                said["path"] = path
        return {"type": "URLRewrite", "urlRewrite": said} if said else None

    def _full(self, value: str) -> dict[str, str]:
        return {"type": "ReplaceFullPath", "replaceFullPath": value}

    def _path(self, atom: Atom) -> dict[str, str] | None:
        origin, taken = atom.origin.path, atom.match.path
        if origin.kind == REGEX and origin.value.endswith(".*"):
            raise Stay(self.at, "rewrites a prefix whose case is ignored, and ReplacePrefixMatch compares it")
        if origin.kind in (EXACT, REGEX):
            return self._full(self.uri)
        if origin == ANY and self.uri == "/":
            return None
        start = origin.value
        behind = self.uri + taken.value[len(start) :]
        if taken.kind == EXACT and taken.value.startswith(start):
            return self._full(behind)
        if taken.kind != SEGMENTS or atom.form.type != "PathPrefix":
            raise self._stay(start)
        if taken.value + "/" == start:  # said as /api, where it is /api/ that is replaced
            if not self.uri.endswith("/"):
                raise self._stay(start)
            return self._prefix(self.uri[:-1])
        if behind.endswith("/") and not self.segments:
            raise Stay(
                self.at, f"rewrites {taken.value}/x to {behind}/x, and ReplacePrefixMatch makes {behind}x of it",
                f"Match on {taken.value}/ (and exactly on {taken.value}), or convert with --segments.",
            )  # fmt: skip
        return self._prefix(behind.removesuffix("/"))

    def _prefix(self, value: str) -> dict[str, str]:
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": value or "/"}

    def _stay(self, start: str) -> Stay:
        if start == "/":
            return Stay(self.at, f"rewrites the first character of every path (/x to {self.uri}x), and ReplacePrefixMatch whole segments")
        other = f"{start}x" if not start.endswith("/") else start[:-1]
        how = "takes" if not start.endswith("/") else "leaves out"
        return Stay(
            self.at, f"rewrites a prefix that is compared as text: {start} {how} {other}, and ReplacePrefixMatch needs whole segments",
            f"Match on {start.rstrip('/')}/ and exactly on {start.rstrip('/')}, or convert with --segments.",
        )  # fmt: skip


def needs_prefix(rewrite: Rewrite | None) -> bool:
    """Is it the matched part that is rewritten, so that the match has to be a PathPrefix?"""
    return rewrite is not None and rewrite.by_prefix
