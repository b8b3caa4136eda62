"""All that a rule may import: the stable surface for bundled rules and plugins."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from meshlint.model.kind import GATEWAY_API_KINDS, ISTIO_KINDS, MESHED_BY, ROUTES, WORKLOADS, Kind
from meshlint.model.mesh import (
    Binding,
    Destination,
    GatewayRef,
    Host,
    HostKind,
    Mesh,
    MeshSetting,
    Mode,
    Reach,
    Subset,
    Waypoint,
    WaypointState,
    Workload,
)
from meshlint.model.names import close_name
from meshlint.model.node import Node
from meshlint.model.policy import Peer, PolicyTarget, Scope
from meshlint.model.problem import MESH, Confidence, Edit, Fix, Impact, NewFile, Problem, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule, engine_rule, rule
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.target import Field, Support, Target, read_since, standard_since
from meshlint.model.texts import strings_below, written

if TYPE_CHECKING:
    from meshlint.semantics import authz, peer_modes

__all__ = [
    "GATEWAY_API_KINDS", "ISTIO_KINDS", "MESH", "MESHED_BY", "ROUTES", "WORKLOADS", "Binding", "Confidence", "Destination", "Edit",
    "Fault", "FaultKind", "Field", "Fix", "GatewayRef", "Host", "HostKind", "Impact", "Kind", "Mesh", "MeshSetting", "Mode",
    "NewFile", "Node", "Peer", "PolicyTarget", "Problem", "Reach", "Resource", "Rule", "Scope", "Severity", "Subset", "Support",
    "Target", "Waypoint", "WaypointState", "Workload", "authz", "close_name", "engine_rule", "peer_modes", "read_since", "rule",
    "standard_since", "strings_below", "written",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The models of meshlint.semantics are imported when a rule asks for one: few files need any."""
    if name in ("authz", "peer_modes"):
        return import_module(f"meshlint.semantics.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
