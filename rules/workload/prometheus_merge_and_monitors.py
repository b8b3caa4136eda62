"""ML317 prometheus-merge-and-monitors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, changes, rule

_PORTS = ("15020", "15090")
_MERGED = "/stats/prometheus"
_PORT_NAMES = frozenset({"http-envoy-prom", *_PORTS})
_OF_ISTIO = frozenset({"istiod", "ztunnel", "istio-cni-node", "istio-ingressgateway", "istio-egressgateway"})
_METRICS = re.compile(r"(^|-)(metrics|prom|prometheus)(-|$)")
_MANAGED = ("gateway.istio.io/managed", "gateway.networking.k8s.io/gateway-name")


@rule(
    "ML317", "prometheus-merge-and-monitors", Severity.WARNING, impact=Impact.IGNORED,
    each=(*WORKLOADS, Kind.POD_MONITOR, Kind.SERVICE_MONITOR), reads=WORKLOADS, evidence="docs",
    needs=["prometheus.io/port", "proxy.istio.io/config", "podMetricsEndpoints", "endpoints"],
    sources=["https://istio.io/latest/docs/ops/integrations/prometheus/", "https://istio.io/latest/docs/ambient/migrate/"],
    remedy="Scrape the application at its own port; ztunnel (15020) and waypoints get monitors of their own.",
    points_to=[],
)  # fmt: skip
def prometheus_merge_and_monitors(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Metrics of pods are scraped at a port of the sidecar (15020, 15090), which is gone in ambient.

    With the sidecar goes the port where its metrics and, merged into them, those of the application were collected. The target is
    down, and alerts on its series stay silent. ztunnel and waypoints have metrics of their own, in other pods.

    ```yaml
    apiVersion: monitoring.coreos.com/v1
    kind: PodMonitor
    metadata:
      name: shop
      namespace: shop
    spec:
      selector: {}
      podMetricsEndpoints:
        - port: http-envoy-prom # expect: ML317
          path: /stats/prometheus
    ```

    Remedy: monitors (or `prometheus.io/port`) at the application's port and path, a PodMonitor for ztunnel (`app: ztunnel`, port
    15020, /stats/prometheus) and one for waypoints (`gateway.istio.io/managed: istio.io-mesh-controller`). Under STRICT
    Prometheus is enrolled in ambient, or the metrics port is PERMISSIVE. There is a fix once the pods are ambient, or with
    `--phase cleanup`: the annotation names the port of the pod that is called metrics or prometheus; a monitor loses
    the endpoint; a PodMonitor of sidecars alone turns to the waypoints, ztunnel gets one beside it, and further ones of the
    namespace go. It needs a look, as paths and namespaces may differ. There is no automatic fix where the application's port is
    not known.

    Also reported: pod annotations `prometheus.io/port: "15020"`, and a Prometheus whose pod has `istio-certs` written by its
    sidecar (/etc/istio-output-certs). Not reported when a monitor selects gateways, waypoints, ztunnel or istiod, which keep
    these ports, or Istio's own namespace; when the pods are gateways or stay out of the mesh.
    """
    if resource.kind in (Kind.POD_MONITOR, Kind.SERVICE_MONITOR):
        if mesh.candidate(resource) and not _elsewhere(resource, mesh):
            yield from _monitored(resource, mesh)
        return
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    port = workload.template.get("metadata", "annotations", "prometheus.io/port")
    if str(port.value) in _PORTS:
        yield Problem(
            port,
            f"{resource.title} is scraped at port {port.value} of its sidecar (prometheus.io/port), where nothing listens in ambient: "
            "its metrics, merged there, are lost.",
            remedy="Name the application's port in prometheus.io/port, and its path in prometheus.io/path.",
            fix=partial(_own_port, workload, port, mesh),
        )
    output = workload.template.get("metadata", "annotations", "proxy.istio.io/config").text or ""
    if "OUTPUT_CERTS" in output:
        yield Problem(
            workload.template.get("metadata", "annotations", "proxy.istio.io/config"),
            f"{resource.title} takes the certificates that its sidecar writes (OUTPUT_CERTS), and without a sidecar there are none.",
            remedy="Enrol these pods in ambient, so that ztunnel does mTLS for them, and scrape in plain HTTP.",
        )


