"""NetworkPolicies, by the pods that they isolate."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.index.store import Store
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.resource import Resource


class NetPolicies:
    """NetworkPolicies of one environment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_namespace: dict[str, list[Resource]] | None = None

    def together(self, policy: Resource, direction: str) -> Sequence[Resource]:
        """The policies of its namespace that isolate, in a direction, every pod that this one selects; itself among them."""
        if self._by_namespace is None:
            self._by_namespace = {}
            for resource in self._store.of_kind(Kind.NETWORK_POLICY):
                self._by_namespace.setdefault(resource.namespace, []).append(resource)
        own = policy.spec.get("podSelector")
        return [
            other
            for other in self._by_namespace.get(policy.namespace, ())
            if isolates(other, direction) and _covers(other.spec.get("podSelector"), own)
        ]


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
