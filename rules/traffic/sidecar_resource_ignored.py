"""ML132 sidecar-resource-ignored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Mode, Node, Problem, Resource, Severity, rule

_LOOPBACK = ("127.0.0.1:", "[::1]:", "localhost:")


@rule(
    "ML132", "sidecar-resource-ignored", Severity.WARNING, impact=Impact.IGNORED, each=Kind.SIDECAR,
    needs=["ingress", "egress"],
    reads=[
        Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.WORKLOAD_GROUP, Kind.WORKLOAD_ENTRY,
        Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP, Kind.HELM_RELEASE, *WORKLOADS,
    ],
    evidence="docs",
    sources=[
        "istio/api PR 3517", "istio/api networking/v1alpha3/sidecar.proto", "https://istio.io/latest/docs/ambient/usage/",
    ],
    remedy="Delete it when its pods are ambient; isolate with AuthorizationPolicies and NetworkPolicies.",
    points_to=[],
)  # fmt: skip
def sidecar_resource_ignored(sidecar: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Sidecar trims what its pods see (`egress.hosts`) or defines listeners of their own (`ingress`); no data plane of
    ambient reads the Sidecar resource.

    Trimming was for the memory of sidecars, which ztunnel does not need; together with REGISTRY_ONLY it was a guard-rail, and
    that is gone. A listener that hands on to another port or a socket (`defaultEndpoint`) is worse: in ambient the traffic
    arrives at the port that was called, where nothing listens.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      workloadSelector:
        labels: {app: ratings}
      ingress:
        - port: {number: 9080, protocol: HTTP, name: http}
          defaultEndpoint: unix:///var/run/ratings.sock  # expect: ML132
      egress:
        - hosts: [./*]  # expect: ML132
    ```

    Remedy: delete the Sidecar after the move; where it isolated, write AuthorizationPolicies and NetworkPolicies; let the
    application listen on the address of its pod, at the port that is called, or change the Service's targetPort. No automatic
    fix: sidecars that remain still need it.

    One finding for what is trimmed, and one for each ingress listener. Severity: an error for a `defaultEndpoint` with a socket or
    another port; for one on loopback at the same port a warning, since the application may listen on all addresses; trimming
    is a warning with REGISTRY_ONLY (of this Sidecar, or of the mesh), else a note; and a note in the root namespace while some
    namespace of the repository still has sidecars. Not reported when the hosts are `*/*`, which trims nothing; when a
    listener says nothing but its port, or only a connectionPool (sidecar-connection-pool); when the Sidecar selects gateway
    pods, machines (WorkloadGroup, WorkloadEntry), or nothing that may become ambient; when a template fills in the selector.
    outboundTrafficPolicy has a rule of its own (sidecar-outbound-policy). With `--goal gateway-api` only what is ambient now
    counts.
    """
    if not _moves(sidecar, mesh) or not (mesh.settings.to_ambient or mesh.ambient_now(sidecar)):
        return
    for listener in sidecar.spec.each("ingress"):
        if (problem := _listener(listener, sidecar)) is not None:
            yield problem
    trimmed = [hosts for hosts in sidecar.spec.each("egress") if _trims(hosts.get("hosts"))]
    if trimmed:
        guard = _registry_only(sidecar.spec.get("outboundTrafficPolicy")) or any(
            _registry_only(setting.config.get("outboundTrafficPolicy")) for setting in mesh.mesh_settings()
        )
        said = f"{sidecar.title} limits what {_whom(sidecar, mesh)} may see (egress.hosts). In ambient nobody reads the Sidecar resource: "
        kept = _kept_for_sidecars(sidecar, mesh)
        yield Problem(
            trimmed[0].get("hosts"),
            said + ("with REGISTRY_ONLY it blocked the rest, which becomes reachable." if guard else "they see all hosts."),
            None if guard and not kept else Severity.NOTE,
            Impact.UNENFORCED if guard else None,
            remedy="Keep it for the namespaces that have sidecars, and delete it with the last of them." if kept else None,
        )


