"""ML216 authz-old-and-new-coexist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML216", "authz-old-and-new-coexist", Severity.WARNING, impact=Impact.STRICTER, each=Kind.AUTHORIZATION_POLICY, evidence="docs",
    reads=[Kind.GATEWAY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *WORKLOADS],
    needs=["rules"],
    sources=["https://istio.io/latest/docs/ambient/migrate/", "https://ambientmesh.io/docs/setup/sidecar-migration"],
    remedy="Delete the old policy, or reduce it to a rule that admits the waypoint, in the commit that removes the sidecars.",
    points_to=[Kind.AUTHORIZATION_POLICY],
)  # fmt: skip
def authz_old_and_new_coexist(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy for pods with HTTP attributes is still there beside its successor for the waypoint.

    While the pods have sidecars both are needed. After the switch the old one is enforced by ztunnel, which cannot see
    HTTP: an ALLOW policy refuses everything, the waypoint included. Forgetting it is the commonest failure of the
    documented procedure.

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
    kind: AuthorizationPolicy  # expect: ML216
    metadata:
      name: ratings-old
      namespace: bookinfo
    spec:
      selector: {matchLabels: {app: ratings}}
      rules:
        - to: [{operation: {methods: [GET]}}]
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ratings-new
      namespace: bookinfo
    spec:
      targetRefs: [{kind: Service, group: "", name: ratings}]
      rules:
        - to: [{operation: {methods: [GET]}}]
    ```

    Remedy: as above. Where all pods of the policy are ambient, the fix reduces a policy that allows to the waypoint and to the rules that
    ztunnel can enforce, and deletes another one of which that enforces nothing. It needs a look. Before that, and for a DENY policy of
    which a part still acts, there is none: the moment matters, and the part. Nor is there one
    while a DENY or CUSTOM policy or a RequestAuthentication of these pods is not at the waypoint yet.

    Takes the place of the findings on the old policy's attributes. An error where the pods are ambient already and the old
    policy is one that allows (traffic is refused), a warning for other actions there (it is without effect), a note
    before the move: both are expected then. Not reported when a Service of the pods has no policy with targetRefs of the
    same action that asks for HTTP attributes too, and when the old policy has nothing that ztunnel cannot enforce.
    """
    acting, reach = authz.authorization(policy), mesh.reach(policy)
    if acting is None or reach.subject is None or not reach.services or not _asks_for_http(acting):
        return
    new = [_successor(acting, service, mesh) for service in reach.services]
    if any(ref is None for ref in new):
        return
    related = tuple((ref, "its successor") for ref in dict.fromkeys(new) if ref is not None)
    if not mesh.ambient_now(reach.subject):
        message = f"{policy.title} and its successor for the waypoint are both here: right while the pods have sidecars, no longer."
        yield Problem(policy.root, message, Severity.NOTE, Impact.ADVICE, related=related, subject=reach.subject)
        return
    allow = acting.action == authz.ALLOW
    result = "ztunnel cannot see its HTTP attributes and refuses what it allowed" if allow else "ztunnel cannot enforce it as it is"
    message = f"{policy.title} is still here beside its successor for the waypoint, and its pods are ambient: {result}."
    fix = partial(_fix, acting, reach.services, mesh)
    severity, impact = (Severity.ERROR, None) if allow else (None, Impact.IGNORED)
    yield Problem(policy.root, message, severity, impact, related=related, fix=fix, subject=reach.subject)


def _asks_for_http(acting: authz.Authorization) -> bool:
    if acting.action in (authz.CUSTOM, authz.AUDIT):
        return bool(acting.rules)
    return any(authz.layer7(found) for found in authz.converted(acting))


def _successor(old: authz.Authorization, service: Resource, mesh: Mesh) -> Node | None:
    """The targetRef of a policy for the waypoint that does what the old one did."""
    attached = mesh.attached(service, Kind.AUTHORIZATION_POLICY)
    attributes = (attribute for one in old.rules for attribute in one.attributes()) if attached else ()
    asked = {attribute.key for attribute in attributes if authz.fate(attribute) is not authz.Fate.KEPT}
    for policy, ref in attached:
        new = authz.authorization(policy)
        if new is not None and new.action == old.action and asked & {found.key for one in new.rules for found in one.attributes()}:
            return ref
    return None


def _fix(acting: authz.Authorization, services: Sequence[Resource], mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    policy, made = acting.resource, changes()
    if not moving.is_ambient(policy, mesh):
        return None
    if acting.action != authz.ALLOW:
        dead = all(found.never for found in authz.converted(acting))
        return made.remove_document(policy.root).fix("Delete it") if dead else None
    peers = list(dict.fromkeys(peer for service in services for peer in mesh.waypoint_peers(service)))
    dead_rules = [found.rule.at for found in authz.converted(acting) if found.removed]
    if not all(peer.account for peer in peers) or not dead_rules or moving.missed(services, peers, mesh):
        return None
    made.append(policy.spec.get("rules"), {"from": moving.principals(peers)})
    for rule_node in dead_rules:
        made.remove(rule_node)
    return made.fix("Reduce it to the waypoint and to layer 4")
