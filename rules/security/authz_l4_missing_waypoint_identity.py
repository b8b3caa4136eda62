"""ML204 authz-l4-missing-waypoint-identity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ROUTES, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Scope, Severity, authz, changes, rule

_FLAG = "PILOT_AUTO_ALLOW_WAYPOINT_POLICY"


@rule(
    "ML204", "authz-l4-missing-waypoint-identity", Severity.ERROR, impact=Impact.STRICTER, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY, Kind.VIRTUAL_SERVICE,
        Kind.REQUEST_AUTHENTICATION, *ROUTES, *WORKLOADS,
    ],
    needs=["source", "when"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go", "istio@86c9f01:pilot/pkg/features/ambient.go",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
    ],
    remedy=(
        "Add a rule with the waypoint's principal to the policy, and check the callers in a policy with targetRefs at the waypoint: "
        "the first without the second lets anybody in through the waypoint."
    ),
    yields_in_object=["authz-l7-allow-at-ztunnel", "authz-old-and-new-coexist"],
    points_to=[Kind.SERVICE, Kind.NAMESPACE, Kind.VIRTUAL_SERVICE, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, *ROUTES],
)  # fmt: skip
def authz_l4_missing_waypoint_identity(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The ALLOW policies of pods behind a waypoint name callers, and none of them admits the waypoint.

    ztunnel at the destination sees the waypoint as the caller of everything that came through it, never the original
    one. Rules that list the callers then refuse all of it: an outage as soon as the Service is bound to the waypoint.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
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
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {matchLabels: {app: ratings}}
      rules:
        - from:
            - source:
                principals: [cluster.local/ns/bookinfo/sa/reviews]  # expect: ML204
    ```

    A Service counts as one behind a waypoint if its label says so, or if something names it that works in a waypoint only:
    a policy's targetRef, a route's parentRef, a VirtualService of the mesh.

    Remedy: `cluster.local/ns/bookinfo/sa/waypoint` among the principals here (the ServiceAccount has the name of the
    Gateway), and the callers in a policy with `targetRefs: [{group: "", kind: Service, name: ratings}]`. The one
    without the other opens the workload to everybody who can reach the waypoint, so the fix does both: it adds a rule for the
    waypoint here, and copies of this and the other ALLOW policies of these pods for the waypoint, where none allows yet. It needs a
    look. None is offered where one of them has no selector, where a Service stands in another namespace or has other pods too,
    where ports cannot be told as ports of the Services, and while a DENY or CUSTOM policy or a RequestAuthentication of these
    pods is not at the waypoint yet.

    Not reported when any ALLOW policy of these pods admits the waypoint (its principal, its namespace, an empty rule, a
    rule that does not ask for identities), when no Service of the pods has a waypoint or a reason for one, when istiod
    runs with PILOT_AUTO_ALLOW_WAYPOINT_POLICY=true, when the policy is for a whole namespace
    (authz-namespace-wide-not-on-waypoint), for waypoints of workloads, and when a template fills in parts of a policy. Of
    several policies of one workload the first that names callers is reported.
    """
    acting, reach = authz.authorization(policy), mesh.reach(policy)
    if acting is None or reach.subject is None or reach.scope is not Scope.WORKLOAD or not _named(acting):
        return
    if (mesh.istiod_env(_FLAG) or "").lower() == "true":
        return
    for service in reach.services:
        reason = mesh.waypoint_reason(service)
        if reason is not None and _first_to_refuse(policy, service, mesh):
            yield _problem(policy, acting, service, reason, mesh)._replace(fix=partial(_fix, policy, mesh), subject=reach.subject)
            return


def _named(acting: authz.Authorization) -> list[authz.Attribute]:
    """The callers that an ALLOW policy names at ztunnel."""
    left = authz.left_over(acting)
    return authz.identities(left.rules) if left is not None and acting.action == authz.ALLOW else []


def _first_to_refuse(policy: Resource, service: Resource, mesh: Mesh) -> bool:
    peers = mesh.waypoint_peers(service)
    found = [authz.authorization(other) for other in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)]
    allowing = [other for other in found if other is None or other.action == authz.ALLOW]
    for other in allowing:
        left = authz.left_over(other) if other is not None else None
        if other is None or (left is not None and any(authz.admits(one, peers, other.namespace) for one in left.rules)):
            return False
    naming = [other.resource for other in allowing if other is not None and _named(other)]
    first = next((found for found in naming if mesh.reach(found).scope is Scope.WORKLOAD), None)
    return first is policy


def _problem(policy: Resource, acting: authz.Authorization, service: Resource, reason: Node, mesh: Mesh) -> Problem:
    at, peers = _named(acting)[0], mesh.waypoint_peers(service)
    bound = mesh.waypoint(service).bound
    who = f"{'its' if bound else 'the'} waypoint ({peers[0].principal})" if peers[0].account else "the waypoint"
    then = (
        f"behind a waypoint ztunnel sees that as the caller, so all that comes to {service.title} through it is refused"
        if bound
        else f"once {service.title} has one, ztunnel sees that as the caller, so all that comes through it is refused"
    )
    message = f"{policy.title} admits the callers in {at.field} only, and no policy admits {who}: {then}."
    why = "why there is a waypoint" if bound else "what asks for a waypoint"
    return Problem(at.at, message, related=((reason, why), (service.root, "the Service of these pods")))


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving, waypoints

    made = changes()
    services = [service for service in moving.services_for(policy, mesh) if mesh.waypoint_reason(service) is not None]
    peers = waypoints.bind(made, services, mesh)
    if not peers or moving.missed(services, peers, mesh):
        return None
    checked = all(moving.is_checked(service, mesh) for service in services)
    copy = None if checked else moving.copy(policy, services, mesh)
    if not checked and (copy is None or not moving.carry(made, policy, services, peers, mesh)):
        return None
    if copy is not None:
        made.add_object(policy, copy)
    made.append(policy.spec.get("rules"), {"from": moving.principals(peers)})
    return made.fix("Admit the waypoint, and check the callers there")
