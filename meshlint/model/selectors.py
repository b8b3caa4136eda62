"""Label selectors of Kubernetes (matchLabels, matchExpressions) against labels."""

from __future__ import annotations

from collections.abc import Mapping

from meshlint.model.node import Node

_NAME = "kubernetes.io/metadata.name"


def selects(selector: Node, labels: Mapping[str, str]) -> bool | None:
    """Does a selector take something with these labels? An empty one takes everything. None: a template decides."""
    answers = [_equal(value, labels.get(key)) for key, value in selector.get("matchLabels").items()]
    answers += [_expression(item, labels) for item in selector.each("matchExpressions")]
    if selector.unknown or selector.get("matchLabels").unknown or selector.get("matchExpressions").unknown:
        answers.append(None)
    if False in answers:
        return False
    return None if None in answers else True


def selects_namespace(selector: Node, name: str, labels: Mapping[str, str] | None) -> bool | None:
    """The same of a namespace; its name is a label that the API server sets. `labels` None: all others are not known."""
    keys = {*(key for key, _ in selector.get("matchLabels").items()), *(key.text for key in selector.each("matchExpressions", "key"))}
    if labels is None and not keys <= {_NAME}:
        return None
    return selects(selector, {_NAME: name, **(labels or {})})


def _equal(value: Node, label: str | None) -> bool | None:
    return None if value.unknown else label is not None and label == value.text


def _expression(item: Node, labels: Mapping[str, str]) -> bool | None:
    key, operator = item.get("key").text, item.get("operator").text
    values = [value.text for value in item.each("values")]
    if key is None or operator is None or None in values:
        return None
    if operator in ("In", "NotIn"):
        return (labels.get(key) in values) is (operator == "In")
    return (key in labels) is (operator == "Exists") if operator in ("Exists", "DoesNotExist") else None
