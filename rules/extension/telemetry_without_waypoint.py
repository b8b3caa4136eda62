"""ML608 telemetry-without-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, MESHED_BY, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Scope, Severity, rule


@rule(
    "ML608", "telemetry-without-waypoint", Severity.WARNING, impact=Impact.IGNORED, each=Kind.TELEMETRY, evidence="docs",
    needs=["tracing", "metrics", "accessLogging"],
    reads=[Kind.GATEWAY, Kind.SERVICE, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *WORKLOADS, *MESHED_BY],
    sources=["https://istio.io/latest/docs/ambient/migrate/", "https://istio.io/latest/docs/ambient/usage/"],
    remedy="Bring a waypoint where spans, HTTP metrics and HTTP logs matter; ztunnel's own logs are set in its chart.",
    points_to=[],
)  # fmt: skip
def telemetry_without_waypoint(telemetry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Telemetry asks for spans, HTTP metrics or HTTP logs, and none of the Services that it is for has a waypoint.

    In ambient only waypoints and gateways see requests: with a waypoint there is one span per request where sidecars made
    two, without one there is none. ztunnel writes metrics and logs of connections and reads no Telemetry.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: telemetry.istio.io/v1
    kind: Telemetry
    metadata:
      name: tracing
      namespace: bookinfo
    spec:
      tracing:  # expect: ML608
        - randomSamplingPercentage: 10
    ```

    Remedy: a waypoint for the Services whose requests matter, and `istio.io/use-waypoint` on them or the namespace; else accept
    what ztunnel reports. No automatic fix: a waypoint is a proxy that somebody has to want.

    One finding for a Telemetry, at the first such setting. Not reported when a Service in its reach has a waypoint; when the repository
    shows no Service of the mesh there; when it has a selector (telemetry-selector) or targetRefs; when spans are turned off or
    sampled at 0; when its namespace stays out of ambient.
    """
    reach = mesh.reach(telemetry)
    if reach.subject is None or reach.scope is Scope.WORKLOAD or (setting := _layer7(telemetry)) is None:
        return
    near = [
        service for service in mesh.all(Kind.SERVICE)
        if reach.scope is Scope.MESH or service.namespace == telemetry.namespace
    ]  # fmt: skip
    served = [service for service in near if mesh.meshed(service) and not _of_gateway(service, mesh)]
    if not served or any(mesh.waypoint(service).bound for service in near) or _waypoints(telemetry, reach.scope, mesh):
        return
    at, what = setting
    where = "the mesh" if reach.scope is Scope.MESH else telemetry.namespace or "its namespace"
    message = f"{telemetry.title} asks for {what}, and no Service of {where} has a waypoint: ztunnel sees no requests, so there are none."
    now = next((service for service in served if mesh.ambient_now(service)), served[0])
    yield Problem(at, message, subject=MESH if reach.scope is Scope.MESH and not mesh.ambient_now(now) else now)


def _of_gateway(service: Resource, mesh: Mesh) -> bool:
    return mesh.selects_only_gateways(service.spec.get("selector").strings(), service.namespace)


def _waypoints(telemetry: Resource, scope: Scope, mesh: Mesh) -> bool:
    """Does the environment hold a waypoint in the reach, though no label names it yet?"""
    held = (gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if mesh.is_waypoint(gateway))
    return any(scope is Scope.MESH or gateway.namespace == telemetry.namespace for gateway in held)


def _layer7(telemetry: Resource) -> tuple[Node, str] | None:
    """The first setting that takes somebody who sees requests, and what it asks for."""
    spans = [item for item in telemetry.spec.each("tracing") if not _off(item)]
    if spans:
        return telemetry.spec.get("tracing"), "spans"
    for override in telemetry.spec.each("metrics", "overrides"):
        metric = override.get("match", "metric")
        if not override.get("disabled").value and not metric.unknown and not (metric.text or "").startswith("TCP_"):
            return override, "HTTP metrics of its own"
    for log in telemetry.spec.each("accessLogging"):
        expression = log.get("filter", "expression")
        if any(word in (expression.text or "") for word in ("request.", "response.")):
            return expression, "logs of requests"
    return None


def _off(item: Node) -> bool:
    sampling = item.get("randomSamplingPercentage")
    return item.get("disableSpanReporting").value is True or item.unknown or (sampling.present and sampling.value == 0)
