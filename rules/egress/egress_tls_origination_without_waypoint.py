"""ML504 egress-tls-origination-without-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import (
    ROUTES,
    WORKLOADS,
    Fix,
    Host,
    HostKind,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    WaypointState,
    changes,
    rule,
)

_ORIGINATES = frozenset({"SIMPLE", "MUTUAL"})
_SPEAKS_TLS = frozenset({"TLS", "HTTPS"})
_WITHOUT = frozenset({WaypointState.NONE, WaypointState.OPTED_OUT})


@rule(
    "ML504",
    "egress-tls-origination-without-waypoint",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=Kind.DESTINATION_RULE,
    needs=["tls"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.K8S_GATEWAY, Kind.GATEWAY, Kind.INGRESS, Kind.LISTENER_SET,
        Kind.X_LISTENER_SET, *ROUTES, *WORKLOADS,
    ],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/networking/core/cluster_waypoint.go",
        "https://ambientmesh.io/docs/traffic/mesh-egress/",
    ],
    remedy="Bind the ServiceEntry to an egress waypoint with istio.io/use-waypoint; the waypoint then opens the TLS connection.",
    points_to=[Kind.SERVICE_ENTRY],
)  # fmt: skip
def egress_tls_origination_without_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule opens TLS to the host of a ServiceEntry that has no waypoint; the client's sidecar did that, and in
    ambient nobody does.

    ztunnel does not read DestinationRules. It forwards what the application sends: plain HTTP to a port that expects TLS,
    which fails, or plain HTTP over the network where the server takes it, which leaks.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
    spec:
      hosts:
        - api.example.com
      location: MESH_EXTERNAL
      resolution: DNS
      ports:
        - number: 80
          name: http
          protocol: HTTP
          targetPort: 443
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: partner
      namespace: shop
    spec:
      host: api.example.com
      trafficPolicy:
        tls:
          mode: SIMPLE # expect: ML504
    ```

    Remedy: the label on the ServiceEntry (or its namespace), and the DestinationRule in the namespace of the ServiceEntry or
    of the waypoint:

        metadata: {labels: {istio.io/use-waypoint: egress}}

    The fix binds the ServiceEntry to the waypoint of its namespace, a new one if there is none; it needs a look, because a waypoint
    is a deployment to be planned. There is no automatic fix where the DestinationRule stands in another namespace, or
    several waypoints could be meant.

    Not reported when: the ServiceEntry names a waypoint (others say if that one is missing or does not fit); every port that
    the setting covers is of protocol TLS or HTTPS, where the application speaks TLS itself; the mode is ISTIO_MUTUAL or
    DISABLE; a VirtualService for the host is bound to a gateway, where the TLS of an egress gateway goes on, or routes at a
    gateway alone send to it; the rule is for the pods of gateways (workloadSelector); no client may become ambient; with
    `--goal gateway-api`, where nothing is ambient now.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    subject = mesh.moves(host, policy) if host.kind is HostKind.ENTRY else None
    if subject is None or not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
        return
    if any(mesh.waypoint(entry).state not in _WITHOUT for entry in host.entries):
        return
    if any(mesh.binding(service).gateways for service in mesh.virtual_services(host)) or _of_routes_alone(host, mesh):
        return
    if mesh.selects_only_gateways(policy.spec.get("workloadSelector", "matchLabels").strings(), policy.namespace):
        return
    modes = [mode for mode, ports in _modes(policy, host.entries, mesh) if mode.text in _ORIGINATES and not _all_tls(ports)]
    if modes:
        entry = host.entries[0]
        yield Problem(
            modes[0],
            f"{policy.title} opens TLS ({modes[0].text}) to {host.title}, and {entry.title} has no waypoint: ztunnel reads no "
            "DestinationRule and sends what the application sends, in plain text.",
            related=((entry.root, "the ServiceEntry without a waypoint"),),
            subject=subject,
            fix=partial(_fix, policy, host.entries, mesh),
        )


def _of_routes_alone(host: Host, mesh: Mesh) -> bool:
    """Do routes at gateways send to the host, and no VirtualService, which may do so for the mesh?"""
    if not mesh.ingress_only(host) or any(user.kind is Kind.VIRTUAL_SERVICE for user, _ in mesh.ingress_users(host)):
        return False
    return not any(sent.host == host for service in mesh.all(Kind.VIRTUAL_SERVICE) for sent in mesh.destinations(service))


def _fix(policy: Resource, entries: Sequence[Resource], mesh: Mesh) -> Fix | None:
    """A waypoint for the entries, which reads DestinationRules of their namespace."""
    from meshlint.api import waypoints

    made = changes()
    near = all(entry.namespace == policy.namespace for entry in entries)
    return made.fix("Bind the ServiceEntry to a waypoint") if near and waypoints.bind(made, entries, mesh) else None


def _modes(policy: Resource, entries: Sequence[Resource], mesh: Mesh) -> Iterator[tuple[Node, list[Node]]]:
    """Each TLS mode that acts, of the whole and of used subsets, with the ports of the ServiceEntries that it covers: a setting
    of a port takes the place of the general one."""
    ports = [port for entry in entries for port in entry.spec.each("ports")]
    for setting in mesh.traffic_policies(policy):
        own, below = setting.get("port", "number"), [node.value for node in setting.each("portLevelSettings", "port", "number")]
        covered = [port for port in ports if own.present and port.get("number").value == own.value]
        yield setting.get("tls", "mode"), covered if own.present else [port for port in ports if port.get("number").value not in below]


def _all_tls(ports: list[Node]) -> bool:
    """Does the application speak TLS itself on all of these ports? Unknown protocols count as such: nothing is concluded."""
    return all(port.get("protocol").unknown or (port.get("protocol").text or "").upper() in _SPEAKS_TLS for port in ports)