def _elsewhere(monitor: Resource, mesh: Mesh) -> bool:
    """Does it select proxies that stay: gateways, waypoints, ztunnel, istiod, or Istio's own namespace?"""
    selector = monitor.spec.get("selector")
    labels = selector.get("matchLabels").strings()
    if mesh.selects_only_gateways(labels, monitor.namespace) or any(value in _OF_ISTIO for value in labels.values()):
        return True
    expressions = list(selector.each("matchExpressions"))
    if any(expression.get("key").text in _MANAGED for expression in expressions):
        return True
    if any(value.text in _OF_ISTIO for expression in expressions for value in expression.each("values")):
        return True
    names = [node.text for node in monitor.spec.each("namespaceSelector", "matchNames")]
    return bool(names) and all(name == mesh.settings.root_namespace or not mesh.candidate(name or "") for name in names)


def _monitored(monitor: Resource, mesh: Mesh) -> Iterator[Problem]:
    for field in ("podMetricsEndpoints", "endpoints"):
        for endpoint in monitor.spec.each(field):
            at = _port(endpoint)
            if at is not None:
                yield Problem(
                    at,
                    f"{monitor.title} scrapes port {at.value} of the sidecars, where nothing listens in ambient: these targets go down, "
                    "and with them the application's metrics that were merged there.",
                    fix=partial(_fix, monitor, endpoint, mesh),
                )


def _port(endpoint: Node) -> Node | None:
    for name in ("port", "targetPort", "portNumber"):
        if str(endpoint.get(name).value) in _PORT_NAMES:
            return endpoint.get(name)
    return None


def _own_port(workload: Workload, at: Node, mesh: Mesh) -> Fix | None:
    """Scrape the one port of the pod that says by its name what it is for."""
    from meshlint.api import pods

    ports = [port for container in workload.template.get("spec").each("containers") for port in container.each("ports")]
    named = [port.get("containerPort").value for port in ports if _METRICS.search(port.get("name").text or "")]
    if len(named) != 1 or not isinstance(named[0], int) or not pods.sidecars_gone(workload.resource, mesh):
        return None
    made = changes().set(at, str(named[0]))
    path = workload.template.get("metadata", "annotations", "prometheus.io/path")
    if path.text == _MERGED:
        made.remove(path)
    return made.fix(f"Scrape port {named[0]}")


def _fix(monitor: Resource, endpoint: Node, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    above = endpoint.parent
    if above is None or not pods.sidecars_gone(monitor, mesh):
        return None
    if len([*above.each()]) > 1:
        return pods.without([endpoint], "Scrape the sidecars no more")
    selector = monitor.spec.get("selector")
    if monitor.kind is not Kind.POD_MONITOR or not selector.present or _port(endpoint) is None:
        return None
    monitors = [one for one in mesh.all(Kind.POD_MONITOR) if mesh.candidate(one)]
    beside = [one for one in monitors if one.namespace == monitor.namespace and not _elsewhere(one, mesh) and any(_monitored(one, mesh))]
    if beside and beside[0] is not monitor:
        return changes().remove_document(monitor.root).fix("Scrape the sidecars no more")
    made = changes().set(selector, {"matchLabels": {"gateway.istio.io/managed": "istio.io-mesh-controller"}})
    if not any("ztunnel" in one.spec.get("selector", "matchLabels").strings().values() for one in monitors):
        made.add_object(monitor, _of_ztunnel(monitor, mesh.settings.root_namespace))
    return made.fix("Scrape waypoints and ztunnel")


def _of_ztunnel(monitor: Resource, namespace: str) -> dict[str, Any]:
    """A PodMonitor for ztunnel with the labels by which Prometheus finds this one."""
    metadata: dict[str, Any] = {"name": "ztunnel"}
    metadata |= {key: node.text for key in ("namespace",) if (node := monitor.root.get("metadata", key)).text}
    metadata |= {"labels": dict(monitor.labels)} if monitor.labels else {}
    spec = {
        "namespaceSelector": {"matchNames": [namespace]},
        "selector": {"matchLabels": {"app": "ztunnel"}},
        "podMetricsEndpoints": [{"portNumber": 15020, "path": _MERGED}],
    }
    return {"apiVersion": monitor.api_version, "kind": "PodMonitor", "metadata": metadata, "spec": spec}
