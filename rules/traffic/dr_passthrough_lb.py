"""ML127 dr-passthrough-lb."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import AT_WAYPOINTS, WORKLOADS, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML127", "dr-passthrough-lb", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.DESTINATION_RULE, evidence="issue",
    needs=["loadBalancer"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION,
        Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE, *WORKLOADS,
    ],
    sources=["https://github.com/istio/istio/issues/43242", "istio pilot/pkg/networking/core/cluster_waypoint.go"],
    remedy="Remove it, or keep the Service off waypoints (istio.io/use-waypoint: none); clients that need a certain pod use a headless "
    "Service.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, *AT_WAYPOINTS],
)  # fmt: skip
def dr_passthrough_lb(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule sends to the address that the client dialled (`loadBalancer.simple: PASSTHROUGH`), for a host with a
    waypoint.

    A sidecar sees which pod its application dialled and sends there. The waypoint ends the connection, which came to the
    Service: there is no pod address left to pass through to. Istio does not support it there (issue 43242, up to 1.32-dev).

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
        loadBalancer:
          simple: PASSTHROUGH  # expect: ML127
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

    Remedy: remove the setting, or keep the Service off waypoints; ztunnel sends to the pod that the client dialled, as for a
    headless Service. No automatic fix: what the clients rely on is not in the repository.

    One finding for each DestinationRule. Not reported when the host has no waypoint and the repository shows no reason for
    one (a VirtualService of the mesh, a route or a policy for it), for headless Services, for ServiceEntries of resolution
    NONE from Istio 1.28 on, where waypoints pass through, and of DYNAMIC_DNS, for subsets that nobody uses, for a
    workloadSelector (dr-workload-selector), in namespaces that the waypoint does not look into, and when the host stays out of
    the mesh.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    found = [node for one in mesh.traffic_policies(policy) for node in [one.get("loadBalancer", "simple")] if node.text == "PASSTHROUGH"]
    subject = mesh.rule_subject(policy) if found else None
    if subject is None or policy.spec.get("workloadSelector").is_map:
        return
    if not _at_waypoint(host, mesh) or _keeps_addresses(host, mesh) or _elsewhere(policy, host, mesh):
        return
    message = (
        f"{policy.title} passes connections for {host.title} through to the address that the client dialled (PASSTHROUGH). The waypoint "
        "of the host ends them, and what it gets is addressed to the Service: no pod is left to pass through to."
    )
    yield Problem(found[0], message, related=_related(host, mesh), subject=subject)


def _at_waypoint(host: Host, mesh: Mesh) -> bool:
    """Has the host a waypoint, or does the repository show why it will need one?"""
    if mesh.waypoint(host).bound:
        return True
    return mesh.waypoint_after(host) and host.service is not None and mesh.waypoint_reason(host.service) is not None


def _keeps_addresses(host: Host, mesh: Mesh) -> bool:
    """Is there no load balancing that PASSTHROUGH could replace: a headless Service, or such a ServiceEntry?"""
    if host.service is not None:
        return host.service.spec.get("clusterIP").text == "None"
    own = {"DYNAMIC_DNS", "NONE"} if mesh.target.istio_at_least("1.28.0") else {"DYNAMIC_DNS"}
    return any((entry.spec.get("resolution").text or "NONE") in own for entry in host.entries)


def _elsewhere(policy: Resource, host: Host, mesh: Mesh) -> bool:
    reads = mesh.route_namespaces(host)
    return bool(reads) and policy.namespace not in {*reads, mesh.settings.root_namespace}


def _related(host: Host, mesh: Mesh) -> tuple[tuple[Node, str], ...]:
    label = mesh.waypoint(host).label
    if label is not None:
        return ((label, "this label binds the host to its waypoint"),)
    reason = mesh.waypoint_reason(host.service) if host.service is not None else None
    return () if reason is None else ((reason, "this needs a waypoint for the host"),)
