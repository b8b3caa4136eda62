"""ML206 authz-namespace-wide-not-on-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import ROUTES, WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Scope, Severity, authz, changes, rule

_FLAGS = ("PILOT_AUTO_ALLOW_WAYPOINT_POLICY", "ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES")


@rule(
    "ML206", "authz-namespace-wide-not-on-waypoint", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY,
    evidence="code",
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY, Kind.VIRTUAL_SERVICE,
        Kind.REQUEST_AUTHENTICATION, *ROUTES, *WORKLOADS,
    ],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go", "istio@86c9f01:pilot/pkg/features/ambient.go",
        "https://istio.io/latest/docs/ambient/usage/l4-policy/",
    ],
    remedy=(
        "Add the same baseline at the waypoint (targetRefs to its Gateway, or to GatewayClass istio-waypoint in the root namespace), "
        "and a rule at the pods that admits the waypoint."
    ),
    yields_in_object=["authz-l7-allow-at-ztunnel", "policy-empty-selector"],
    points_to=[Kind.SERVICE, Kind.NAMESPACE, Kind.VIRTUAL_SERVICE, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, *ROUTES],
)  # fmt: skip
def authz_namespace_wide_not_on_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An ALLOW policy for a whole namespace or mesh (an allow-nothing baseline, mostly) does not reach the waypoints there.

    A waypoint enforces policies with targetRefs only. What has neither selector nor targetRefs is enforced by ztunnel alone,
    and for what came through a waypoint against the waypoint's identity: a deny-by-default baseline refuses the waypoint
    until a rule admits it, and once it is admitted the waypoint itself lets everybody in, for it has no default of its own.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
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
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy  # expect: ML206
    metadata:
      name: allow-nothing
      namespace: bookinfo
    spec: {}
    ```

    Remedy: the baseline once more for the waypoint, and its ServiceAccount admitted at the pods:

        spec:
          targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]

    (mesh-wide: kind GatewayClass, name istio-waypoint, in the root namespace; from Istio 1.25.) The fix adds both, as far as they
    are missing. It needs a look: it denies, and what may pass has to be written first. None is offered where a Service has no
    waypoint yet, or stands in another namespace than it, where its pods have an ALLOW policy of their own whose callers the
    waypoint does not admit yet, where objects of other namespaces use the same waypoint, and
    while a DENY or CUSTOM policy or a RequestAuthentication of these pods is not at the waypoint yet.

    Not reported when no Service in its scope has a waypoint or a reason for one (as in authz-l4-missing-waypoint-identity),
    when every such Service has an ALLOW policy with targetRefs (its own, its waypoint's or of the waypoint class) and its
    pods admit the waypoint, when the policy allows everything, when istiod runs with PILOT_AUTO_ALLOW_WAYPOINT_POLICY=true
    and nothing else is missing or with ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES=true, and for DENY policies
    (authz-l7-deny-at-ztunnel, authz-l4-deny-behind-waypoint), and when the namespace of the policy is not told.
    """
    acting, reach = authz.authorization(policy), mesh.reach(policy)
    if acting is None or reach.subject is None or reach.scope not in (Scope.NAMESPACE, Scope.MESH) or not policy.namespace:
        return
    if acting.action != authz.ALLOW or acting.dry_run or acting.allows_all:
        return
    automatic, layered = ((mesh.istiod_env(flag) or "").lower() == "true" for flag in _FLAGS)
    if layered:
        return
    for service in reach.services:
        reason = mesh.waypoint_reason(service) if mesh.candidate(service) else None
        if reason is None:
            continue
        open_there, refused = _no_default(service, mesh), not automatic and _refused(service, mesh)
        if open_there or refused:
            due, why = ("has", "why there is") if mesh.waypoint(service).bound else ("will need", "what asks for")
            message = _message(policy, f"{service.title} {due}", open_there, refused)
            related = ((reason, f"{why} a waypoint"), (service.root, "a Service in its scope"))
            subject = service if mesh.ambient_now(service) else reach.subject
            fix = partial(_fix, policy, reach.services, automatic, mesh)
            impact = None if open_there else Impact.STRICTER
            yield Problem(policy.root, message, impact=impact, related=related, fix=fix, subject=subject)
            return


