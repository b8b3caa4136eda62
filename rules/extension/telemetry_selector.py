"""ML607 telemetry-selector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Scope, Severity, changes, rule


@rule(
    "ML607", "telemetry-selector", Severity.ERROR, impact=Impact.IGNORED, each=Kind.TELEMETRY, evidence="code",
    needs=["selector", "mode"],
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, *WORKLOADS],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (ShouldAttachPolicy)", "https://github.com/istio/istio/pull/60665",
        "istio@86c9f01:releasenotes/notes/60665.yaml",
    ],
    remedy="Replace the selector by targetRefs (the Service, or the waypoint's Gateway), or make the object one for the namespace.",
    points_to=[],
)  # fmt: skip
def telemetry_selector(telemetry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Telemetry takes pods by selector, or configures the side of the client: in ambient no proxy reads that.

    A waypoint reads Telemetry of the root namespace, of its namespace and with targetRefs; never one with a selector, and
    ztunnel reads none. Sampling, tags and log filters of these pods fall back to what the namespace or the mesh says. The
    sidecar of a client had metrics, spans and logs of its own (`match.mode: CLIENT`); a waypoint reports as the server.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector:  # expect: ML607
        matchLabels: {app: ratings}
      tracing:
        - randomSamplingPercentage: 10
    ```

    Remedy:

        spec:
          targetRefs: [{group: "", kind: Service, name: ratings}]
          tracing: [{randomSamplingPercentage: 10}]

    A waypoint of another namespace reads the Telemetry of the Service's namespace from Istio 1.30.3 and 1.31 on. Once the pods are
    ambient, or with `--phase cleanup`, the fix does this where Services have exactly the selected pods, and binds them to
    the waypoint of the namespace, a new one if there is none; `mode: CLIENT` becomes CLIENT_AND_SERVER, which holds for gateways and
    waypoints. It needs a look, because a waypoint is a deployment to be planned.

    A warning where only the side of the client is lost, at each `mode: CLIENT` of a Telemetry without a selector.
    Not reported when the selector takes gateways only, when the pods stay out of ambient, when it has targetRefs
    (authz-targetref-unbound judges these), and when a template fills in the selector.
    """
    reach = mesh.reach(telemetry)
    if reach.subject is None:
        return
    if reach.scope is Scope.WORKLOAD:
        message = (
            f"{telemetry.title} is for pods by selector; ztunnel reads no Telemetry and a waypoint none with a selector, so what it says "
            "about them is lost."
        )
        fix = partial(_fix, telemetry, reach.subject, mesh)
        yield Problem(telemetry.spec.get("selector"), message, remedy=_remedy(mesh), fix=fix, subject=reach.subject)
        return
    for mode in _client_modes(telemetry):
        message = f"{telemetry.title} speaks to the client's side (mode CLIENT), which nobody in ambient reports; it acts on gateways only."
        remedy = "Write it for mode SERVER, which is what a waypoint reports as, or leave it to gateways."
        fix = partial(_both, mode, reach.subject, mesh)
        yield Problem(mode, message, severity=Severity.WARNING, remedy=remedy, fix=fix, subject=reach.subject)


def _client_modes(telemetry: Resource) -> Iterator[Node]:
    for path in (("metrics", "overrides"), ("tracing",), ("accessLogging",)):
        for item in telemetry.spec.each(*path):
            if item.get("match", "mode").text == "CLIENT":
                yield item.get("match", "mode")


def _remedy(mesh: Mesh) -> str | None:
    if mesh.target.istio_at_least("1.30.3", "1.31.0"):
        return None
    return (
        "Replace the selector by targetRefs (the Service, or the waypoint's Gateway), or make the object one for the namespace, which in "
        f"Istio {mesh.target.istio} a waypoint of the same namespace reads (of another one from 1.30.3)."
    )


def _fix(telemetry: Resource, subject: Resource | str, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving, pods

    made, services = changes(), moving.services_for(telemetry, mesh)
    if not services or not pods.sidecars_gone(subject, mesh):
        return None
    peers = moving.to_waypoint(made, telemetry, services, mesh)
    near = mesh.target.istio_at_least("1.30.3", "1.31.0") or all(peer.namespace == telemetry.namespace for peer in peers or ())
    return made.fix("Target the Services") if peers and near else None


def _both(mode: Node, subject: Resource | str, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    return changes().set(mode, "CLIENT_AND_SERVER").fix("Speak to both sides") if pods.sidecars_gone(subject, mesh) else None
