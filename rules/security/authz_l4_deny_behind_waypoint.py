"""ML205 authz-l4-deny-behind-waypoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import ROUTES, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML205", "authz-l4-deny-behind-waypoint", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[
        Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY, Kind.VIRTUAL_SERVICE,
        Kind.REQUEST_AUTHENTICATION, *ROUTES, *WORKLOADS,
    ],
    needs=["action"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go", "https://istio.io/latest/docs/ambient/usage/l4-policy/",
    ],
    remedy="Move the condition on the caller to a policy with targetRefs at the waypoint; deny at the pods all but the waypoint.",
    yields_in_object=["authz-l7-deny-at-ztunnel", "authz-old-and-new-coexist", "policy-empty-selector"],
    points_to=[Kind.SERVICE, Kind.NAMESPACE, Kind.VIRTUAL_SERVICE, Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, *ROUTES],
)  # fmt: skip
def authz_l4_deny_behind_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DENY policy of pods behind a waypoint asks who calls; ztunnel sees the waypoint there, whoever called.

    A list of callers to refuse then stops nobody who comes through the waypoint: fails open, silently. A list of callers
    to spare (notPrincipals, notNamespaces) that does not spare the waypoint refuses all that comes through it: an outage.

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
      name: not-from-test
      namespace: bookinfo
    spec:
      selector: {matchLabels: {app: ratings}}
      action: DENY
      rules:
        - from:
            - source:
                namespaces: [test]  # expect: ML205
    ```

    Remedy: the same rule with `targetRefs: [{group: "", kind: Service, name: ratings}]`, and for the pods a DENY with
    `notPrincipals: [cluster.local/ns/bookinfo/sa/waypoint]`. The fix needs a look: it adds a copy of
    the policy for the waypoint, leaves this one for callers that address the pods, and spares the waypoint in it where it refuses
    that. None is offered without a selector, and where a Service of these pods stands in another namespace or has other pods too.

    Not reported when no Service of the pods has a waypoint or a reason for one (as in authz-l4-missing-waypoint-identity),
    when the policy is "all but the waypoint", when a DENY policy with targetRefs acts on the Service as well, when the rule
    asks for addresses or ports only, when the pods stay out of ambient, and when a template fills in parts of the policy.
    """
    acting, reach = authz.authorization(policy), mesh.reach(policy)
    left = authz.left_over(acting) if acting is not None and acting.action == authz.DENY else None
    if left is None or reach.subject is None:
        return
    for service in reach.services:
        reason = mesh.waypoint_reason(service)
        if reason is None or _denied_at_waypoint(service, mesh):
            continue
        for one in left.rules:
            if (problem := _judge(policy, one, service, reason, mesh)) is not None:
                yield problem._replace(fix=partial(_fix, policy, mesh), subject=reach.subject)
                return


def _denied_at_waypoint(service: Resource, mesh: Mesh) -> bool:
    return any(policy.spec.get("action").text == authz.DENY for policy, _ in mesh.attached(service, Kind.AUTHORIZATION_POLICY))


def _judge(policy: Resource, asked: authz.AuthzRule, service: Resource, reason: Node, mesh: Mesh) -> Problem | None:
    peers, bound = mesh.waypoint_peers(service), mesh.waypoint(service).bound
    refused, spared = authz.identities([asked], negated=False), authz.identities([asked], negated=True)
    hit = authz.admits(asked, peers, policy.namespace)
    if not (refused or spared) or (not refused and not hit):
        return None
    at = (refused or spared)[0]
    if hit:
        what = "that is the waypoint's identity too, so all that comes through the waypoint is refused"
        if not refused:
            what = "the waypoint is not among them, so all that comes through it is refused"
    else:
        what = "whoever comes through the waypoint has the waypoint's identity there, so nobody is refused"
    due, why = ("is behind", "why there is") if bound else ("will need", "what asks for")
    message = f"{policy.title} denies by {at.field} at the pods of {service.title}, which {due} a waypoint: {what}."
    related = ((reason, f"{why} a waypoint"), (service.root, "the Service of these pods"))
    return Problem(at.at, message, impact=Impact.STRICTER if hit else None, related=related)


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving, waypoints

    made = changes()
    services = [service for service in moving.services_for(policy, mesh) if mesh.waypoint_reason(service) is not None]
    peers = waypoints.bind(made, services, mesh)
    copy = moving.copy(policy, services, mesh) if peers else None
    if not peers or copy is None:
        return None
    refused = any(authz.admits(one, peers, policy.namespace) for one in _asking(policy))
    default = all(moving.is_checked(one, mesh) or not moving.refuses_by_default(one, mesh) for one in services)
    if refused and (not default or moving.missed(services, peers, mesh, [policy]) or not moving.spare(made, policy, peers)):
        return None
    return made.add_object(policy, copy).fix("Refuse these callers at the waypoint as well")


def _asking(policy: Resource) -> Sequence[authz.AuthzRule]:
    """The rules that ask who calls."""
    acting = authz.authorization(policy)
    return [one for one in acting.rules if authz.identities([one])] if acting is not None else []