def _no_default(service: Resource, mesh: Mesh) -> bool:
    """Does no ALLOW policy act at the Service's waypoint, so that it lets everybody in?"""
    found = [authz.authorization(policy) for policy, _ in mesh.attached(service, Kind.AUTHORIZATION_POLICY)]
    return not any(other is None or other.action == authz.ALLOW for other in found)


def _refused(service: Resource, mesh: Mesh) -> bool:
    """Do only wide policies act on its pods, and none of them admits the waypoint? (Of narrower ones another rule speaks.)"""
    found = [authz.authorization(other) for other in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)]
    for other in found:
        if other is None or (other.action == authz.ALLOW and mesh.reach(other.resource).scope is Scope.WORKLOAD):
            return False
        left = authz.left_over(other) if other.action == authz.ALLOW else None
        if left is not None and any(authz.admits(one, mesh.waypoint_peers(service), other.namespace) for one in left.rules):
            return False
    return True


def _message(policy: Resource, owner: str, open_there: bool, refused: bool) -> str:
    start = f"{policy.title} has neither selector nor targetRefs, so the waypoint that {owner} does not enforce it"
    parts = []
    if open_there:
        parts.append("no policy is the default there, and the waypoint lets every caller in")
    if refused:
        parts.append("ztunnel, which does enforce it, refuses the waypoint itself")
    return f"{start}: {'; '.join(parts)}."


def _fix(policy: Resource, scope: Sequence[Resource], automatic: bool, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    made = changes()
    services = [service for service in scope if mesh.candidate(service) and mesh.waypoint_reason(service) is not None]
    refs = _refs(policy, services, mesh)
    if refs is None or any(_forgotten(service, mesh) for service in services):
        return None
    peers = list(dict.fromkeys(peer for service in services for peer in mesh.waypoint_peers(service)))
    if moving.missed(services, peers, mesh):
        return None
    if any(_no_default(service, mesh) for service in services):
        made.add_object(policy, moving.copy(policy, services, mesh, refs))
    if not automatic and any(_refused(service, mesh) for service in services):
        made.add_object(policy, moving.only_from(policy, None, peers, mesh))
    return made.fix("Add the default at the waypoint, and admit that at the pods")


def _refs(policy: Resource, services: Sequence[Resource], mesh: Mesh) -> list[dict[str, str]] | None:
    """The waypoints of the Services as targets of a policy beside this one."""
    found = [mesh.waypoint(service) for service in services]
    if not all(waypoint.bound and waypoint.name for waypoint in found):
        return None
    group = "gateway.networking.k8s.io"
    if mesh.reach(policy).scope is Scope.MESH:
        return [{"group": group, "kind": "GatewayClass", "name": "istio-waypoint"}] if mesh.target.istio_at_least("1.25.0") else None
    users = [user for waypoint in found if waypoint.gateway is not None for user, _ in mesh.waypoint_users(waypoint.gateway)]
    homes = {user.name if user.kind is Kind.NAMESPACE else user.namespace for user in users} | {waypoint.namespace for waypoint in found}
    names = dict.fromkeys(waypoint.name for waypoint in found)
    return [{"group": group, "kind": "Gateway", "name": name} for name in names] if homes == {policy.namespace} else None


def _forgotten(service: Resource, mesh: Mesh) -> bool:
    """Have its pods a policy of their own, and the waypoint none for it?"""
    own = [authz.authorization(other) for other in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY)
           if mesh.reach(other).scope is Scope.WORKLOAD]  # fmt: skip
    return _no_default(service, mesh) and any(other is None or (other.action == authz.ALLOW and other.rules) for other in own)
