"""What generates ConfigMaps and Secrets: the entry of a kustomization that an object comes from."""

from __future__ import annotations

from meshlint.model.node import Node

_LISTS = {"ConfigMapGenerator": "configMapGenerator", "SecretGenerator": "secretGenerator"}


def generated(root: Node, kind: str, name: str) -> Node:
    """The entry with the longest name that the object's name holds; the kustomization itself where there is none."""
    entries = [entry for entry in root.each(_LISTS.get(kind, "generators")) if (entry.get("name").text or name + " ") in name]
    return max(entries, key=lambda entry: len(entry.get("name").text or ""), default=root)
