"""ML210 authz-waypoint-bypass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, PolicyTarget, Problem, Resource, Severity, authz, changes, rule

_KINDS = (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION)
_FLAG = "PILOT_AUTO_ALLOW_WAYPOINT_POLICY"


@rule(
    "ML210", "authz-waypoint-bypass", Severity.WARNING, impact=Impact.UNENFORCED, each=_KINDS, evidence="code",
    reads=[Kind.GATEWAY, *_KINDS, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *WORKLOADS],
    needs=["targetRefs", "targetRef"],
    sources=[
        "https://istio.io/latest/docs/ambient/usage/l7-features/", "https://istio.io/latest/docs/ambient/migrate/",
        "istio@86c9f01:pilot/pkg/features/ambient.go",
    ],
    remedy=(
        "Add an ALLOW policy with the pods' selector that admits the waypoint's principal only (and ingress gateways or Prometheus, "
        "where they go to the pods)."
    ),
    yields_in_object=[
        "authz-targetref-unbound", "authz-targetref-invalid", "authz-gatewayclass-scope", "authz-bypass-deny-on-targetref",
    ],
    points_to=[Kind.SERVICE],
)  # fmt: skip
def authz_waypoint_bypass(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy protects a Service at its waypoint, and no policy at the pods keeps callers from going around the waypoint.

    A sidecar stood in the pod itself; a waypoint stands beside the way. Who addresses the pod's IP, a headless Service or
    another Service of the same pods, who still has a sidecar, and an ingress gateway without ingress-use-waypoint: all
    of them reach the pods without any layer 7 check.

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
    kind: AuthorizationPolicy
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      targetRefs:
        - kind: Service
          group: ""
          name: ratings  # expect: ML210
      rules:
        - to: [{operation: {methods: [GET]}}]
    ```

    Remedy: one more policy, at the pods:

        spec:
          selector: {matchLabels: {app: ratings}}
          action: ALLOW
          rules: [{from: [{source: {principals: [cluster.local/ns/bookinfo/sa/waypoint]}}]}]

    The fix adds it, and lets gateways of the repository take the waypoint; it needs a look, because it cuts whoever else goes to the
    pods for a reason (scrapers, sidecars). None is offered before the pods are ambient: callers with sidecars go there directly; and
    where another policy at the pods admits strangers, which one more ALLOW policy does not change.

    One finding for a Service, at the first policy that names it. Not reported when an ALLOW policy at the pods refuses
    strangers (or a DENY policy spares named callers only), when istiod runs with PILOT_AUTO_ALLOW_WAYPOINT_POLICY=true, when
    the repository does not hold the Service or shows no waypoint for it, when the policy allows everything or only records,
    for policies of the GatewayClass, when a template fills in parts of a policy at the pods, and when a policy at the pods says the
    same, by layer 4 attributes only or while they have sidecars.
    """
    if not _protects(policy) or (mesh.istiod_env(_FLAG) or "").lower() == "true":
        return
    for target in mesh.targets(policy):
        for service in _services(target, mesh):
            if _first(policy, service, mesh) and _open(service, mesh):
                yield _problem(policy, target, service, mesh)
                return


def _protects(policy: Resource) -> bool:
    if policy.kind is Kind.REQUEST_AUTHENTICATION:
        return True
    acting = authz.authorization(policy)
    return acting is not None and not acting.dry_run and not acting.allows_all and acting.action != authz.AUDIT


def _services(target: PolicyTarget, mesh: Mesh) -> Iterator[Resource]:
    """The Services of a target that have a waypoint."""
    found = target.resource
    if found is None:
        return
    if found.kind is Kind.SERVICE and mesh.waypoint(found).bound:
        yield found
    elif found.kind is Kind.K8S_GATEWAY and mesh.is_waypoint(found):
        for service in mesh.all(Kind.SERVICE):
            if service.spec.get("selector") and mesh.waypoint(service).gateway is found and not _of_gateway(service, mesh):
                yield service


def _of_gateway(service: Resource, mesh: Mesh) -> bool:
    return mesh.selects_only_gateways(service.spec.get("selector").strings(), service.namespace)


def _first(policy: Resource, service: Resource, mesh: Mesh) -> bool:
    if not mesh.candidate(service):
        return False
    attached = (pair for kind in _KINDS for pair in mesh.attached(service, kind))
    return next((other for other, ref in attached if _counts(other, ref, service, mesh)), None) is policy


def _counts(policy: Resource, ref: Node, service: Resource, mesh: Mesh) -> bool:
    return _protects(policy) and ref.get("kind").text != "GatewayClass" and not authz.stands_at_the_pods(policy, service, mesh)


def _open(service: Resource, mesh: Mesh) -> bool:
    """Do the policies at the pods let a stranger in?"""
    allowing = False
    for found in mesh.policies_over(service, Kind.AUTHORIZATION_POLICY):
        acting = authz.authorization(found)
        left = authz.left_over(acting) if acting is not None else None
        if acting is None:
            return False
        if left is None:
            continue
        if left.action == authz.DENY and any(_spares_named_only(one, left.namespace) for one in left.rules):
            return False
        if left.action == authz.ALLOW:
            allowing = True
            if any(authz.admits(one, authz.STRANGER, left.namespace) for one in left.rules):
                return True
    return not allowing


def _spares_named_only(one: authz.AuthzRule, namespace: str) -> bool:
    everything_else = all(clause.kind == "from" for clause in one.clauses)
    return everything_else and authz.admits(one, authz.STRANGER, namespace)


def _problem(policy: Resource, target: PolicyTarget, service: Resource, mesh: Mesh) -> Problem:
    message = (
        f"{policy.title} is enforced at the waypoint of {service.title} only, and no policy at its pods refuses other callers: who "
        "addresses a pod directly passes no waypoint and no such check."
    )
    related = ((service.root, "the Service"),)
    return Problem(target.at.get("name"), message, related=related, fix=partial(_fix, policy, service, mesh), subject=service)


def _fix(policy: Resource, service: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving, waypoints

    made = changes()
    selector = service.spec.get("selector").strings()
    peers = waypoints.bind(made, [service], mesh, ingress=True) if mesh.ambient_now(service) else None
    if not peers or not moving.close(made, [policy], [service], selector, peers, mesh):
        return None
    return made.fix("Let only the waypoint reach the pods")
