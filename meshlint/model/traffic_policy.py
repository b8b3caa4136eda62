"""The traffic policies of a DestinationRule: what they say beyond the TLS of the mesh itself."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node

_WITHOUT_EFFECT = frozenset({"ISTIO_MUTUAL", "DISABLE"})  # modes that ambient reads nowhere: HBONE is always there


def with_ports(policy: Node) -> Iterator[Node]:
    """A traffic policy, if there is one, and those of its ports (portLevelSettings)."""
    if policy.is_map:
        yield policy
        yield from (setting for setting in policy.each("portLevelSettings") if setting.is_map)


def settings_of(policy: Node) -> dict[str, Node]:
    """The fields of a traffic policy (or of one port's) that a data plane of ambient could apply, by name: without those of
    its ports, and without a `tls` of mode ISTIO_MUTUAL or DISABLE."""
    return {key: node for key, node in policy.items() if key not in ("port", "portLevelSettings") and _says_something(key, node)}


def _says_something(key: str, node: Node) -> bool:
    if key == "tls":
        mode = node.get("mode").text
        return mode is not None and mode not in _WITHOUT_EFFECT
    return any(True for _ in node.items())
