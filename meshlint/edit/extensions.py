"""A WasmPlugin written as a TrafficExtension."""

from __future__ import annotations

from typing import Final

from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain
from meshlint.edit.emit import Plain
from meshlint.edit.operations import RefusedError
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource

_KEPT: Final = frozenset({"match", "phase", "priority", "targetRefs"})
_BELOW: Final = frozenset({
    "failStrategy", "imagePullPolicy", "imagePullSecret", "pluginConfig", "pluginName", "sha256", "type", "url", "verificationKey",
    "vmConfig",
})  # fmt: skip


def as_traffic_extension(plugin: Resource) -> Fix | None:
    """The same plugin, with what is about Wasm below `wasm`. None: it has fields that a TrafficExtension has not."""
    below: dict[str, Plain] = {}
    moved = [(key, node) for key, node in plugin.spec.items() if key not in _KEPT]
    made = Changes()
    for key, node in moved:
        try:
            value = plain(node)
        except RefusedError:
            return None
        if key not in _BELOW or not known(value):
            return None
        below[key] = value
    if not moved or plugin.partial:
        return None
    made.set(plugin.root.get("kind"), "TrafficExtension").set_key(plugin.root, ("spec", "wasm"), below, before=moved[0][0])
    for _, node in moved:
        made.remove(node)
    return made.fix("Write it as a TrafficExtension")
