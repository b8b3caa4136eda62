"""ML605 wasmplugin-selector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Scope, Severity, changes, rule

_BY = {Scope.MESH: "for the whole mesh", Scope.NAMESPACE: "for its whole namespace", Scope.WORKLOAD: "for pods by selector"}


@rule(
    "ML605", "wasmplugin-selector", Severity.ERROR, impact=Impact.IGNORED, each=(Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION),
    evidence="code", reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, *WORKLOADS],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (ShouldAttachPolicy)",
        "https://istio.io/latest/docs/ambient/usage/extend-waypoint-wasm/",
        "istio@86c9f01:releasenotes/notes/wasmplugin-cross-namespace-waypoint.yaml",
    ],
    remedy="Replace the selector by targetRefs: the Service, in its own namespace, or the waypoint's Gateway.",
    points_to=[],
)  # fmt: skip
def wasmplugin_selector(plugin: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A WasmPlugin or TrafficExtension takes pods by selector, namespace or mesh; in ambient no proxy runs it.

    ztunnel runs no extensions, and a waypoint takes one only by targetRefs. Whatever it does (authentication, rate limits,
    headers) stops, without an error.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: extensions.istio.io/v1alpha1
    kind: WasmPlugin
    metadata:
      name: basic-auth
      namespace: bookinfo
    spec:
      selector:  # expect: ML605
        matchLabels: {app: ratings}
      phase: AUTHN
      url: oci://registry.example.com/basic-auth:1.0
    ```

    Remedy:

        spec:
          targetRefs: [{group: "", kind: Service, name: ratings}]
          phase: AUTHN
          url: oci://registry.example.com/basic-auth:1.0

    With a waypoint in another namespace than the Service, target the waypoint's Gateway: before Istio 1.30.3 and 1.31 a
    target that is a Service makes such a waypoint restart for ever. Once the pods are ambient, or with `--phase cleanup`,
    the fix does this where Services have exactly the selected pods, and binds them to the waypoint of the namespace, a new one
    if there is none. It needs a look: whether the extension works on the requests that a waypoint sees is not known here.
    There is no automatic fix for one that takes a whole namespace or mesh.

    Not reported when it has targetRefs, when it takes gateways only (they keep running it), when its pods stay out of
    ambient, and when a template fills in the selector.
    """
    reach = mesh.reach(plugin)
    if reach.subject is None:
        return
    selector = plugin.spec.get("selector")
    message = (
        f"{plugin.title} is {_BY[reach.scope]}; ztunnel runs no extensions and a waypoint takes them only by targetRefs, so nothing "
        "runs it."
    )
    at = selector if selector.get("matchLabels").value else plugin.root
    yield Problem(at, message, remedy=_remedy(reach.scope, mesh), fix=partial(_fix, plugin, reach.subject, mesh), subject=reach.subject)


def _fix(plugin: Resource, subject: Resource | str, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving, pods

    made, services = changes(), moving.services_for(plugin, mesh)
    if not services or not pods.sidecars_gone(subject, mesh):
        return None
    peers = moving.to_waypoint(made, plugin, services, mesh)
    near = mesh.target.istio_at_least("1.30.3", "1.31.0") or all(peer.namespace == plugin.namespace for peer in peers or ())
    return made.fix("Target the Services") if peers and near else None


def _remedy(scope: Scope, mesh: Mesh) -> str:
    what = "Replace the selector by targetRefs" if scope is Scope.WORKLOAD else "Give it targetRefs"
    if mesh.target.istio_at_least("1.30.3", "1.31.0"):
        return f"{what}: the Service, in its own namespace, or the waypoint's Gateway."
    return (
        f"{what}: the Service in its own namespace, or, where the waypoint is of another namespace, the "
        f"waypoint's Gateway (a Service would make such a waypoint of Istio {mesh.target.istio} crash)."
    )
