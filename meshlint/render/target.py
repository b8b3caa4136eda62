"""Which objects a Kustomize patch concerns: by `target`, else by the kind, name and namespace that it writes itself."""

from __future__ import annotations

import re

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.draft import Draft

_PLAIN = lazy_regex(r"[\w.-]*")
_TERMS = lazy_regex(r"(?:[^,()]|\([^()]*\))+")
_SET = lazy_regex(r"([\w./-]+)\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = lazy_regex(r"([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)")
_KEY = lazy_regex(r"(!?)\s*([\w./-]+)")
_QUANTIFIERS = 3
_LONGEST = 253
_LONGEST_SELECTOR = 4_000


class Target(NamedTuple):
    """Empty parts match everything. `exact`: name and namespace are names, not patterns (a patch without `target`)."""

    group: str | None
    version: str
    kind: str
    name: str
    namespace: str
    labels: str = ""
    annotations: str = ""
    exact: bool = False

    def matches(self, draft: Draft) -> bool:
        group, _, version = draft.document.api_version.rpartition("/")
        if self.group is not None and not self._is(self.group, group):
            return False
        if not self._is(self.version, version) or not self._is(self.kind, draft.document.kind):
            return False
        return self._named(draft) and self._selected(draft)

    def _selected(self, draft: Draft) -> bool:
        return _selects(self.labels, draft.changed("labels")) and _selects(self.annotations, draft.changed("annotations"))

    def _named(self, draft: Draft) -> bool:
        """Kustomize knows an object by each name that it had on the way; a namespace not known yet may be any."""
        if self.namespace and draft.namespace and not self._is(self.namespace, draft.namespace):
            return False
        return any(self._is(self.name, name) for name in (draft.name, *draft.names))

    def _is(self, pattern: str, text: str) -> bool:
        if not pattern:
            return not self.exact or not text
        return pattern == text if self.exact else fits(pattern, text)


def by_selector(target: Node) -> Target:
    """From the `target` of a patch: the parts are patterns."""

    def part(name: str) -> str:
        return target.get(name).text or ""

    return Target(
        part("group") or None, part("version"), part("kind"), part("name"), part("namespace"),
        part("labelSelector"), part("annotationSelector"),
    )  # fmt: skip


def by_identity(patch: Node) -> Target:
    """From what a strategic-merge patch without `target` says of itself."""
    api_version = patch.get("apiVersion").text or ""
    group, _, version = api_version.rpartition("/")
    metadata = patch.get("metadata")
    name, namespace = metadata.get("name").text or "", metadata.get("namespace").text or ""
    return Target(group, version, patch.get("kind").text or "", name, namespace, exact=True)


def fits(pattern: str, text: str) -> bool:
    """Is the whole text of the pattern? Patterns that could take long to decide (nested repetition) fit nothing."""
    if _PLAIN.fullmatch(pattern) and "." not in pattern:
        return pattern == text
    repeated = sum(pattern.count(sign) for sign in "*+{?")
    if repeated > _QUANTIFIERS or re.search(r"\)[*+{?]", pattern) or len(text) > _LONGEST:
        return False
    try:
        return re.fullmatch(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        return False


def _selects(selector: str, have: dict[str, str]) -> bool:
    """A label selector of Kubernetes. One that cannot be read selects nothing."""
    return len(selector) <= _LONGEST_SELECTOR and all(_holds(term.strip(), have) for term in _TERMS.findall(selector) if term.strip())


def _holds(term: str, have: dict[str, str]) -> bool:
    if (found := _SET.fullmatch(term)) is not None:
        inside = have.get(found[1]) in [value.strip() for value in found[3].split(",")] and found[1] in have
        return inside == (found[2] == "in")
    if (found := _EQUAL.fullmatch(term)) is not None:
        return (have.get(found[1]) == found[3]) == (found[2] != "!=")
    if (found := _KEY.fullmatch(term)) is not None:
        return (found[2] in have) == (not found[1])
    return False
