"""ML318 metrics-reporter-queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import MESH, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule, strings_below, written

_QUERIES = (
    Kind.PROMETHEUS_RULE, Kind.ANALYSIS_TEMPLATE, Kind.CLUSTER_ANALYSIS_TEMPLATE, Kind.METRIC_TEMPLATE, Kind.SCALED_OBJECT,
)  # fmt: skip
_HTTP = re.compile(
    r"\b(istio_(?:requests_total|request_duration_milliseconds|request_bytes|response_bytes)\w*)\s*"
    r"\{([^{}]*(?:\{\{[^{}]*\}\}[^{}]*)*)\}"
)
_REPORTER = re.compile(r"\breporter\s*(=~|=)\s*\\?[\"']([^\"'\\]*)")
_OF_GATEWAY = re.compile(  # a Gateway of class istio runs as the Deployment <name>-istio
    r"\b(?:source|destination)_(?:workload|app|canonical_service)\s*=~?\s*\\?[\"']"
    r"(?:[^\"']*(?:gateway|istio-ingress)|[^\"'|\\]+-istio(?:\.\*)?[\"'\\])"
)
_PROXY = re.compile(r"\{[^{}]*\bcontainer(?:_name)?\s*=~?\s*\\?[\"']istio-proxy")
_DASHBOARD = re.compile(r"dashboard|grafana")


@rule(
    "ML318", "metrics-reporter-queries", Severity.WARNING, impact=Impact.IGNORED, each=(*_QUERIES, Kind.CONFIG_MAP), reads=[],
    evidence="docs",
    sources=["https://istio.io/latest/docs/ambient/migrate/", "https://istio.io/latest/docs/reference/config/metrics/"],
    remedy='Ask for reporter=~"destination|waypoint" (or "waypoint" alone for Services with one); use istio_tcp_* where there is none.',
    points_to=[],
)  # fmt: skip
def metrics_reporter_queries(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A query counts HTTP requests as sidecars report them (`reporter="source"` or `"destination"`); in ambient only waypoints do.

    ztunnel has TCP metrics only, and a waypoint says `reporter="waypoint"`. Alerts and dashboards go quiet, and canary analysis gets
    an empty series, which Argo Rollouts and Flagger take for success or failure depending on their configuration.

    ```yaml
    apiVersion: monitoring.coreos.com/v1
    kind: PrometheusRule
    metadata:
      name: shop
      namespace: monitoring
    spec:
      groups:
        - name: shop
          rules:
            - alert: Errors
              expr: sum(rate(istio_requests_total{reporter="destination",response_code=~"5.."}[5m])) > 1 # expect: ML318
    ```

    Remedy: `reporter=~"destination|waypoint"` counts each request once before, during and after the move (a waypoint and a
    sidecar at the destination exclude one another); with `source` in it requests through sidecars count twice. Workloads
    without a waypoint have `istio_tcp_connections_opened_total` and the like. The fix writes that where a query asks for
    `destination`; it needs a look, as only the reader knows what a query is for. There is no automatic fix for `source`: what
    clients saw, calls of hosts outside of the mesh for one, has no counterpart.

    Read are PrometheusRule, AnalysisTemplate, ClusterAnalysisTemplate, MetricTemplate, ScaledObject and ConfigMaps with
    dashboards (one finding for a dashboard). Queries of the container `istio-proxy` are a note: gateways have it
    still.

    Not reported when the reporter may be a waypoint, when a query names none, and when it is about an ingress gateway
    (source_workload: a name that says so, or ends in `-istio` as those of Kubernetes Gateways do), which goes on reporting.
    """
    if resource.kind is Kind.CONFIG_MAP:
        if _DASHBOARD.search(resource.name) or "grafana_dashboard" in resource.labels:
            for name, at in resource.root.get("data").items():
                if name.endswith((".json", ".yaml", ".yml")):
                    yield from _asked(resource, at)
        return
    for at in strings_below(resource.spec):
        yield from _asked(resource, at)


def _asked(resource: Resource, at: Node) -> Iterator[Problem]:
    text = written(at)
    if "istio" not in text:
        return
    lost = list(_reporters(text))
    if lost:
        name, reporter = lost[0]
        more = f" ({len(lost)} such selectors)" if len(lost) > 1 else ""
        yield Problem(
            at,
            f'{resource.title} asks for {name} with reporter "{reporter}"{more}: without sidecars only waypoints (as '
            '"waypoint") and gateways report requests, so this loses all others.',
            subject=MESH,
            fix=partial(_fix, at),
        )
    elif resource.kind is not Kind.CONFIG_MAP and _PROXY.search(text):
        yield Problem(
            at,
            f"{resource.title} asks for the container istio-proxy, which in ambient only gateways, waypoints and ztunnel have.",
            Severity.NOTE,
            remedy="Look at what it is for: sidecars are not among these containers any more.",
            subject=MESH,
        )


def _reporters(text: str) -> Iterator[tuple[str, str]]:
    """The metric and reporter of each selector that no waypoint can satisfy."""
    for selector in _HTTP.finditer(text):
        found = _REPORTER.search(selector[2])
        if found is None or _OF_GATEWAY.search(selector[2]):
            continue
        said = found[2]
        if said in ("source", "destination") or (found[1] == "=~" and set(said.split("|")) <= {"source", "destination"}):
            yield selector[1], said


def _fix(at: Node) -> Fix | None:
    """Ask for waypoints as well, in the selectors that only ask for destinations; the text around stays."""
    text = at.text or ""
    for selector in reversed([*_HTTP.finditer(text)]):
        found = _REPORTER.search(selector[2])
        if found is not None and found[2] == "destination" and not _OF_GATEWAY.search(selector[2]):
            start = selector.start(2) + found.start(1)
            inner = text[start : selector.start(2) + found.end(2)].replace("destination", "destination|waypoint", 1)
            text = f"{text[:start]}=~{inner[len(found[1]) :]}{text[selector.start(2) + found.end(2) :]}"
    if any(_reporters(text)):
        return None
    return changes().set(at, text).fix("Ask for waypoints as well")
