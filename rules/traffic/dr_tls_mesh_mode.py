"""ML126 dr-tls-mesh-mode."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Host, HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule, settings_of

_MESSAGE = {
    "ISTIO_MUTUAL": "{policy} only says tls mode ISTIO_MUTUAL for {host}, which ambient does not read: its peers always speak HBONE.",
    "DISABLE": "{policy} only says tls mode DISABLE for {host}, which does not turn mTLS off in ambient: its peers always speak HBONE.",
}
_REMEDY = {
    "ISTIO_MUTUAL": "Delete it once no client has a sidecar.",
    "DISABLE": "Find out which server or client the exception was for, and delete it once no client has a sidecar.",
}


@rule(
    "ML126", "dr-tls-mesh-mode", Severity.NOTE, impact=Impact.ADVICE, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["tls"],
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.INGRESS, Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.HTTP_ROUTE,
        Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.UDP_ROUTE, Kind.LISTENER_SET, Kind.X_LISTENER_SET, *WORKLOADS,
    ],
    sources=[
        "istio pilot/pkg/networking/core/cluster_waypoint.go (buildWaypointTLSContext)",
        "https://istio.io/latest/docs/ambient/architecture/",
    ],
    remedy="Delete it once no client has a sidecar.",
    points_to=[],
)  # fmt: skip
def dr_tls_mesh_mode(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule says nothing but `tls.mode: ISTIO_MUTUAL` or `DISABLE` for a host of the mesh, and ambient reads neither.

    Between ambient peers HBONE carries mTLS, and no DestinationRule turns it on or off. ISTIO_MUTUAL is redundant, DISABLE
    does nothing; left behind they mislead readers, and DISABLE marks an old exception that somebody should look at.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      host: ratings
      trafficPolicy:
        tls:
          mode: ISTIO_MUTUAL  # expect: ML126
    ```

    Remedy: delete the DestinationRule once no client has a sidecar. meshlint can do that where its host is ambient now, or
    with `--phase switch` or `cleanup`; it needs a look, because clients elsewhere may still have sidecars. Until then a client may
    need it, so that there is no automatic fix, nor where another DestinationRule would take its place.

    One finding for each DestinationRule. Not reported when the rule says anything else (modes SIMPLE and MUTUAL, which
    waypoints honour, or any other setting) or has subsets; for DISABLE to a server without the mesh (its namespace or all its
    pods stay out) or to a host that gateways send to, which read it; for ServiceEntries; when a template tells a mode; and for
    hosts outside of the mesh.
    """
    modes = _modes(policy, mesh)
    host = mesh.host(policy.spec.get("host"), policy)
    if not modes or host.kind is HostKind.ENTRY or mesh.rule_subject(policy) is None:
        return
    if any(mode.text == "DISABLE" for mode in modes) and (mesh.ingress_users(host) or _out(host, mesh)):
        return
    mode = modes[0].text or ""
    message = _MESSAGE[mode].format(policy=policy.title, host=host.title)
    related = tuple((node, f"tls mode {node.text}") for node in modes[1:])
    fix = partial(_fix, policy, host, mesh)
    yield Problem(modes[0], message, related=related, remedy=_REMEDY[mode], fix=fix, subject=mesh.rule_subject(policy))


def _modes(policy: Resource, mesh: Mesh) -> list[Node]:
    """The TLS modes of a rule that says nothing else; none for any other rule."""
    if policy.spec.get("subsets").present or not all(key in ("host", "trafficPolicy", "exportTo") for key, _ in policy.spec.items()):
        return []
    modes = []
    for one in mesh.traffic_policies(policy):
        if settings_of(one) or any(key not in ("tls", "port", "portLevelSettings") for key, _ in one.items()):
            return []
        modes += [mode for mode in [one.get("tls", "mode")] if mode.present]
    return modes if all(mode.text in _MESSAGE for mode in modes) else []


def _out(host: Host, mesh: Mesh) -> bool:
    """Do all pods of the Service that the repository makes stay out of the mesh?"""
    selector = host.service.spec.get("selector").strings() if host.service is not None else {}
    found = mesh.workloads(selector, host.namespace) if selector else []
    return bool(found) and not any(mesh.candidate(workload.resource) for workload in found)


def _fix(policy: Resource, host: Host, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    subject = mesh.rule_subject(policy)
    others = [rule for rule in mesh.destination_rules(host) if rule is not policy]
    if subject is None or others or not pods.sidecars_gone(subject, mesh):
        return None
    return changes().remove_document(policy.root).fix("Delete it")
