"""What mTLS mode a PeerAuthentication asks for, port by port, and what ztunnel makes of it.

Facts: istio pilot/pkg/serviceregistry/ambient/authorization.go (convertedSelectorPeerAuthentications, convertPeerAuthentication).
istiod gives ztunnel one static policy that refuses plaintext (STRICT), or one converted from a policy with a selector and
portLevelMtls. DISABLE is PERMISSIVE to ztunnel: it takes mTLS always, and plaintext unless a policy refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

STRICT, PERMISSIVE, DISABLE, UNSET = "STRICT", "PERMISSIVE", "DISABLE", "UNSET"
_LENIENT = (PERMISSIVE, DISABLE)


class Written(NamedTuple):
    """The modes of one policy; `ports` by number as written, `at` the place of each mode."""

    mode: str
    ports: Mapping[str, str]
    at: Mapping[str, Node]  # "" is that of mtls.mode


@lru_cache(1 << 16)  # several rules ask for all policies of an environment
def written_modes(policy: Resource) -> Written | None:
    """None: a template decides on a mode, or on which ports there are."""
    whole, listed = policy.spec.get("mtls"), policy.spec.get("portLevelMtls")
    modes = {"": whole.get("mode"), **{port: item.get("mode") for port, item in listed.items()}}
    if policy.partial or whole.unknown or listed.unknown or any(node.unknown for node in modes.values()):
        return None
    return Written(_mode(modes[""]), {port: _mode(node) for port, node in modes.items() if port}, modes)


def _mode(node: Node) -> str:
    return node.text or UNSET


def parent_mode(parents: Sequence[str]) -> str:
    """The mode that a policy without one takes over: of the nearest that has one (namespace, then mesh); else PERMISSIVE."""
    return next((mode for mode in parents if mode != UNSET), PERMISSIVE)


def asked(own: Written, parent: str, port: str) -> str:
    """What the policy asks for on a port ("": every other port), as sidecars do it."""
    return next((mode for mode in (own.ports.get(port, UNSET), own.mode) if mode != UNSET), parent)


def at_ztunnel(own: Written, namespace: str | None, mesh: str | None, port: str) -> str:
    """STRICT or PERMISSIVE: what ztunnel does on a port ("": every other one) of the pods of a policy with a selector.
    `namespace` and `mesh` are the modes of the policies above it; None: there is none."""
    parent = parent_mode([mode for mode in (namespace, mesh) if mode is not None])
    if not own.ports:
        return STRICT if (parent if own.mode == UNSET else own.mode) == STRICT else PERMISSIVE
    if not _converted_counts(own, parent):
        return STRICT if _effective(own, parent) else PERMISSIVE
    return STRICT if _refuses(own, namespace, mesh, port) else PERMISSIVE


def _effective(own: Written, parent: str) -> bool:
    """Without an exception that counts: is the static STRICT policy given?"""
    return own.mode == STRICT or (own.mode == UNSET and parent == STRICT)


def _converted_counts(own: Written, parent: str) -> bool:
    """Does istiod refer to the converted policy, instead of the static one?"""
    modes = set(own.ports.values())
    if own.mode == STRICT:
        return bool(modes & set(_LENIENT))
    if own.mode in _LENIENT:
        return STRICT in modes
    return PERMISSIVE in modes if parent == STRICT else STRICT in modes  # a DISABLE beneath a STRICT parent does not count


def _refuses(own: Written, namespace: str | None, mesh: str | None, port: str) -> bool:
    """Does the converted policy refuse plaintext on a port?"""
    above = namespace == STRICT or (namespace in (None, UNSET) and mesh == STRICT)
    held = own.mode == STRICT or (own.mode == UNSET and namespace == STRICT) or (namespace in (None, UNSET) and mesh == STRICT)
    single = [number for number, mode in own.ports.items() if mode == STRICT and not held]
    if port in single:
        return True
    counts = own.mode == STRICT or (own.mode == UNSET and (namespace == STRICT or (namespace is None and mesh == STRICT)))
    open_ports = [number for number, mode in own.ports.items() if mode in _LENIENT and counts]
    if own.mode == STRICT or (above and open_ports):
        return bool(open_ports) and port not in open_ports
    return False
