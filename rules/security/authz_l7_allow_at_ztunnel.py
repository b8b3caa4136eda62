"""ML201 authz-l7-allow-at-ztunnel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, authz, rule

_NAMED = 6  # attributes that a message names


@rule(
    "ML201", "authz-l7-allow-at-ztunnel", Severity.ERROR, impact=Impact.STRICTER, each=Kind.AUTHORIZATION_POLICY, evidence="code",
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.NAMESPACE, *WORKLOADS],
    needs=["operation", "source", "when"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go (handleRule)", "istio/ztunnel@62d8265:src/rbac.rs",
        "https://istio.io/latest/docs/ambient/usage/l4-policy/",
    ],
    remedy=(
        "Attach a copy by targetRefs to each Service of these pods, behind a waypoint, and leave here only a rule that admits the "
        "waypoint's ServiceAccount."
    ),
    yields_in_object=["authz-old-and-new-coexist", "policy-empty-selector"],
    points_to=[],
)  # fmt: skip
def authz_l7_allow_at_ztunnel(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An ALLOW policy for pods asks for HTTP attributes, which ztunnel cannot see: the rule never matches.

    Without sidecars it is ztunnel that enforces policies with a selector, or with neither selector nor targetRefs. istiod
    leaves every ALLOW rule out that has a layer 7 attribute: hosts, methods, paths, requestPrincipals, remoteIpBlocks
    (and their `not` forms), and any `when` other than on source.ip, source.namespace, source.principal, destination.ip and
    destination.port. The policy itself stays, so whatever no other rule allows is denied: traffic that works today is cut.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ratings-viewer
      namespace: bookinfo
    spec:
      selector: {matchLabels: {app: ratings}}
      action: ALLOW
      rules:
        - from: [{source: {principals: [cluster.local/ns/bookinfo/sa/reviews]}}]
          to:
            - operation:
                methods: [GET]  # expect: ML201
    ```

    Remedy: two policies instead of one. The rules go to the waypoint:

        spec:
          targetRefs: [{group: "", kind: Service, name: ratings}]

    and the pods admit the waypoint alone, by selector and
    `principals: [cluster.local/ns/bookinfo/sa/waypoint]`. Bring the waypoint and the new policy first, take the old one
    away as the sidecars go. The fix needs a look, as every access rule does. Where the pods are ambient, it makes this and
    all other policies of these pods that only a waypoint can enforce ones for the waypoint, copies what others say of callers
    there, and adds the companion, with the rules that ztunnel can enforce. Before that it adds a copy for the waypoint, and
    the sidecars go on enforcing the old one. Services without a waypoint are bound to the one of their namespace, or to a new
    one. None is offered where one of these policies has no selector, where a Service of the pods stands in another namespace
    or has other pods too, where several waypoints could be meant, where ports cannot be told as ports of the Services, and
    where another policy lets strangers in at the pods.

    One finding for a policy, at the first attribute of the first rule that dies; the message says which rules are left.
    Not reported when the policy has targetRefs, when it selects gateways only, when its pods stay out of ambient, when
    another rule of the policy allows everything, when every such attribute is `source.serviceAccount` (authz-when-l4-rewrite),
    and when a template fills in action, rules or selector.
    """
    acting, subject = authz.authorization(policy), mesh.reach(policy).subject
    if acting is None or subject is None or acting.action != authz.ALLOW or acting.dry_run or acting.allows_all:
        return
    found = authz.converted(acting)
    dead = [(number, rule) for number, rule in enumerate(found, 1) if authz.layer7(rule)]
    if not dead or all(attribute.key == "source.serviceAccount" for _, rule in dead for attribute in authz.layer7(rule)):
        return
    fields = [attribute for _, rule in dead for attribute in authz.layer7(rule)]
    message = _message(policy, fields, [number for number, _ in dead], len(found))
    related = tuple((attribute.at, "ztunnel cannot see this either") for attribute in fields[1:])
    yield Problem(fields[0].at, message, related=related, fix=partial(_fix, policy, mesh), subject=subject)


def _message(policy: Resource, fields: Sequence[authz.Attribute], dead: Sequence[int], all_rules: int) -> str:
    names = list(dict.fromkeys(attribute.field for attribute in fields))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    start = f"{policy.title} allows by {', '.join(names[:_NAMED])}{more}, which ztunnel cannot see, so"
    if len(dead) == all_rules:
        which = "its rule never matches" if all_rules == 1 else "none of its rules ever matches"
        return f"{start} {which} and its pods refuse all that no other policy allows."
    left = ", ".join(str(number) for number in range(1, all_rules + 1) if number not in dead)
    which = ", ".join(map(str, dead))
    what = f"rules {which} of {all_rules} never match: what only those allow"
    if len(dead) == 1:
        what = f"rule {which} of {all_rules} never matches: what only that allows"
    still = f"rules {left} still work" if all_rules - len(dead) > 1 else f"rule {left} still works"
    return f"{start} {what} is refused ({still})."


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import moving

    return moving.move(policy, mesh)
