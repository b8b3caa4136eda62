"""ML306 pod-proxy-config."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_ANNOTATION = "proxy.istio.io/config"
_KEY = re.compile(r"[\"']?\b([A-Za-z_]+)[\"']?\s*:")
_TOP = re.compile(r"^([A-Za-z]+):", re.MULTILINE)
_NO_CAPTURE = re.compile(r"ISTIO_META_DNS_\w+[\"']?\s*:\s*[\"']?(?:false|0)")
_TELEMETRY = "a Telemetry object for the waypoint"
_KEPT = {
    "tracing": _TELEMETRY,
    "sampling": _TELEMETRY,
    "proxyStatsMatcher": "the waypoint (its parameters ConfigMap)",
    "extraStatTags": _TELEMETRY,
    "envoyAccessLogService": _TELEMETRY,
    "envoyMetricsService": _TELEMETRY,
    "proxyHeaders": "the waypoint (a ProxyConfig that selects it)",
    "privateKeyProvider": "the waypoint (a ProxyConfig that selects it)",
    "caCertificatesPem": "the mesh configuration",
    "ISTIO_META_DNS_CAPTURE": "the CNI (ambient.dnsCapture, on by default from 1.25)",
    "ISTIO_META_DNS_AUTO_ALLOCATE": "the CNI (ambient.dnsCapture, on by default from 1.25)",
}


@rule(
    "ML306", "pod-proxy-config", Severity.WARNING, impact=Impact.IGNORED, each=(*WORKLOADS, Kind.PROXY_CONFIG),
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    evidence="docs",
    sources=[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#ProxyConfig",
        "https://istio.io/latest/docs/ambient/migrate/",
    ],
    remedy="Delete what is about the sidecar's life; move telemetry and headers to the waypoint.",
    yields_to=["prometheus-merge-and-monitors"],
    points_to=[],
)  # fmt: skip
def pod_proxy_config(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Proxy settings for the sidecars of some pods: the annotation `proxy.istio.io/config`, or a ProxyConfig that selects them.

    Without sidecars they have no subject. Settings about order and draining (`holdApplicationUntilProxyStarts`,
    `terminationDrainDuration`, `concurrency`, EXIT_ON_ZERO_ACTIVE_CONNECTIONS) are not missed: ztunnel runs before the pod does. Tracing,
    metrics, header and DNS settings are lost for the workload and have to be made where the traffic passes now.

    ```yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        matchLabels: {app: cart}
      template:
        metadata:
          labels: {app: cart}
          annotations:
            # expect: ML306
            proxy.istio.io/config: |
              holdApplicationUntilProxyStarts: true
              tracing: {sampling: 10}
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: a Telemetry object for tracing and metrics, `ambient.dnsCapture` of the CNI (or the annotation
    `ambient.istio.io/dns-capture`) for DNS, nothing for the life cycle. Once the pods are ambient, or with `--phase cleanup`,
    the fix deletes settings of which none is missed: of the life cycle, and DNS capture where it is on by default.
    There is no automatic fix for the others, which need a waypoint, nor before: as long as sidecars run they read them.

    A note where only life-cycle settings are in it. Not reported when the pods are gateways or stay out of the mesh, for a
    ProxyConfig without a selector and for `meshConfig.defaultConfig`: gateways and waypoints go on reading these.
    """
    if resource.kind is Kind.PROXY_CONFIG:
        yield from _selecting(resource, mesh)
        return
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    at = workload.template.get("metadata", "annotations", _ANNOTATION)
    if at.text:
        keys = list(dict.fromkeys(_KEY.findall(at.text)))
        fix = partial(_fix, resource, at, keys, mesh)
        yield _problem(resource, at, keys, _TOP.findall(at.text) or keys, "its sidecars")._replace(fix=fix)


def _selecting(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    labels = resource.spec.get("selector", "matchLabels").strings()
    if not labels or not mesh.candidate(resource) or mesh.selects_only_gateways(labels, resource.namespace):
        return
    keys = [key for node in (resource.spec, resource.spec.get("environmentVariables")) for key, _ in node.items() if key != "selector"]
    if keys:
        fix = partial(_fix, resource, None, keys, mesh)
        yield _problem(resource, resource.spec.get("selector"), keys, keys, "the sidecars of the pods it selects")._replace(fix=fix)


def _problem(resource: Resource, at: Node, keys: list[str], top: list[str], whose: str) -> Problem:
    homes = {key: _KEPT[key] for key in keys if key in _KEPT and not (key == "sampling" and "tracing" in keys)}
    named = ", ".join(top[:4]) or "settings"
    said = f"{resource.title} configures {whose} ({named}), and nothing reads that without sidecars"
    if not homes:
        text = f"{said}; order and draining need no replacement in ambient."
        return Problem(at, text, Severity.NOTE, Impact.ADVICE, remedy="Delete it after the switch.")
    by_home: dict[str, list[str]] = {}
    for key, home in homes.items():
        by_home.setdefault(home, []).append(key)
    places = ", ".join(f"{' and '.join(same)} to {home}" for home, same in by_home.items())
    remedy = f"Move {places}; delete the rest after the switch."
    return Problem(at, f"{said}: {', '.join(homes)} will be lost for this workload.", remedy=remedy)


def _fix(resource: Resource, annotation: Node | None, keys: list[str], mesh: Mesh) -> Fix | None:
    """Delete it, if nothing of it has to be said elsewhere."""
    from meshlint.api import pods

    captured = mesh.target.istio_at_least("1.25.0") and annotation is not None and not _NO_CAPTURE.search(annotation.text or "")
    missed = [key for key in keys if key in _KEPT and not (captured and key.startswith("ISTIO_META_DNS_"))]
    if missed or not pods.sidecars_gone(resource, mesh):
        return None
    if annotation is not None:
        return pods.without([annotation], "Delete the settings of the sidecar")
    return changes().remove_document(resource.root).fix("Delete the settings of the sidecars")
