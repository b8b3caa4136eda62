"""ML222 requestauthn-selector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Reach, Resource, Scope, Severity, authz, rule

_KEYS = ("request.auth",)


@rule(
    "ML222", "requestauthn-selector", Severity.ERROR, impact=Impact.UNENFORCED, each=Kind.REQUEST_AUTHENTICATION, evidence="code",
    reads=[
        Kind.GATEWAY, Kind.AUTHORIZATION_POLICY, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS,
        *WORKLOADS,
    ],
    needs=["jwtRules"],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go (ShouldAttachPolicy)",
        "https://istio.io/latest/docs/ambient/usage/l7-features/",
    ],
    remedy=(
        "Attach the same jwtRules by targetRefs to the Services of these pods, behind a waypoint, together with the "
        "AuthorizationPolicies that ask for the token."
    ),
    points_to=[Kind.AUTHORIZATION_POLICY],
)  # fmt: skip
def requestauthn_selector(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A RequestAuthentication takes pods by selector, namespace or mesh; in ambient nobody reads such a one, and tokens
    are no longer validated.

    ztunnel sees no HTTP, and a waypoint takes a RequestAuthentication only by targetRefs. A request with a forged or
    expired token reaches the application. AuthorizationPolicies that ask for its claims then refuse everything, or, as
    DENY for requests without a principal, vanish.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: security.istio.io/v1
    kind: RequestAuthentication
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector:  # expect: ML222
        matchLabels: {app: ratings}
      jwtRules:
        - {issuer: "https://idp.example.com", jwksUri: "https://idp.example.com/keys"}
    ```

    Remedy: the same rules, at the waypoint:

        spec:
          targetRefs: [{group: "", kind: Service, name: ratings}]
          jwtRules: [{issuer: "https://idp.example.com", jwksUri: "https://idp.example.com/keys"}]

    The policies that use the token move to the same target at the same time, and a policy at the pods keeps callers from
    going around the waypoint. The fix needs a look: where the pods are ambient, it makes all policies of these pods that only
    a waypoint can enforce, those that ask for the token among them, ones for the waypoint, adds that where there is none, and
    a policy that lets only the waypoint get to the pods; before that it adds a copy for the waypoint. None is offered without
    a selector, and where a Service of these pods stands in another namespace or has other pods too.

    The message names the AuthorizationPolicies of the same pods that ask for the token. Not reported when the policy has targetRefs, when
    it takes gateways only (the usual place, and it keeps working), when its pods stay out of ambient, when each of
    their Services has its issuers by targetRefs already, and when a template fills in the selector. Root- and namespace-wide
    ones go on working for classic gateways.
    """
    reach = mesh.reach(policy)
    if reach.subject is None or not policy.spec.get("jwtRules") or _moved(policy, reach, mesh):
        return
    users = _users(policy, reach, mesh)
    selector = policy.spec.get("selector")
    what = {Scope.MESH: "for the whole mesh", Scope.NAMESPACE: "for its whole namespace"}.get(reach.scope, "for pods by selector")
    message = (
        f"{policy.title} is {what}; neither ztunnel nor a waypoint reads it without targetRefs, so tokens of these pods' callers are no "
        "longer validated."
    )
    if users:
        message += f" {_names(users)} for what the token says, which nobody fills in any more."
    related = tuple((at, f"{user.title} depends on the token") for user, at in users)
    at = selector if selector.get("matchLabels").value else policy.root
    yield Problem(at, message, related=related, fix=partial(_fix, policy, mesh), subject=reach.subject)


def _names(users: list[tuple[Resource, Node]]) -> str:
    titles = list(dict.fromkeys(user.title for user, _ in users))
    return f"{' and '.join(titles)} {'asks' if len(titles) == 1 else 'ask'}"


def _moved(policy: Resource, reach: Reach, mesh: Mesh) -> bool:
    """Has each Service of these pods the policy's issuers by targetRefs?"""
    wanted = _issuers(policy)
    there = [
        {issuer for other, _ in mesh.attached(service, Kind.REQUEST_AUTHENTICATION) for issuer in _issuers(other)}
        for service in reach.services
    ]
    return bool(there) and all(wanted <= found for found in there)


def _issuers(policy: Resource) -> set[str]:
    return {item.get("issuer").text or "" for item in policy.spec.each("jwtRules")}


def _users(policy: Resource, reach: Reach, mesh: Mesh) -> list[tuple[Resource, Node]]:
    """The AuthorizationPolicies of the same pods that ask for the token, with the first place."""
    found = []
    taken = {workload.resource for workload in reach.workloads}
    for other in mesh.all(Kind.AUTHORIZATION_POLICY):
        near = reach.scope is Scope.MESH or other.namespace in (policy.namespace, mesh.settings.root_namespace)
        if not near or other.spec.get("targetRefs").present:
            continue
        wide = reach.scope is Scope.MESH or (reach.scope is Scope.NAMESPACE and other.namespace == policy.namespace)
        labels = [one.spec.get("selector", "matchLabels").strings() for one in (policy, other)]
        same = labels[0] == labels[1] or (wide and mesh.reach(other).subject is not None)
        if (same or any(w.resource in taken for w in mesh.reach(other).workloads)) and (at := _asks(other)) is not None:
            found.append((other, at))
    return found


def _asks(policy: Resource) -> Node | None:
    acting = authz.authorization(policy)
    if acting is None:
        return None
    found = (attribute for rule in authz.converted(acting) for attribute in authz.layer7(rule))
    return next((attribute.at for attribute in found if attribute.key.startswith(_KEYS)), None)


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    return moving.move(policy, mesh)
