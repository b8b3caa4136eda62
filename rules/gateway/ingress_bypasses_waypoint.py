"""ML410 ingress-bypasses-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import (
    AT_WAYPOINTS,
    ROUTES,
    WORKLOADS,
    Fix,
    Host,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    Waypoint,
    changes,
    rule,
)

_LABEL = "istio.io/ingress-use-waypoint"
_SECURITY = (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION)
_EXTENSIONS = (Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION)


@rule(
    "ML410",
    "ingress-bypasses-waypoint",
    Severity.WARNING,
    impact=Impact.UNENFORCED,
    each=Kind.SERVICE,
    reads=[Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, Kind.GATEWAY, Kind.VIRTUAL_SERVICE, *ROUTES,
           Kind.INGRESS, Kind.INGRESS_CLASS, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE,
           *_SECURITY, *_EXTENSIONS, *WORKLOADS],
    evidence="code",
    sources=[
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go",
        "istio@86c9f01:pilot/pkg/features/ambient.go (EnableIngressWaypointRouting)",
        "istio@86c9f01:releasenotes/notes/ingress-use-waypoint-namespace.yaml",
    ],
    remedy='Label the Service (from Istio 1.25 on, or its namespace) with istio.io/ingress-use-waypoint: "true", or repeat the policies at '
    "the gateway.",
    points_to=[Kind.INGRESS, *AT_WAYPOINTS],
)  # fmt: skip
def ingress_bypasses_waypoint(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Service has a waypoint with L7 objects, and a gateway sends ingress traffic to it; gateways go past the waypoint
    unless the label `istio.io/ingress-use-waypoint` says otherwise.

    Istio's gateways address the pods directly by default, so that rules are not applied twice. Policies, routes and
    extensions at the waypoint are then not seen by requests from outside, while the sidecar in front of the pods
    enforced them for ingress traffic as well. An error if one of these objects is a security policy.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint # expect: ML410
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: reviews-get
      namespace: bookinfo
    spec:
      targetRefs:
        - group: ""
          kind: Service
          name: reviews # expect: ML210
      action: ALLOW
      rules:
        - to:
            - operation:
                methods: ["GET"]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - name: ingress
      hostnames: ["reviews.example.com"]
      rules:
        - backendRefs:
            - name: reviews
              port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: ingress
      namespace: bookinfo
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ```

    Remedy: the label on the Service (or, from Istio 1.25 on, on its namespace); or the same policy at the gateway, with
    targetRefs to it. Look for weights and faults that would then act twice. The fix writes the label on the
    Service. It needs a look: which of the two places should enforce is a decision. None is offered where gateway and waypoint
    execute the same routes.

    Not reported when: the label is set; no ingress route of this repository reaches the Service; the waypoint has no L7
    object for it, policies left out that its pods enforce as well (by layer 4 attributes, or while they have sidecars). A
    note only, if nothing but routes is at the waypoint, and the gateway executes the same ones.
    """
    waypoint = mesh.waypoint(service)
    if not waypoint.bound or waypoint.label is None or _uses_waypoint(service, mesh):
        return
    for host in mesh.hosts_of(service):
        users = mesh.ingress_users(host)
        if users:
            yield from _judge(service, host, waypoint, users, mesh)


def _judge(service: Resource, host: Host, waypoint: Waypoint, users: Sequence[tuple[Resource, Node]], mesh: Mesh) -> Iterator[Problem]:
    policies = _policies(service, waypoint, mesh)
    extensions = _attached(_EXTENSIONS, service, waypoint, mesh)
    routes = _routes(service, host, waypoint, mesh)
    passed = [*policies, *extensions, *routes]
    if not passed or waypoint.label is None:
        return
    senders = list(dict.fromkeys(user for user, _ in users))
    same = not policies and not extensions and all(route in senders for route in routes)
    severity = Severity.ERROR if policies else Severity.NOTE if same else Severity.WARNING
    names = ", ".join(one.title for one in passed[:3]) + (f" and {len(passed) - 3} more" if len(passed) > 3 else "")
    yield Problem(
        _place(service, waypoint.label),
        f"Ingress traffic to {service.title} goes past its waypoint {waypoint.name}: neither the Service nor its namespace is labelled "
        f'{_LABEL}: "true", so requests from outside are not seen by {names}{_limit(service, mesh)}.',
        severity=severity,
        impact=Impact.UNENFORCED if policies else Impact.DIFFERS,
        fix=None if any(route in senders for route in routes) else partial(_fix, service),
        related=(*((user.root, "sends ingress traffic to the Service") for user in senders),
                 *((one.root, "acts at the waypoint") for one in passed)),
    )  # fmt: skip


