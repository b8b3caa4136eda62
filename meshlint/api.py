"""All that a rule may import: the stable surface for bundled rules and plugins."""

from meshlint.model.kind import ROUTES, WORKLOADS, Kind
from meshlint.model.mesh import (
    Binding, Destination, GatewayRef, Host, HostKind, Mesh, MeshSetting, Mode, Subset, Waypoint, WaypointState, Workload,
)  # fmt: skip
from meshlint.model.names import close_name
from meshlint.model.node import Node
from meshlint.model.problem import MESH, Confidence, Edit, Fix, Impact, NewFile, Problem, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule, engine_rule, rule
from meshlint.model.target import Field, Support, Target, read_since, standard_since

__all__ = [
    "MESH", "ROUTES", "WORKLOADS", "Binding", "Confidence", "Destination", "Edit", "Field", "Fix", "GatewayRef", "Host", "HostKind",
    "Impact", "Kind", "Mesh", "MeshSetting", "Mode", "NewFile", "Node", "Problem", "Resource", "Rule", "Severity", "Subset",
    "Waypoint", "WaypointState", "Workload", "close_name", "engine_rule", "rule",
]  # fmt: skip
