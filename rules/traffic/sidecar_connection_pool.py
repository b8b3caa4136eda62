"""ML131 sidecar-connection-pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, rule


@rule(
    "ML131",
    "sidecar-connection-pool",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=Kind.SIDECAR,
    reads=[Kind.SERVICE, Kind.NAMESPACE, Kind.ARGO_APPLICATION, *WORKLOADS],
    evidence="docs",
    sources=[
        "https://ambientmesh.io/docs/setup/sidecar-migration",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#Sidecar",
        "istio/api PR 3517",
    ],
    remedy="Move the limits into trafficPolicy.connectionPool of a DestinationRule for every Service that selects the pods, "
    "and give these Services a waypoint.",
)
def sidecar_connection_pool(sidecar: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Sidecar limits the connections that its pods accept (`inboundConnectionPool`, or `connectionPool` of an `ingress`
    listener); in ambient nobody reads the Sidecar resource, so the limits end with the sidecar.

    The sidecar of the server enforced these limits on its own side, for every caller. ztunnel has no connection pools,
    and a waypoint takes its limits from DestinationRules only. Nothing reports the loss: the object stays valid.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      workloadSelector:
        labels:
          app: ratings
      inboundConnectionPool: # expect: ML131
        tcp:
          maxConnections: 100
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector:
        app: ratings
      ports:
        - name: http
          port: 9080
    ```

    Remedy: a DestinationRule for each Service that selects the pods, with the same `trafficPolicy.connectionPool`
    (`portLevelSettings` for the limits of one `ingress` listener), and a waypoint for the Service:

        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: ratings, namespace: bookinfo}
        spec:
          host: ratings
          trafficPolicy:
            connectionPool: {tcp: {maxConnections: 100}}

    There is no automatic fix: the waypoint counts the connections of all pods behind the Service together, the sidecar
    counted those of one pod, so the numbers have to be chosen again.

    Not reported when: the Sidecar selects gateway pods only, or nothing that may become ambient.
    """
    pods = _pods(sidecar, mesh)
    if pods is None:
        return
    hosts = _hosts(pods, mesh)
    related = tuple((service.root, f"selects these pods: the limits belong into a DestinationRule for {host}") for service, host in hosts)
    for pool, what, form in _pools(sidecar):
        yield Problem(
            pool,
            f"{sidecar.title} limits incoming connections with {what}. In ambient neither ztunnel nor a waypoint reads the Sidecar "
            "resource, so these limits are gone without an error.",
            related=related,
            remedy=_remedy([host for _, host in hosts], form),
        )


def _pools(sidecar: Resource) -> Iterator[tuple[Node, str, str]]:
    """Each pool with settings: its node, how it is called, and the field of a DestinationRule that takes it."""
    whole = sidecar.spec.get("inboundConnectionPool")
    if any(True for _ in whole.items()):
        yield whole, "inboundConnectionPool", "trafficPolicy.connectionPool"
    for listener in sidecar.spec.each("ingress"):
        pool = listener.get("connectionPool")
        if any(True for _ in pool.items()):
            port = listener.get("port", "number").value
            what = f"connectionPool of the ingress listener {port}"
            yield pool, what, f"trafficPolicy.portLevelSettings (for the Service port that leads to {port})"


def _pods(sidecar: Resource, mesh: Mesh) -> Sequence[Workload] | None:
    """The pods that the Sidecar configures, as far as the repository holds them; None: none of them becomes ambient."""
    written = sidecar.spec.get("workloadSelector", "labels")
    selector = written.strings()
    templated = written.unknown or any(value.unknown for _, value in written.items())
    if templated or not mesh.candidate(sidecar) or mesh.selects_only_gateways(selector, sidecar.namespace):
        return None
    found = [workload for workload in mesh.workloads(selector, sidecar.namespace) if not workload.gateway]
    moving = [workload for workload in found if mesh.candidate(workload.resource)]
    return None if found and not moving and sidecar.namespace != mesh.settings.root_namespace else moving


def _hosts(pods: Sequence[Workload], mesh: Mesh) -> list[tuple[Resource, str]]:
    """The Services that select the pods, each with its host name."""
    services = dict.fromkeys(service for pod in pods for service in mesh.services_of(pod))
    return [(service, host.fqdn) for service in services for host in mesh.hosts_of(service)]


def _remedy(hosts: Sequence[str], form: str) -> str:
    if not hosts:
        return f"Move the limits into {form} of a DestinationRule for every Service that selects the pods, and give the Service a waypoint."
    shown = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    return f"Move the limits into {form} of a DestinationRule for {shown}, and give the Service a waypoint that enforces them."
