"""How far ServiceEntries are visible in ambient by MeshConfig's serviceEntryVisibility (Istio 1.31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshlint.index.dataplane import Dataplane
from meshlint.model.mesh import MeshSetting
from meshlint.model.node import Node
from meshlint.model.resource import Resource

_NUMBERS = {0: "PUBLIC", 1: "NONE", 2: "NAMESPACE", 3: "PUBLIC"}


def visibility(entry: Resource, settings: Sequence[MeshSetting], dataplane: Dataplane) -> tuple[str, Node] | None:
    """PUBLIC, NAMESPACE or NONE, and what says so; None: it is not set, or labels or a template that are not known decide."""
    said = [found for setting in settings if (found := setting.config.get("serviceEntryVisibility")).is_map]
    if len(said) != 1 or not entry.namespace:
        return None
    labels, holder = dataplane.namespace_labels(entry.namespace)
    labels = {**labels, "kubernetes.io/metadata.name": entry.namespace}  # the API server sets it
    for policy in said[0].each("policies"):
        matches = _matches(policy, labels, holder is not None)
        if matches is None:
            return None
        if matches:
            return _value(policy.get("visibility"))
    return _value(said[0].get("defaultVisibility"))


def _value(node: Node) -> tuple[str, Node] | None:
    if node.unknown:
        return None
    if isinstance(node.value, int):
        return _NUMBERS.get(node.value, "PUBLIC"), node
    return (node.text if node.text in ("NONE", "NAMESPACE") else "PUBLIC"), node


def _matches(policy: Node, labels: Mapping[str, str], known: bool) -> bool | None:
    """Do all rules of a policy match (none at all: yes)? `known`: are all labels of the namespace known?"""
    answers = [_selects(rule.get("namespaceSelector"), labels, known) for rule in policy.each("matchingRules")]
    if False in answers:
        return False
    return None if None in answers else True


def _selects(selector: Node, labels: Mapping[str, str], known: bool) -> bool | None:
    if selector.unknown:
        return None
    if not selector.is_map:
        return False
    answers = [_pair(key, node, labels, known) for key, node in selector.get("matchLabels").items()]
    answers += [_expression(node, labels, known) for node in selector.each("matchExpressions")]
    if False in answers:
        return False
    return None if None in answers else True


def _pair(key: str, node: Node, labels: Mapping[str, str], known: bool) -> bool | None:
    if node.unknown or (key not in labels and not known):
        return None
    return node.text is not None and labels.get(key) == node.text


def _expression(node: Node, labels: Mapping[str, str], known: bool) -> bool | None:
    key, operator = node.get("key").text or "", node.get("operator").text
    values = list(node.each("values"))
    if (key not in labels and not known) or any(value.unknown for value in values):
        return None
    inside = labels.get(key) in [value.text for value in values]
    answers = {"In": inside, "NotIn": not inside, "Exists": key in labels, "DoesNotExist": key not in labels}
    return answers.get(operator or "")