def _policies(service: Resource, waypoint: Waypoint, mesh: Mesh) -> list[Resource]:
    """The security policies at the waypoint that the pods do not enforce as well."""
    found = _attached(_SECURITY, service, waypoint, mesh)
    if not found:
        return []
    from meshlint.api import authz

    return [one for one in found if not authz.stands_at_the_pods(one, service, mesh)]


def _place(service: Resource, label: Node) -> Node:
    """The label that binds the Service; where its namespace carries it, the labels of the Service that lacks the other one."""
    own = service.label("istio.io/use-waypoint")
    return label if own.present else service.label(_LABEL)


def _uses_waypoint(service: Resource, mesh: Mesh) -> bool:
    """Does ingress traffic take the waypoint (or may it: a template decides)? The Service's label beats its namespace's."""
    own = service.label(_LABEL)
    if own.present:
        return own.unknown or service.labels.get(_LABEL) == "true"
    namespace = mesh.find(Kind.NAMESPACE, "", service.namespace)
    if namespace is None or not mesh.target.istio_at_least("1.25.0"):
        return False
    return namespace.label(_LABEL).unknown or namespace.labels.get(_LABEL) == "true"


def _limit(service: Resource, mesh: Mesh) -> str:
    """Said where the namespace has the label, and the release does not read it there."""
    namespace = mesh.find(Kind.NAMESPACE, "", service.namespace)
    if namespace is None or namespace.labels.get(_LABEL) != "true":
        return ""
    return f" (Istio {mesh.target.istio} does not read the label on a Namespace, 1.25 and later do)"


def _attached(kinds: Sequence[Kind], service: Resource, waypoint: Waypoint, mesh: Mesh) -> list[Resource]:
    """Objects whose targetRefs name the Service, or the waypoint that it uses."""
    return [one for kind in kinds for one in mesh.all(kind) if _targets(one, service, waypoint, mesh)]


def _targets(one: Resource, service: Resource, waypoint: Waypoint, mesh: Mesh) -> bool:
    for ref in [*one.spec.each("targetRefs"), *one.spec.each("targetRef")]:
        kind, name = ref.get("kind").text, ref.get("name").text
        if kind == "Service" and (one.namespace, name) == (service.namespace, service.name):
            return True
        if kind == "Gateway" and (one.namespace, name) == (waypoint.namespace, waypoint.name):
            return True
        if kind == "GatewayClass" and one.namespace == mesh.settings.root_namespace and name == _class(waypoint):
            return True
    return False


def _class(waypoint: Waypoint) -> str:
    written = waypoint.gateway.spec.get("gatewayClassName").text if waypoint.gateway is not None else None
    return written or "istio-waypoint"


def _routes(service: Resource, host: Host, waypoint: Waypoint, mesh: Mesh) -> list[Resource]:
    """Routes that the waypoint executes for the host: of the Service's namespace, VirtualServices of the waypoint's too."""
    routes = [route for route, _ in mesh.mesh_routes(host) if route.namespace == service.namespace]
    near = (service.namespace, waypoint.namespace)
    virtual = [one for one in mesh.virtual_services(host) if one.namespace in near and mesh.binding(one).mesh]
    return list(dict.fromkeys([*routes, *virtual]))


def _fix(service: Resource) -> Fix | None:
    return changes().label(service, _LABEL, "true").fix("Let ingress traffic take the waypoint")
