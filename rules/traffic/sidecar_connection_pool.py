"""ML131 sidecar-connection-pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, rule


@rule(
    "ML131",
    "sidecar-connection-pool",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=Kind.SIDECAR,
    needs=["inboundConnectionPool", "connectionPool"],
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.ROLLOUT, Kind.CANARY,
           Kind.NAMESPACE, Kind.ARGO_APPLICATION, *WORKLOADS],
    evidence="docs",
    sources=[
        "https://ambientmesh.io/docs/setup/sidecar-migration",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#Sidecar",
        "istio/api PR 3517",
    ],
    remedy="Move the limits into trafficPolicy.connectionPool of a DestinationRule for every Service that selects the pods, "
    "and give these Services a waypoint.",
    points_to=[Kind.SERVICE, Kind.DESTINATION_RULE],
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

    meshlint can do both: it makes the DestinationRules or adds to those that are there (to the entries of their ports and
    subsets, which inherit nothing, as well; a new one repeats what a DestinationRule for a wider host has said), and binds the
    Services to a waypoint. The Sidecar keeps its limits while it has readers; where the pods are ambient, or with
    `--phase switch`, they leave it, and a Sidecar without anything else goes. It needs a look: the waypoint counts the
    connections of all pods behind the Service together, the sidecar counted those of one pod, so the numbers may have to be
    chosen again. There is no automatic fix where a DestinationRule sets another value, where no Service that could have a
    waypoint selects the pods, and where it is not told to which port of a Service the port of a listener belongs.

    Not reported when: the Sidecar selects gateway pods only, or nothing that may become ambient; the DestinationRules of all
    Services that select the pods (headless ones left out) say the same, and the pods still have sidecars. With
    `--goal gateway-api` only what is ambient now counts.
    """
    pods = _pods(sidecar, mesh)
    if pods is None or not (mesh.settings.to_ambient or mesh.ambient_now(sidecar) or any(mesh.ambient_now(pod.resource) for pod in pods)):
        return
    hosts = _hosts(pods, mesh)
    related = [(service.root, f"selects these pods: the limits belong into a DestinationRule for {host}") for service, host in hosts]
    related += [(policy.spec.get("host"), "the DestinationRule that is there takes the limits") for policy in _rules(hosts, mesh)]
    for pool, what, form in _pools(sidecar):
        if not _gone(sidecar, pods, mesh) and _taken_over(sidecar, pool, pods, mesh):
            continue
        yield Problem(
            pool,
            f"{sidecar.title} limits incoming connections with {what}. In ambient neither ztunnel nor a waypoint reads the Sidecar "
            "resource, so these limits are gone without an error.",
            related=tuple(related),
            remedy=_remedy([host for _, host in hosts], form),
            fix=partial(_fix, sidecar, pool, pods, mesh),
            subject=next((pod.resource for pod in pods if mesh.ambient_now(pod.resource)), None),
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


def _rules(hosts: Sequence[tuple[Resource, str]], mesh: Mesh) -> list[Resource]:
    """The DestinationRules that these very Services have already."""
    found = (policy for service, _ in hosts for host in mesh.hosts_of(service) for policy in mesh.destination_rules(host))
    names = {host for _, host in hosts}
    return [policy for policy in dict.fromkeys(found) if mesh.host(policy.spec.get("host"), policy).fqdn in names]


def _remedy(hosts: Sequence[str], form: str) -> str:
    if not hosts:
        return f"Move the limits into {form} of a DestinationRule for every Service that selects the pods, and give the Service a waypoint."
    shown = ", ".join(hosts[:3]) + (f" and {len(hosts) - 3} more" if len(hosts) > 3 else "")
    return f"Move the limits into {form} of a DestinationRule for {shown}, and give the Service a waypoint that enforces them."


def _gone(sidecar: Resource, pods: Sequence[Workload], mesh: Mesh) -> bool:
    """Does no sidecar read the Sidecar any more?"""
    from meshlint.api import pods as templates

    return all(templates.sidecars_gone(of, mesh) for of in [pod.resource for pod in pods] or [sidecar])


def _taken_over(sidecar: Resource, at: Node, pods: Sequence[Workload], mesh: Mesh) -> bool:
    from meshlint.api import pools

    pool = pools.pool_of(sidecar, at)
    return pool is not None and pools.taken_over(pool, pods, mesh)


def _fix(sidecar: Resource, at: Node, pods: Sequence[Workload], mesh: Mesh) -> Fix | None:
    from meshlint.api import pools

    pool = pools.pool_of(sidecar, at)
    return pools.carry_over(sidecar, pool, pods, _gone(sidecar, pods, mesh), mesh) if pool is not None else None
