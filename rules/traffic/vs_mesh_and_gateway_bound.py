"""ML111 vs-mesh-and-gateway-bound."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Destination, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_LABEL = "istio.io/ingress-use-waypoint"


@rule(
    "ML111", "vs-mesh-and-gateway-bound", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["gateways"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istio pilot/pkg/networking/core/listener_waypoint.go", "https://istio.io/latest/docs/ambient/usage/waypoint/"],
    remedy="Split it: one for the gateway, one for the mesh, and actions that must not repeat in only one of them.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[],
)  # fmt: skip
def vs_mesh_and_gateway_bound(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """One VirtualService is bound to a gateway and to the mesh, for a host that it also sends the traffic to.

    In ambient these are two hops: the gateway executes it, and the waypoint of the destination executes it again as soon as
    ingress traffic takes the waypoint (`istio.io/ingress-use-waypoint`). Faults, mirrors and retries multiply, headers are added
    twice, a rewritten path is rewritten once more, and of the share that one host keeps another share goes away.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint
        istio.io/ingress-use-waypoint: "true"
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings.bookinfo.svc.cluster.local]
      gateways: [public, mesh]  # expect: ML111
      http:
        - mirror: {host: ratings-next}
          route: [{destination: {host: ratings.bookinfo.svc.cluster.local}}]
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

    Remedy: two objects, one for the gateway with the public host, one for the mesh with the Service. What must not happen
    twice goes into just one of them. No automatic fix: which of the two it belongs to is a decision.

    Severity: a note where it neither injects faults, mirrors, retries, adds headers, rewrites nor splits between hosts: matches and
    timeouts may act twice. Not reported when matches keep gateways and mesh apart, when no destination is one of the
    hosts (the waypoint of the destination then ignores it), when that waypoint does not read this namespace
    (vs-outside-service-or-waypoint-namespace), when the destination is kept off waypoints, when a template decides on the
    gateways, and when the namespace of the host stays out of the mesh.
    """
    binding = mesh.binding(service)
    if not binding.mesh or not binding.gateways or not binding.known:
        return
    own = {host.fqdn for _, host in mesh.hosts(service)}
    spoken = {sent.host.written: sent.host for sent in mesh.destinations(service) if sent.host.fqdn in own}
    back = {name for name, host in spoken.items() if _comes_back(service, host, mesh)}
    twice = [sent for sent in mesh.destinations(service) if sent.host.written in back and _executed_twice(sent)]
    if not twice:
        return
    entering = {name for name in back if _ingress_takes_waypoint(spoken[name], mesh)}
    loops = [sent for sent in twice if sent.host.written in entering]
    sent = (loops or twice)[0]
    rules = dict.fromkeys(one.rule for one in (loops or twice))
    repeats = list(dict.fromkeys(action for one in rules for action in _repeating(one)))
    severity, impact = (None, None) if repeats else (Severity.NOTE, Impact.ADVICE)
    message = _message(service, sent, repeats, bool(loops))
    yield Problem(service.spec.get("gateways"), message, severity, impact, subject=mesh.moves(sent.host, service))


def _comes_back(service: Resource, host: Host, mesh: Mesh) -> bool:
    """Does the waypoint of a host execute the VirtualService?"""
    return mesh.moves(host, service) is not None and mesh.waypoint_after(host) and _read(service, host, mesh)


def _executed_twice(sent: Destination) -> bool:
    """Do both the gateway and the mesh execute the rule?"""
    return sent.mesh and not sent.mirror and _at_gateway(sent.rule)


def _read(service: Resource, host: Host, mesh: Mesh) -> bool:
    """Does the waypoint of the host read VirtualServices of this namespace, as far as that is known?"""
    namespaces = mesh.route_namespaces(host)
    return not service.namespace or not namespaces or service.namespace in namespaces


def _at_gateway(rule_: Node) -> bool:
    confined = [[node.text for node in match.get("gateways").each()] for match in rule_.each("match")]
    return not confined or any(not gateways or any(name not in (None, "mesh") for name in gateways) for gateways in confined)


def _repeating(rule_: Node) -> Iterator[str]:
    for key in ("fault", "mirror", "mirrors", "rewrite", "retries"):
        if rule_.get(key) and rule_.get(key, "attempts").value != 0:
            yield "mirror" if key == "mirrors" else key
    for holder in (rule_, *rule_.each("route")):
        if holder.get("headers", "request", "add") or holder.get("headers", "response", "add"):
            yield "headers.add"
    if _shares(rule_):
        yield "weights"


def _shares(rule_: Node) -> bool:
    """Does it split traffic between hosts? Between subsets of one host, the second draw replaces the first."""
    drawn = [route for route in rule_.each("route") if route.get("weight").value != 0]
    return len({route.get("destination", "host").text for route in drawn}) > 1


def _ingress_takes_waypoint(host: Host, mesh: Mesh) -> bool:
    """The label of the Service beats that of its namespace, which counts since Istio 1.25."""
    held = host.resource
    if held is not None and held.label(_LABEL).present:
        return held.labels.get(_LABEL) == "true"
    namespace = mesh.find(Kind.NAMESPACE, "", host.namespace)
    return namespace is not None and mesh.target.istio_at_least("1.25.0") and namespace.labels.get(_LABEL) == "true"


def _message(service: Resource, sent: Destination, repeats: list[str], loops: bool) -> str:
    said = f"{service.title} acts at its gateways and in the mesh for {sent.host.title}"
    what = ", ".join(repeats) if repeats else "its rules"
    if loops:
        return f"{said}, and ingress traffic takes the waypoint of that host ({_LABEL}): gateway and waypoint both execute {what}."
    return f"{said}: once ingress traffic takes the waypoint of that host ({_LABEL}), gateway and waypoint both execute {what}."
