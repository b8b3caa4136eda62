"""ML606 wasmplugin-to-trafficextension."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML606", "wasmplugin-to-trafficextension", Severity.NOTE, impact=Impact.ADVICE, each=Kind.WASM_PLUGIN, evidence="code",
    needs=["targetRefs", "targetRef"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    sources=["istio/api@b8f8791:extensions/v1alpha1", "istio@86c9f01:releasenotes/notes/trafficextension.yaml"],
    remedy="Rewrite it as a TrafficExtension with the same targetRefs when you touch it next.",
    points_to=[],
)  # fmt: skip
def wasmplugin_to_trafficextension(plugin: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A WasmPlugin at a waypoint: TrafficExtension is the newer API for the same, for Wasm and Lua in one kind.

    Nothing is broken. TrafficExtension came with Istio 1.30 and covers what took a WasmPlugin or an EnvoyFilter with Lua.

    ```yaml
    apiVersion: extensions.istio.io/v1alpha1
    kind: WasmPlugin # expect: ML606
    metadata:
      name: basic-auth
      namespace: shop
    spec:
      targetRefs:
        - {group: "", kind: Service, name: cart}
      url: oci://registry.example.com/basic-auth:1.0
    ```

    Remedy: the same targetRefs, and the plugin below `wasm`. The fix writes that; it needs a look, because the two must not run
    together: the WasmPlugin has to be deleted in the cluster when the TrafficExtension comes.

    Not reported when Istio is older than 1.30; when the plugin has no targetRefs (wasmplugin-selector) or is for a Gateway that is
    not known to be a waypoint; when its namespace stays out of ambient. EnvoyFilters with Lua: envoyfilter-on-waypoint.
    """
    if not mesh.target.serves(Kind.TRAFFIC_EXTENSION) or not mesh.candidate(plugin):
        return
    for target in mesh.targets(plugin):
        waypoint = target.resource is not None and mesh.is_waypoint(target.resource)
        if target.kind in ("Service", "ServiceEntry", "GatewayClass") or waypoint:
            message = f"{plugin.title} extends a waypoint; Istio {mesh.target.istio} has TrafficExtension for that, Wasm and Lua alike."
            yield Problem(plugin.root, message, fix=partial(_fix, plugin))
            return


def _fix(plugin: Resource) -> Fix | None:
    from meshlint.api import extensions

    return extensions.as_traffic_extension(plugin)
