"""Values of what installs a component of the mesh, set where the repository has them."""

from __future__ import annotations

from typing import Final

from meshlint.edit.changes import Changes
from meshlint.edit.emit import Plain
from meshlint.model.installation import ISTIOD, OWN_TREE, Installer, Layer
from meshlint.model.kind import Kind
from meshlint.model.node import Node

_OPERATORS: Final = (Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.ISTIO_CNI, Kind.ZTUNNEL)
_SHARED: Final = ("global", "meshConfig")
_AMBIENT: Final = {"default": "ambient", "": "ambient", "openshift": "openshift-ambient"}


def set_value(made: Changes, installer: Installer, path: tuple[str, ...], value: Plain) -> bool:
    """Give a component a value of its chart, in the place of the one that it has or among those that win. False: nowhere here."""
    held = installer.value(*path)
    if held.present:
        if _shared(held, installer):
            return False
        if isinstance(value, bool):
            switch(made, held, value)
        else:
            made.set(held, value)
        return True
    if installer.rendered:
        return False
    where = _values(installer)
    if where is None:
        return False
    node, below = where
    made.set_key(node, (*below, *_below_own(installer, path)), value)
    return True


def _below_own(installer: Installer, path: tuple[str, ...]) -> tuple[str, ...]:
    """Operators know a component's own values below its key only, the charts at the top as well."""
    shared = _SHARED if installer.component == ISTIOD else ("global",)
    if installer.holder is None or installer.holder.kind not in _OPERATORS or path[0] in (OWN_TREE.get(installer.component), *shared):
        return path
    return (OWN_TREE[installer.component], *path)


def _values(installer: Installer) -> tuple[Node, tuple[str, ...]] | None:
    """A mapping that is there, and the path below it under which the component's values stand."""
    for layer in installer.layers:
        if _is_mapping(layer) and not _is_holder(layer.node, installer):
            return None if _shared(layer.node, installer) else (layer.node, ())
    holder, root = installer.holder, installer.root
    if installer.filled or installer.fixed or any(layer.only == "global" for layer in installer.layers):
        return None  # a chart of several components: which key is this one's, its values would have to tell
    if holder is None:
        return (root, ("valuesInline",)) if root.get("repo").present and not root.get("valuesFile").present else None
    if holder.kind is Kind.HELM_RELEASE or holder.kind in _OPERATORS:
        return (root, ("spec", "values")) if holder.spec.is_map and not holder.spec.get("values").is_map else None
    source = holder.spec.get("source")
    if holder.kind is Kind.ARGO_APPLICATION and source.get("chart").present and not source.get("helm", "values").present:
        return source, ("helm", "valuesObject")
    return None


def _shared(node: Node, installer: Installer) -> bool:
    """Does it stand in a template that makes other components, too?"""
    return installer.filled and node.file == installer.file


def _is_mapping(layer: Layer) -> bool:
    return layer.node.is_map and not layer.named and not layer.env and not layer.only


def _is_holder(node: Node, installer: Installer) -> bool:
    """Does a layer stand for values that are not there: the entry of a chart, or an Application's `helm`?"""
    return node == installer.root or (installer.holder is not None and node.path[-1:] == ("helm",))


def set_profile(made: Changes, installer: Installer) -> bool:
    """Install a component with the profile ambient. False: it has a profile whose settings would be lost, or no place for one."""
    named = [node for node in (*installer.profile, installer.value("profile"), installer.value("global", "profile")) if node.present]
    if named:
        if _shared(named[0], installer):
            return False
        wanted = _AMBIENT.get(named[0].text or "") if named[0] or named[0].value is None else None
        if wanted is not None:
            made.set(named[0], wanted)
        return wanted is not None
    if installer.holder is not None and installer.holder.kind in _OPERATORS:
        made.set_key(installer.root, ("spec", "profile"), "ambient")
        return True
    return set_value(made, installer, ("profile",), "ambient")


def switch(made: Changes, node: Node, on: bool) -> None:
    """Turn a switch, written as it was: a boolean, or a text."""
    made.set(node, on if isinstance(node.value, bool) else str(on).lower())
