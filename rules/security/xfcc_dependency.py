"""ML223 xfcc-dependency."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from meshlint.api import MESHED_BY, ROUTES, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, WaypointState, may_say, rule

_HEADER = re.compile(r"x-forwarded-client-cert|\bxfcc\b", re.IGNORECASE)
_WORDS = ("forwarded-cl", "xfcc")  # one of them is in whatever names it; no letter of them has a third form, as i has
_ANNOTATION = "ambient.istio.io/xfcc-include-client-identity"
_DEPTH = 16


@rule(
    "ML223", "xfcc-dependency", Severity.NOTE, impact=Impact.DIFFERS,
    each=(Kind.AUTHORIZATION_POLICY, Kind.VIRTUAL_SERVICE, Kind.HTTP_ROUTE, *WORKLOADS), evidence="code",
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *MESHED_BY, *ROUTES,
        *WORKLOADS,
    ],
    sources=[
        "https://github.com/istio/istio/issues/54995", "istio@86c9f01:releasenotes/notes/54995.yaml",
        "istio@86c9f01:pilot/pkg/networking/core/listener_waypoint.go",
    ],
    remedy=f'Annotate the waypoint Gateway (or its GatewayClass) with {_ANNOTATION}: "true", or authorise by AuthorizationPolicy or JWT.',
    yields_in_object=["authz-l7-allow-at-ztunnel", "authz-l7-deny-at-ztunnel"],
    points_to=[],
)  # fmt: skip
def xfcc_dependency(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Something reads the header x-forwarded-client-cert, which a sidecar puts into every request; in ambient it is missing.

    ztunnel touches no HTTP, and a waypoint adds the header only if it is told to. What goes by the caller's certificate in
    that header finds none.

    ```yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        matchLabels: {app: cart}
      template:
        metadata:
          labels: {app: cart}
        spec:
          containers:
            - name: cart
              image: "shop/cart:1.4"
              env:
                - {name: IDENTITY_HEADER, value: X-Forwarded-Client-Cert} # expect: ML223
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient}
    ```

    Remedy: from Istio 1.30 on, the annotation on the waypoint, which then overwrites the header with the SPIFFE id of the caller (no
    certificate, no hash); before that, and without a waypoint, an AuthorizationPolicy or a JWT. No automatic fix.

    Read are the conditions of AuthorizationPolicies, the rules of VirtualServices and HTTPRoutes that the mesh executes, and
    variables, commands and arguments of pods whose namespace is in the mesh. Not reported when only gateways use the header,
    when a waypoint of the namespace has the annotation (Istio 1.30), when the object stays out of ambient, and when a policy by selector
    is reported as a whole (authz-l7-allow-at-ztunnel). Filters of sidecars: envoyfilter-sidecar.
    """
    if not may_say(resource.root, *_WORDS):
        return
    nodes, subject = _read(resource, mesh)
    at = next((found for node in nodes if (found := _mention(node)) is not None), None) if subject is not None else None
    if at is None or _told(resource, mesh):
        return
    lacking = "" if mesh.target.istio_at_least("1.30.0") else f" (Istio {mesh.target.istio} has no setting for it: from 1.30)"
    message = (
        f"{resource.title} uses the header x-forwarded-client-cert, which no sidecar fills in any more and a waypoint only if told "
        f"to{lacking}."
    )
    other = "Authorise by AuthorizationPolicy or JWT, or move to Istio 1.30, whose waypoints can add the caller's identity."
    remedy = other if lacking else None
    yield Problem(at, message, remedy=remedy, subject=subject)


def _read(resource: Resource, mesh: Mesh) -> tuple[Iterable[Node], Resource | str | None]:
    """What of an object is read in the mesh, and whom it concerns."""
    if resource.kind is Kind.AUTHORIZATION_POLICY:
        targets = [target.resource for target in mesh.targets(resource)]
        if not targets:
            return [resource.spec.get("rules")], mesh.reach(resource).subject
        gateways = all(found is None or (found.kind is Kind.K8S_GATEWAY and not mesh.is_waypoint(found)) for found in targets)
        return [resource.spec.get("rules")], None if gateways or not mesh.candidate(resource) else resource
    if resource.kind is Kind.VIRTUAL_SERVICE:
        return mesh.mesh_rules(resource), mesh.mesh_subject(resource)
    if resource.kind is Kind.HTTP_ROUTE:
        hosts = [mesh.parent_host(resource, ref) for ref in resource.spec.each("parentRefs")]
        held = [host.resource for host in hosts if host is not None and host.resource is not None]
        return [resource.spec.get("rules")], next((service for service in held if mesh.candidate(service)), None)
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource) or not mesh.meshed(resource):
        return [], None
    return [part for container in workload.template.get("spec").each("containers") for part in _parts(container)], resource


def _parts(container: Node) -> list[Node]:
    """What a container is told, without the sidecar's own settings."""
    if container.get("name").text == "istio-proxy":
        return []
    return [container.get(field) for field in ("env", "command", "args") if container.get(field).present]


def _mention(node: Node, depth: int = _DEPTH) -> Node | None:
    """The first key or string that names the header."""
    for key, below in node.items():
        if _HEADER.search(key):
            return below
        if depth and (below.is_map or below.is_list) and (found := _mention(below, depth - 1)) is not None:
            return found
        if below.text and _HEADER.search(below.text):
            return below
    if node.is_list and depth:
        return next((found for item in node.each() if (found := _mention(item, depth - 1)) is not None), None)
    return node if node.text and _HEADER.search(node.text) else None


def _told(resource: Resource, mesh: Mesh) -> bool:
    """Is a waypoint of the namespace told to add the caller's identity?"""
    if not mesh.target.istio_at_least("1.30.0"):
        return False
    named = mesh.find(Kind.NAMESPACE, "", resource.namespace)
    labelled = mesh.waypoint(named) if named is not None else None
    gateways = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if gateway.namespace == resource.namespace and mesh.is_waypoint(gateway)]
    if labelled is not None and labelled.state is WaypointState.OK and labelled.gateway is not None:
        gateways.append(labelled.gateway)
    return any(_annotated(gateway, mesh) for gateway in gateways)


def _annotated(gateway: Resource, mesh: Mesh) -> bool:
    of_class = mesh.find(Kind.GATEWAY_CLASS, "", gateway.spec.get("gatewayClassName").text or "")
    holders = (gateway, of_class) if of_class is not None else (gateway,)
    return any(holder.annotations.get(_ANNOTATION) == "true" for holder in holders)
