"""All that a rule may import: the stable surface for bundled rules and plugins."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from meshlint.model.installation import CILIUM, CNI, ISTIO_CSR, ISTIOD, ZTUNNEL, CrdSource, Installer, flag
from meshlint.model.kind import AT_WAYPOINTS, GATEWAY_API_KINDS, ISTIO_KINDS, MESHED_BY, RETIRED_KINDS, ROUTES, WORKLOADS, Kind
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
from meshlint.model.names import close_name, slip_of
from meshlint.model.node import Node
from meshlint.model.policy import Peer, PolicyTarget, Scope
from meshlint.model.problem import MESH, Confidence, Edit, Fix, Impact, NewFile, Problem, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule, engine_rule, rule
from meshlint.model.schema import Fault, FaultKind
from meshlint.model.selectors import selects, selects_namespace
from meshlint.model.target import Field, Retired, Support, Target, read_since, standard_since
from meshlint.model.texts import may_say, strings_below, written
from meshlint.model.traffic_policy import settings_of

if TYPE_CHECKING:
    from meshlint.edit import exports, extensions, grants, installs, networks, parts, pods, pools, waypoints
    from meshlint.edit.changes import Changes
    from meshlint.semantics import authz, moving, peer_modes

__all__ = [
    "AT_WAYPOINTS", "CILIUM", "CNI", "GATEWAY_API_KINDS", "ISTIOD", "ISTIO_CSR", "ISTIO_KINDS", "MESH", "MESHED_BY", "RETIRED_KINDS",
    "ROUTES", "WORKLOADS", "ZTUNNEL", "Binding", "Confidence", "CrdSource", "Destination", "Edit", "Fault", "FaultKind", "Field", "Fix",
    "GatewayRef", "Host", "HostKind", "Impact", "Installer", "Kind", "Mesh", "MeshSetting", "Mode", "NewFile", "Node", "Peer",
    "PolicyTarget", "Problem", "Reach", "Resource", "Retired", "Rule", "Scope", "Severity", "Subset", "Support", "Target", "Waypoint",
    "WaypointState", "Workload", "authz", "changes", "close_name", "converted", "engine_rule", "exports", "extensions", "flag",
    "grants", "installs", "may_say", "moving", "networks", "parts", "peer_modes", "pods", "pools", "read_since", "rule", "selects",
    "selects_namespace", "settings_of", "slip_of", "standard_since", "strings_below", "waypoints", "written",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The models of meshlint.semantics are imported when a rule asks for one: few files need any. `moving` and the
    modules of meshlint.edit are for fixes, which import them when they are made."""
    if name in ("authz", "moving", "peer_modes"):
        return import_module(f"meshlint.semantics.{name}")
    if name in ("exports", "extensions", "grants", "installs", "networks", "parts", "pods", "pools", "waypoints"):
        return import_module(f"meshlint.edit.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def changes() -> Changes:
    """What a fix is made with: operations on values that leave everything else as it is (docs/writing-rules.md)."""
    from meshlint.edit.changes import Changes

    return Changes()


def converted(resources: Sequence[Resource], mesh: Mesh, *, gateways: bool = False, unused: Sequence[Node] = ()) -> Fix | None:
    """The fix that replaces VirtualServices, and with `gateways` Istio Gateways, by their counterparts in the Gateway API, so that
    every request goes the same way. `unused`: subsets that nobody uses then. None: one of them, or a part of it, stays."""
    from meshlint.conversion import fix_for
    from meshlint.model.conversion import Manner

    return fix_for(resources, mesh, Manner(gateways=gateways), unused)
