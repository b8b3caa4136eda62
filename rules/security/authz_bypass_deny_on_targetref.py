"""ML211 authz-bypass-deny-on-targetref."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Peer, PolicyTarget, Problem, Resource, Severity, authz, changes, rule


@rule(
    "ML211", "authz-bypass-deny-on-targetref", Severity.ERROR, impact=Impact.BREAKS, each=Kind.AUTHORIZATION_POLICY, evidence="docs",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=["https://istio.io/latest/docs/ambient/migrate/", "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go"],
    remedy="Replace targetRefs by a selector with the pod labels of the Service: the rule is for ztunnel.",
    points_to=[],
)  # fmt: skip
def authz_bypass_deny_on_targetref(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy with targetRefs admits the waypoint only: at the waypoint the caller is never the waypoint, so all are refused.

    "Only through the waypoint" is a rule for the pods, where ztunnel sees the waypoint as the caller. At the waypoint itself
    the caller is the original one.

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
      name: only-the-waypoint
      namespace: bookinfo
    spec:
      targetRefs: [{kind: Service, group: "", name: ratings}]
      rules:
        - from:
            - source:
                principals: [cluster.local/ns/bookinfo/sa/waypoint]  # expect: ML211
    ```

    Remedy: `selector: {matchLabels: {app: ratings}}` in place of targetRefs. The fix writes it; what else reaches
    these pods must be looked at. None is offered where the policy has several targets, or one that is no Service with a selector,
    where it asks for ports or HTTP attributes as well, and before the pods are ambient: sidecars would refuse everybody
    then; and where other policies at the pods refuse by default and none at the waypoint does.

    Reported: an ALLOW policy of which every rule admits the target's own waypoint and no stranger, or a DENY policy that
    spares the waypoint in notPrincipals or notServiceAccounts. Not reported when a rule admits others as well, when the
    principal is that of another waypoint or gateway (chains, egress), when the policy has a selector, and when the
    repository does not tell which waypoint the target has.
    """
    acting = authz.authorization(policy)
    if acting is None or acting.dry_run or not acting.rules:
        return
    for target in mesh.targets(policy):
        peers = _waypoint_of(target, mesh)
        at = _wrong(acting, peers) if peers else None
        if at is not None:
            does = "admits" if acting.action == authz.ALLOW else "spares"
            message = (
                f"{policy.title} is enforced at the waypoint and {does} the waypoint itself "
                f"({peers[0].principal}) only: the caller there is the original one, so every caller is refused."
            )
            fix = partial(_fix, policy, acting, mesh)
            yield Problem(at.at, message, related=((target.at, "enforced here"),), fix=fix, subject=target.resource)
            return


def _waypoint_of(target: PolicyTarget, mesh: Mesh) -> Sequence[Peer]:
    """The identity of the waypoint that executes a target's policies; empty where it is not known."""
    found = target.resource
    if found is None or not mesh.candidate(found):
        return ()
    if found.kind in (Kind.SERVICE, Kind.SERVICE_ENTRY) and mesh.waypoint(found).bound:
        return mesh.waypoint_peers(found)
    if found.kind is Kind.K8S_GATEWAY and mesh.is_waypoint(found):
        account = found.annotations.get("gateway.istio.io/service-account") or found.name
        return [Peer(mesh.trust_domain(), found.namespace, account)]
    return ()


def _wrong(acting: authz.Authorization, peers: Sequence[Peer]) -> authz.Attribute | None:
    if acting.action == authz.ALLOW:
        mine = [
            authz.admits(one, peers, acting.namespace) and not authz.admits(one, authz.STRANGER, acting.namespace) for one in acting.rules
        ]
        named = [found for found in authz.identities(acting.rules, negated=False) if found.key != "source.namespace"]
        exact = all(_only(found, peers, acting.namespace) for found in authz.identities(acting.rules, negated=False))
        return named[0] if named and all(mine) and exact else None
    if acting.action == authz.DENY:
        spared = [found for found in authz.identities(acting.rules, negated=True) if found.key != "source.namespace"]
        return next((found for found in spared if _only(found, peers, acting.namespace)), None)
    return None


def _only(attribute: authz.Attribute, peers: Sequence[Peer], namespace: str) -> bool:
    """Are all the values exactly the waypoint?"""
    names = {peer.account for peer in peers if peer.namespace == namespace}
    for peer in peers:
        names |= {peer.principal, f"*/ns/{peer.namespace}/sa/{peer.account}", f"{peer.namespace}/{peer.account}"}
    return all(value in names for value in attribute.values)


def _fix(policy: Resource, acting: authz.Authorization, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    targets = list(mesh.targets(policy))
    service = targets[0].resource if len(targets) == 1 else None
    selector = service.spec.get("selector").strings() if service is not None and service.kind is Kind.SERVICE else {}
    listed = policy.spec.get("targetRefs") if policy.spec.get("targetRefs").present else policy.spec.get("targetRef")
    if service is None or not selector or not mesh.ambient_now(service):
        return None
    if moving.missed([service], mesh.waypoint_peers(service), mesh):
        return None
    if moving.refuses_by_default(service, mesh) and not moving.is_checked(service, mesh, policy):
        return None
    if any(attribute.key not in authz.IDENTITY for one in acting.rules for attribute in one.attributes()):
        return None
    made = changes().set_key(policy.root, ("spec", "selector"), {"matchLabels": selector}, before=str(listed.path[-1]))
    return made.remove(listed).fix("Enforce it at the pods")
