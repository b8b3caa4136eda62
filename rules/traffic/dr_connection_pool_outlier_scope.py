"""ML130 dr-connection-pool-outlier-scope."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_LIMITS = (
    ("tcp", "maxConnections"), ("http", "http1MaxPendingRequests"), ("http", "http2MaxRequests"), ("http", "maxRetries"),
)  # fmt: skip
_NO_LIMIT = 2**31 - 1


@rule(
    "ML130", "dr-connection-pool-outlier-scope", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.DESTINATION_RULE,
    evidence="inferred",
    needs=["connectionPool", "outlierDetection"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=["istio pilot/pkg/networking/core/cluster_waypoint.go", "https://ambientmesh.io/docs/traffic/"],
    remedy="Choose the numbers again: for all callers together, divided by the replicas of the waypoint.",
    points_to=[],
)  # fmt: skip
def dr_connection_pool_outlier_scope(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule limits connections, requests or retries, or ejects failing endpoints: each caller's sidecar counted for
    itself, a waypoint counts all callers together.

    With sidecars the number holds for each client pod. In ambient the same number caps the sum of all of them, times the
    replicas of the waypoint: limits as low as 1 to 100, chosen for one pod, begin to reject requests. What
    outlierDetection ejects is ejected for every caller at once.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels: {istio.io/use-waypoint: waypoint}
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      host: ratings
      trafficPolicy:
        connectionPool:
          tcp:
            maxConnections: 20  # expect: ML130
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ```

    Remedy: multiply the limit by the number of client pods that call at the same time, divide it by the replicas of the
    waypoint, or remove it; say the scope in a comment. No automatic fix: these numbers are not in the repository.

    One note for each DestinationRule, at its first limit; that waypoints count so is inferred from how they are configured.
    Not reported when the settings do not depend on the number of callers (connectTimeout, tcpKeepalive, idleTimeout,
    maxConnectionDuration, h2UpgradePolicy, maxRequestsPerConnection) or mean "no limit" (2147483647); for a workloadSelector
    (dr-workload-selector), for subsets that nobody uses, in a namespace that the waypoint does not look into
    (dr-client-namespace), when the host is kept off waypoints, and when it stays out of the mesh.
    """
    found = [pair for one in mesh.traffic_policies(policy) for pair in _limits(one)]
    if not found or policy.spec.get("workloadSelector").is_map:
        return
    host = mesh.host(policy.spec.get("host"), policy)
    subject, reads = mesh.rule_subject(policy), mesh.route_namespaces(host)
    if subject is None or not mesh.waypoint_after(host):
        return
    if reads and policy.namespace not in {*reads, mesh.settings.root_namespace}:
        return
    names = ", ".join(dict.fromkeys(name for _, name in found))
    yield Problem(
        found[0][0],
        f"{policy.title} sets {names} for {host.title}. Every caller's sidecar counts for itself; a waypoint counts all callers together.",
        related=tuple((node, f"the same holds for {name}") for node, name in found[1:6]),
        subject=subject,
    )


def _limits(policy: Node) -> Iterator[tuple[Node, str]]:
    pool = policy.get("connectionPool")
    for path in _LIMITS if pool else ():
        node = pool.get(*path)
        value = node.value
        if isinstance(value, int) and not isinstance(value, bool) and value < _NO_LIMIT:
            yield node, path[-1]
    if any(True for _ in policy.get("outlierDetection").items()):
        yield policy.get("outlierDetection"), "outlierDetection"
