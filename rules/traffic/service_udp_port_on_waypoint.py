"""ML141 service-udp-port-on-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML141", "service-udp-port-on-waypoint", Severity.NOTE, impact=Impact.UNENFORCED, each=Kind.SERVICE, evidence="code",
    needs=["protocol"],
    reads=[Kind.GATEWAY, Kind.AUTHORIZATION_POLICY, *GATEWAY_API_KINDS, *WORKLOADS],
    sources=["istio pilot/pkg/networking/core/listener_waypoint.go (buildWaypointInternal)", "istio cluster_waypoint.go"],
    remedy="Guard the UDP port with a NetworkPolicy.",
    points_to=[Kind.AUTHORIZATION_POLICY],
)  # fmt: skip
def service_udp_port_on_waypoint(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An AuthorizationPolicy names a UDP port of a Service, and UDP passes by the mesh.

    Neither ztunnel nor a waypoint proxies UDP (DNS queries of the pods apart), so no policy of the mesh guards the port.
    Sidecars let UDP through as well: nothing gets worse by the move, but the policy reads as if it did something.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: voice
      namespace: shop
    spec:
      selector: {app: voice}
      ports:
        - {name: http, port: 8080}
        - name: media
          port: 5004
          protocol: UDP  # expect: ML141
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: voice
      namespace: shop
    spec:
      selector: {matchLabels: {app: voice}}
      action: DENY
      rules:
        - to: [{operation: {ports: ["5004"]}}]
          from: [{source: {notNamespaces: [shop]}}]
    ```

    Remedy: a NetworkPolicy, which knows UDP:

        spec:
          podSelector: {matchLabels: {app: voice}}
          ingress: [{ports: [{port: 5004, protocol: UDP}], from: [{podSelector: {}}]}]

    There is no automatic fix: a NetworkPolicy isolates the pods for all their ports.

    Not reported when: no policy names the port (`ports` of an operation, of a policy that takes pods of the Service or whose
    targetRefs name it); the Service has the number for TCP as well; the namespace stays out of the mesh.
    """
    ports = list(service.spec.each("ports"))
    if not any(port.get("protocol").text == "UDP" for port in ports) or not mesh.candidate(service):
        return
    elsewhere = {number for port in ports if port.get("protocol").text != "UDP" for number in _numbers(port)}
    for port in ports:
        protocol = port.get("protocol")
        if protocol.text != "UDP":
            continue
        named = _named(service, {number for number in _numbers(port) if number not in elsewhere}, mesh)
        if named:
            number, policy, node = named[0]
            message = f"{policy.title} names port {number}, which is UDP in {service.title}: the mesh proxies no UDP, so no policy of it "
            yield Problem(protocol, message + "guards this port.", related=((node, "the policy names the port here"),))


def _numbers(port: Node) -> Iterator[str]:
    """The numbers that policies call a port by: that of the Service (at a waypoint), that of the pods (at ztunnel)."""
    for node in (port.get("port"), port.get("targetPort")):
        if isinstance(node.value, int):
            yield str(node.value)


def _named(service: Resource, numbers: set[str], mesh: Mesh) -> list[tuple[str, Resource, Node]]:
    policies = [*mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)]
    policies += [policy for policy, _ in mesh.attached(service, Kind.AUTHORIZATION_POLICY)]
    said = ((policy, node) for policy in dict.fromkeys(policies) for node in policy.spec.each("rules", "to", "operation", "ports"))
    return [(node.text, policy, node) for policy, node in said if node.text in numbers]
