"""Values that a HelmRelease of Flux takes from ConfigMaps (valuesFrom)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Final

from meshlint.model.installation import Layer
from meshlint.model.kind import Kind
from meshlint.model.node import Node, dotted
from meshlint.model.resource import Resource
from meshlint.read.inner import documents_in
from meshlint.render.target_path import key_of, steps_of

_QUOTES: Final = "'\""


class ConfigMaps:
    """Those that are applied together with a release. They are looked for only where a release names one."""

    def __init__(self, near: Sequence[Sequence[Resource]], several: Callable[[str], bool]) -> None:
        """`several`: may a name stand for the ConfigMaps of several clusters?"""
        self._near = near
        self._several = several
        self._named: dict[str, list[Resource]] | None = None

    def of(self, release: Resource) -> dict[Node, Resource]:
        """The ConfigMap of each entry of valuesFrom that names one."""
        out = {}
        for item in release.spec.each("valuesFrom") if release.kind is Kind.HELM_RELEASE else ():
            if item.get("kind").text == "ConfigMap" and (held := self._find(item.get("name").text or "", release.namespace)) is not None:
                out[item] = held
        return out

    def _find(self, name: str, namespace: str) -> Resource | None:
        """Flux looks in the namespace of the release. None where two of that name may be meant."""
        if self._named is None:
            self._named = {}
            for resource in chain.from_iterable(self._near):
                if resource.kind is Kind.CONFIG_MAP:
                    self._named.setdefault(resource.name, []).append(resource)
        if name in self._named and self._several(name):
            return None
        found = [one for one in self._named.get(name, ()) if not (one.namespace and namespace) or one.namespace == namespace]
        exact = [one for one in found if one.namespace == namespace] or found
        return exact[0] if len({one.root for one in exact}) == 1 else None


def values_of(item: Node, held: Resource, inner: Mapping[str, Node], read: Callable[[Node], Node | None]) -> Layer | None:
    """What an entry of valuesFrom takes from its ConfigMap; None where that is not known. `inner`: what is read of its texts, `read`
    gives it of another one."""
    key = key_of(item)
    node = held.root.get("data", key)
    if item.get("targetPath").present:
        return _value(node, item.get("targetPath").text or "")
    root = inner.get(dotted(("data", key))) or read(node)
    return Layer(root) if root is not None and root.is_map else None


def document_in(node: Node) -> Node | None:
    """The only document of a text."""
    found = documents_in(node) if node else []
    if len(found) != 1:
        return None
    root = found[0]
    if node.table.origins is not None:
        from meshlint.render.origin.inner import InnerOrigins  # of what a tool printed

        root.table.origins = InnerOrigins(node, root.table)
    return root


def _value(node: Node, path: str) -> Layer | None:
    steps = steps_of(path, node.text or "")
    return Layer(node, at=steps) if steps is not None and (node.unknown or (node.text and node.text[0] not in _QUOTES)) else None
