"""What a policy is for: by selector, by targetRefs, or its whole namespace or mesh."""

from __future__ import annotations

from enum import Enum

from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

WAYPOINT_CLASS = "istio-waypoint"


class Scope(Enum):
    MESH = "mesh"  # in the root namespace, no selector
    NAMESPACE = "namespace"  # no selector
    WORKLOAD = "workload"  # selector
    TARGETS = "targets"  # targetRefs or targetRef


class PolicyTarget(NamedTuple):
    """One targetRef: `at` is the mapping, `group` "" for the core group; `resource` is the object of that name in the
    policy's namespace, None where the repository does not hold it."""

    at: Node
    group: str
    kind: str
    name: str
    resource: Resource | None


class Peer(NamedTuple):
    """An identity on the wire. An empty `account` is one whose name is not known yet."""

    trust_domain: str
    namespace: str
    account: str

    @property
    def principal(self) -> str:
        return f"{self.trust_domain}/ns/{self.namespace}/sa/{self.account}"
