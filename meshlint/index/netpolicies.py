"""NetworkPolicies, by the pods that they isolate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource


class NetPolicies:
    """NetworkPolicies of one environment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_label: dict[tuple[str, str], dict[tuple[str, str] | None, list[tuple[int, Resource]]]] = {}

    def together(self, policy: Resource, direction: str) -> Sequence[Resource]:
        """The policies of its namespace that isolate, in a direction, every pod that this one selects; itself among them."""
        held = self._isolating(direction).get((policy.namespace, direction), {})
        own = policy.spec.get("podSelector")
        labels = (None, *own.get("matchLabels").strings().items())
        found = sorted((pair for label in labels for pair in held.get(label, ())), key=itemgetter(0))
        return [other for _, other in found if _covers(other.spec.get("podSelector"), own)]

    def _isolating(self, direction: str) -> Mapping[tuple[str, str], Mapping[tuple[str, str] | None, Sequence[tuple[int, Resource]]]]:
        """By namespace and direction, then by the first label that they select by (None: by none), with their number in order."""
        if not any(known == direction for _, known in self._by_label):
            for number, resource in enumerate(self._store.of_kind(Kind.NETWORK_POLICY)):
                if isolates(resource, direction):
                    label = next(iter(resource.spec.get("podSelector", "matchLabels").strings().items()), None)
                    held = self._by_label.setdefault((resource.namespace, direction), {})
                    held.setdefault(label, []).append((number, resource))
        return self._by_label


def isolates(policy: Resource, direction: str) -> bool:
    """Does a NetworkPolicy restrict Ingress or Egress? Without policyTypes: Ingress always, Egress where it has egress rules."""
    types = policy.spec.get("policyTypes")
    if types.present:
        return direction in [node.text for node in types.each()]
    return direction == "Ingress" or policy.spec.get("egress").present


def _covers(wide: Node, narrow: Node) -> bool:
    """Does one pod selector surely take every pod that the other takes?"""
    if wide.get("matchExpressions").value:
        return wide == narrow
    labels = narrow.get("matchLabels").strings()
    return not wide.unknown and all(labels.get(key) == value for key, value in wide.get("matchLabels").strings().items())
