"""ML215 authz-port-at-waypoint."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, PolicyTarget, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML215", "authz-port-at-waypoint", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=[
        "istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go", "https://github.com/istio/istio/issues/46982",
        "istio@86c9f01:pilot/pkg/security/authz/model/generator.go (destPortGenerator)",
    ],
    remedy="Write the port of the Service here; a policy with the pods' selector keeps the port of the pod.",
    points_to=[Kind.SERVICE],
)  # fmt: skip
def authz_port_at_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy with targetRefs names the port of the pod; a waypoint compares the port of the Service.

    Sidecars and ztunnel see the container's port, a waypoint the Service's. A copy of a policy for pods whose `ports` were
    not translated matches nothing there: an ALLOW rule refuses, a DENY rule lets in.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
      labels: {istio.io/use-waypoint: waypoint}
    spec:
      selector: {app: cart}
      ports: [{name: http, port: 80, targetPort: 8080}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      targetRefs: [{kind: Service, group: "", name: cart}]
      rules:
        - from: [{source: {namespaces: [web]}}]
          to: [{operation: {methods: [GET], ports: ["8080"]}}]  # expect: ML215
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: cart-pods
      namespace: shop
    spec:
      selector: {matchLabels: {app: cart}}
      rules:
        - from: [{source: {principals: [cluster.local/ns/shop/sa/waypoint]}}]
          to: [{operation: {ports: ["8080"]}}]
    ```

    Remedy: `ports: ["80"]`, which the fix writes. It needs a look; none is offered where the Services that the policy targets have
    several ports for that of their pods.

    Reported for a number that no target has as a port, and that one has as a targetPort. Not reported when port and
    targetPort are the same, when the targetPort is a name or the repository does not hold the Service, when the policy has
    a selector, and when the target is an ingress gateway.
    """
    acting = authz.authorization(policy)
    services = [service for target in mesh.targets(policy) for service in _services(target, mesh)]
    if acting is None or not services:
        return
    ports = {port.get("port").scalar for service in services for port in service.spec.each("ports")}
    for attribute, number in _asked(acting):
        found = _pod_port(services, number) if number not in ports else None
        if found is not None:
            yield _problem(policy, attribute, number, *found)._replace(fix=partial(_fix, acting, services, ports))
            return


def _asked(acting: authz.Authorization) -> Iterator[tuple[authz.Attribute, int]]:
    """The ports that the policy names."""
    for one in acting.rules:
        for attribute in one.attributes():
            if attribute.key == "destination.port":
                yield from ((attribute, int(value)) for value in attribute.values if value is not None and value.isdigit())


def _services(target: PolicyTarget, mesh: Mesh) -> Iterator[Resource]:
    found = target.resource
    if found is not None and found.kind is Kind.SERVICE and mesh.waypoint_after(found):
        yield found
    elif found is not None and found.kind is Kind.K8S_GATEWAY and mesh.is_waypoint(found):
        yield from (service for service in mesh.all(Kind.SERVICE) if mesh.waypoint(service).gateway is found)


def _pod_port(services: Sequence[Resource], number: int) -> tuple[Resource, Node] | None:
    """The Service that has this number as a targetPort, and the entry."""
    for service in services:
        for port in service.spec.each("ports"):
            if port.get("targetPort").scalar == number:
                return service, port
    return None


def _problem(policy: Resource, attribute: authz.Attribute, number: int, service: Resource, port: Node) -> Problem:
    message = (
        f"{policy.title} asks for port {number}, the port of the pods of {service.title}: at a waypoint the port of the Service counts, "
        f"{port.get('port').value}, so this never matches."
    )
    remedy = f'Write "{port.get("port").value}" here; a policy with the pods\' selector keeps "{number}".'
    return Problem(attribute.at, message, remedy=remedy, related=((port, "port and targetPort"),), subject=service)


def _fix(acting: authz.Authorization, services: Sequence[Resource], ports: Collection[object]) -> Fix | None:
    made = changes()
    for one in acting.rules:
        for attribute in one.attributes():
            for number, value in enumerate(attribute.values) if attribute.key == "destination.port" else ():
                if value is None or not value.isdigit() or int(value) in ports:
                    continue
                entries = [port for service in services for port in service.spec.each("ports")]
                wanted = {str(port.get("port").value) for port in entries if port.get("targetPort").scalar == int(value)}
                if len(wanted) > 1:
                    return None
                if wanted:
                    made.set(authz.item(attribute, number), wanted.pop())
    return made.fix("Write the port of the Service")
