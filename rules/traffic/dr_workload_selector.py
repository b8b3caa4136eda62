"""ML125 dr-workload-selector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshlint.api import WORKLOADS, Confidence, Impact, Kind, Mesh, Problem, Resource, Severity, rule, settings_of


@rule(
    "ML125", "dr-workload-selector", Severity.ERROR, impact=Impact.IGNORED, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["workloadSelector"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=[
        "istio pilot/pkg/model/sidecar.go (SidecarScope.DestinationRule)", "istio pilot/pkg/model/push_context.go (setDestinationRules)",
    ],
    remedy="Merge it into a DestinationRule of the host without a workloadSelector, for all callers.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY],
)  # fmt: skip
def dr_workload_selector(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule with a workloadSelector speaks to the sidecars of some clients; in ambient nobody takes it.

    The selector chooses clients of the rule's own namespace. ztunnel reads no DestinationRule, and a waypoint, which sends on
    behalf of all callers, passes over every rule with a selector: TLS, pools and load balancing for single clients end.

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
      workloadSelector:  # expect: ML125
        matchLabels: {app: reviews}
      trafficPolicy:
        loadBalancer: {simple: LEAST_REQUEST}
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

    Remedy: one DestinationRule without selector in the namespace of the host, which is then for all callers; or leave the
    client on a sidecar. No automatic fix: without the selector the settings are for everybody.

    Not reported when the selector takes gateway pods only, which go on reading the rule, or only pods that stay out of the
    mesh; when a template fills it in; when the rule has no other content than `tls.mode: ISTIO_MUTUAL` or `DISABLE`; for
    hosts outside of the mesh or in a namespace that stays out.
    """
    selector = policy.spec.get("workloadSelector")
    labels = selector.get("matchLabels")
    if not selector.is_map or any(node.unknown for node in (labels, *(node for _, node in labels.items()))):
        return
    if mesh.rule_subject(policy) is None or not mesh.candidate(policy) or not _clients_move(policy, labels.strings(), mesh):
        return
    if not any(settings_of(one) for one in mesh.traffic_policies(policy)):
        return
    host = mesh.host(policy.spec.get("host"), policy)
    who = ", ".join(f"{key}={value}" for key, value in labels.strings().items())
    whom = f"clients with {who}" if who else "clients of its own namespace"
    yield Problem(
        selector,
        f"{policy.title} shapes traffic to {host.title} for {whom} only. ztunnel reads no DestinationRule and waypoints pass over "
        "those with a workloadSelector, so nobody applies it in ambient.",
        confidence=Confidence.LOW if host.resource is None else None,
        related=((host.resource.root, "the host"),) if host.resource is not None else (),
    )


def _clients_move(policy: Resource, selector: Mapping[str, str], mesh: Mesh) -> bool:
    """May clients that the selector takes become ambient, as far as the repository holds them?"""
    if selector and mesh.selects_only_gateways(selector, policy.namespace):
        return False
    found = [workload for workload in mesh.workloads(selector, policy.namespace) if not workload.gateway] if selector else []
    return not found or any(mesh.candidate(workload.resource) for workload in found)
