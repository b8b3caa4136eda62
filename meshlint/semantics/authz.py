"""Authorization, simulated: what ztunnel and a waypoint enforce of AuthorizationPolicies, against what sidecars enforce today."""

from meshlint.semantics.authz_compare import Cause, Change, Effect, changes
from meshlint.semantics.authz_match import Request, at_sidecar, at_waypoint, at_ztunnel_of_pod, is_like
from meshlint.semantics.authz_peer import IDENTITY, admits, identities
from meshlint.semantics.authz_pods import STRANGER, stands_at_the_pods
from meshlint.semantics.authz_policy import (
    ALLOW,
    AUDIT,
    CUSTOM,
    DENY,
    Alternative,
    Attribute,
    Authorization,
    AuthzRule,
    Clause,
    authorization,
    item,
)  # fmt: skip
from meshlint.semantics.authz_ztunnel import Converted, Fate, at_ztunnel, converted, fate, layer7, left_over

__all__ = [
    "ALLOW",
    "AUDIT",
    "CUSTOM",
    "DENY",
    "IDENTITY",
    "STRANGER",
    "Alternative",
    "Attribute",
    "Authorization",
    "AuthzRule",
    "Cause",
    "Change",
    "Clause",
    "Converted",
    "Effect",
    "Fate",
    "Request",
    "admits",
    "at_sidecar",
    "at_waypoint",
    "at_ztunnel",
    "at_ztunnel_of_pod",
    "authorization",
    "changes",
    "converted",
    "fate",
    "identities",
    "is_like",
    "item",
    "layer7",
    "left_over",
    "stands_at_the_pods",
]  # fmt: skip