def _listener(listener: Node, sidecar: Resource) -> Problem | None:
    """What a listener does that nobody does in ambient; None: nothing."""
    endpoint, port = listener.get("defaultEndpoint"), listener.get("port", "number")
    said = f"{sidecar.title} defines the ingress listener {port.value if port else '(unnamed)'}"
    if endpoint.text:
        other = _other_port(endpoint.text, port)
        if endpoint.text.startswith("unix:") or other:
            message = f"{said} and hands on to {endpoint.text}. In ambient nobody does: traffic arrives at the port that was called, where "
            remedy = "Let the application listen at that port of its pod's address, or point targetPort of the Service to the port it has."
            return Problem(endpoint, message + "nothing listens.", Severity.ERROR, Impact.BREAKS, remedy=remedy)
        if endpoint.text.startswith(_LOOPBACK):
            message = f"{said} and hands on to {endpoint.text}. In ambient nobody does: if the application listens on loopback only, it is "
            remedy = "Make sure that the application listens on the address of its pod."
            return Problem(endpoint, message + "unreachable.", impact=Impact.BREAKS, remedy=remedy)
    if any(True for _ in listener.get("tls").items()):
        message = f"{said} and ends TLS there. In ambient nobody reads the Sidecar resource, and the application gets the TLS connection."
        return Problem(listener.get("tls"), message, remedy="End TLS at a gateway or in the application.")
    if listener.get("captureMode").text == "NONE":
        message = f"{said} with captureMode NONE. In ambient nobody reads the Sidecar resource, and ztunnel captures the port."
        return Problem(listener.get("captureMode"), message)
    return None


def _other_port(endpoint: str, port: Node) -> bool:
    """Does an endpoint lead to another port than the listener's? Not told where a template fills one of them in."""
    number = endpoint.rpartition(":")[2]
    return number.isdigit() and isinstance(port.value, int) and int(number) != port.value


def _trims(hosts: Node) -> bool:
    written = [node.text for node in hosts.each()]
    return hosts.is_list and bool(written) and None not in written and "*/*" not in written


def _registry_only(policy: Node) -> bool:
    mode = policy.get("mode")
    return policy.is_map and not mode.unknown and (not mode.present or mode.text == "REGISTRY_ONLY" or mode.value == 0)


def _moves(sidecar: Resource, mesh: Mesh) -> bool:
    """Does the Sidecar configure pods that are or may become ambient?"""
    written = sidecar.spec.get("workloadSelector", "labels")
    selector = written.strings()
    templated = written.unknown or any(value.unknown for _, value in written.items())
    if templated or not mesh.candidate(sidecar) or mesh.selects_only_gateways(selector, sidecar.namespace):
        return False
    found = mesh.workloads(selector, sidecar.namespace) if selector else ()
    if selector and not found and _machines(selector, sidecar, mesh):
        return False
    return not found or any(mesh.candidate(workload.resource) for workload in found)


def _machines(selector: Mapping[str, str], sidecar: Resource, mesh: Mesh) -> bool:
    """Does the selector take machines outside of the cluster, which keep their proxies?"""
    groups = [(group, group.spec.get("metadata", "labels")) for group in mesh.all(Kind.WORKLOAD_GROUP)]
    entries = [(entry, entry.spec.get("labels")) for entry in mesh.all(Kind.WORKLOAD_ENTRY)]
    beside = [labels.strings() for holder, labels in (*groups, *entries) if holder.namespace == sidecar.namespace]
    return any(selector.items() <= labels.items() for labels in beside)


def _kept_for_sidecars(sidecar: Resource, mesh: Mesh) -> bool:
    """Is it the mesh's default, which namespaces with sidecars still read?"""
    if sidecar.namespace != mesh.settings.root_namespace:
        return False
    return any(mesh.mode(namespace.name) is Mode.SIDECAR for namespace in mesh.all(Kind.NAMESPACE))


def _whom(sidecar: Resource, mesh: Mesh) -> str:
    selector = sidecar.spec.get("workloadSelector", "labels").strings()
    if selector:
        return f"the pods with {', '.join(f'{key}={value}' for key, value in selector.items())}"
    return "the whole mesh" if sidecar.namespace == mesh.settings.root_namespace else "its namespace"
