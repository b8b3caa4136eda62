"""ML607 telemetry-selector."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Scope, Severity, rule


@rule(
    "ML607", "telemetry-selector", Severity.ERROR, impact=Impact.IGNORED, each=Kind.TELEMETRY, evidence="code",
    reads=[Kind.SERVICE, *WORKLOADS],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (ShouldAttachPolicy)", "https://github.com/istio/istio/pull/60665",
        "istio@86c9f01:releasenotes/notes/60665.yaml",
    ],
    remedy="Replace the selector by targetRefs (the Service, or the waypoint's Gateway), or make the object one for the namespace.",
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

    A waypoint of another namespace reads the Telemetry of the Service's namespace from Istio 1.30.3 and 1.31 on. No automatic fix:
    which Services are meant, and their waypoint, are not known here.

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
        yield Problem(telemetry.spec.get("selector"), message, remedy=_remedy(mesh), subject=reach.subject)
        return
    for mode in _client_modes(telemetry):
        message = f"{telemetry.title} speaks to the client's side (mode CLIENT), which nobody in ambient reports; it acts on gateways only."
        remedy = "Write it for mode SERVER, which is what a waypoint reports as, or leave it to gateways."
        yield Problem(mode, message, severity=Severity.WARNING, remedy=remedy, subject=reach.subject)


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
