"""ML124 dr-export-to-hides-from-waypoint."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Confidence, Fix, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML124", "dr-export-to-hides-from-waypoint", Severity.ERROR, impact=Impact.IGNORED, each=Kind.DESTINATION_RULE, evidence="code",
    needs=["trafficPolicy", "subsets"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=["istio pilot/pkg/model/push_context.go (setDestinationRules, getExportedDestinationRuleFromNamespace)"],
    remedy="Add the namespace of the waypoint to exportTo.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE],
)  # fmt: skip
def dr_export_to_hides_from_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """exportTo of a DestinationRule leaves out the namespace of the waypoint that is to apply it.

    It was exported to its clients, whose sidecars applied it. In ambient the waypoint does, and what it may read is judged
    from its own namespace: a rule that only its own namespace may read is hidden from a shared waypoint in another, and one
    that only the clients may read is hidden from every waypoint.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint
        istio.io/use-waypoint-namespace: shared-waypoints
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
      exportTo: ["."]  # expect: ML124
      trafficPolicy:
        loadBalancer: {simple: LEAST_REQUEST}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shared-waypoints
      labels: {istio.io/waypoint-for: service}
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}]
    ```

    Remedy: name the waypoint's namespace in `exportTo`, or export to `*`. Where the mesh's default decides
    (meshConfig.defaultDestinationRuleExportTo), give the DestinationRule an exportTo of its own. meshlint
    can write either. That is safe where the rule stands in the namespace of its host, is the only one for it, and no sidecars of
    the waypoint's namespace would begin to read it; elsewhere it needs a look.

    Not reported when the waypoint stands in the namespace of a rule that exports to `.`, without any exportTo, for `~`
    (exported to nobody, on sidecars too), for a workloadSelector, which decides alone (dr-workload-selector), in a namespace
    that the waypoint does not look into (dr-client-namespace), when the rule only says `tls.mode: ISTIO_MUTUAL` or `DISABLE`
    or names subsets that nobody uses, when a template tells a namespace, when the host is kept off waypoints, and when its
    namespace stays out of the mesh. The confidence is low where another repository holds the host.
    """
    exported = mesh.export_to(policy)
    values = [node.text for node in exported.each()]
    subject = mesh.rule_subject(policy) if values and "~" not in values and policy.namespace else None
    if subject is None or policy.spec.get("workloadSelector").is_map:
        return
    host = mesh.host(policy.spec.get("host"), policy)
    where = _waypoint_namespace(policy, host, mesh)
    if where and not mesh.readable(policy, where) and mesh.shapes_traffic(policy):
        own = policy.spec.get("exportTo")
        at = own if exported == own else policy.spec.get("missing")
        confidence = Confidence.LOW if host.resource is None else None
        message = _message(policy, host, where, [value for value in values if value], exported == own)
        related, fix = _related(host, exported, own, mesh), partial(_fix, policy, host, where, mesh)
        yield Problem(at, message, confidence=confidence, related=related, fix=fix, subject=subject)


def _waypoint_namespace(policy: Resource, host: Host, mesh: Mesh) -> str:
    """Where the waypoint stands that is to apply the rule; nothing where none is, or it does not look here."""
    reads = mesh.route_namespaces(host)
    if not reads or policy.namespace not in {*reads, mesh.settings.root_namespace} or not mesh.waypoint_after(host):
        return ""
    waypoint = mesh.waypoint(host)
    return waypoint.namespace if waypoint.bound else host.namespace


def _message(policy: Resource, host: Host, where: str, values: list[str], own: bool) -> str:
    said = f"exports to {', '.join(values)}" if own else f"has no exportTo, and the mesh's default is {', '.join(values)}"
    return f"{policy.title} {said}: the waypoint of {host.title} stands in namespace {where}, may not read it and applies none of it."


def _related(host: Host, exported: Node, own: Node, mesh: Mesh) -> tuple[tuple[Node, str], ...]:
    out = [] if exported == own else [(exported, "the mesh's default")]
    waypoint = mesh.waypoint(host)
    if waypoint.bound and waypoint.label is not None:
        out.append((waypoint.label, "this label binds the host to its waypoint"))
    return tuple(out)


def _fix(policy: Resource, host: Host, where: str, mesh: Mesh) -> Fix | None:
    from meshlint.api import exports

    return exports.add(policy, [(host, where)], mesh)
