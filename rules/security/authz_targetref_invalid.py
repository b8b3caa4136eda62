"""ML208 authz-targetref-invalid."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Confidence, Impact, Kind, Mesh, Node, PolicyTarget, Problem, Resource, Severity, rule

_KINDS = (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION)
_GROUPS = {
    "Service": "", "ServiceEntry": "networking.istio.io",
    "Gateway": "gateway.networking.k8s.io", "GatewayClass": "gateway.networking.k8s.io",
}  # fmt: skip
_HELD = {"Service": Kind.SERVICE, "ServiceEntry": Kind.SERVICE_ENTRY, "Gateway": Kind.K8S_GATEWAY}
_MOST = 16


@rule(
    "ML208", "authz-targetref-invalid", Severity.ERROR, impact=Impact.UNENFORCED, each=_KINDS, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=["istio@86c9f01:pilot/pkg/model/policyattachment.go", "istio@86c9f01:pkg/config/validation/validation.go"],
    remedy="Put the policy into the namespace of its target, or aim at the waypoint's Gateway, or at GatewayClass istio-waypoint.",
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
)  # fmt: skip
def authz_targetref_invalid(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy's targetRefs cannot name what they name: wrong kind or group, another namespace, or nothing of that name.

    A targetRef is local: it names a Service, a ServiceEntry or a Gateway in the policy's own namespace (or the GatewayClass
    istio-waypoint from the root namespace). Anything else is refused when it is applied, or accepted and bound to nothing.
    Policies of a central security namespace fall into this when they are converted, for their selectors reached all namespaces.

    ```yaml
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      targetRefs:
        - kind: Gateway  # expect: ML208
          name: waypoint
      rules:
        - to: [{operation: {methods: [GET]}}]
    ```

    (The group is absent, which means the core group; a Gateway is of `gateway.networking.k8s.io`.)

    Reported: `selector` beside targetRefs, `targetRef` beside `targetRefs`, more than 16, a `namespace`, a kind that cannot be
    a target, a group that does not go with the kind; these are refused by validation, on sidecars too. And a target that
    the policy's namespace does not have: with low confidence, and only if the repository holds other Services of that
    namespace, or an object of that name in another one.

    Remedy: see above; several namespaces need a policy in each. No automatic fix: where the policy belongs is not known here.

    Not reported when the target may be in another repository or in a template, when the namespace of the policy is not told,
    and when a template fills in the reference.
    """
    yield from _together(policy)
    for target in mesh.targets(policy):
        if target.at.unknown or any(target.at.get(key).unknown for key in ("group", "kind", "name", "namespace")):
            continue
        found = _refused(policy, target) or _missing(policy, target, mesh)
        if found is not None:
            yield found


def _together(policy: Resource) -> Iterator[Problem]:
    several, single, selector = (policy.spec.get(key) for key in ("targetRefs", "targetRef", "selector"))
    refs = several if several else single
    if refs and selector.is_map:
        message = f"{policy.title} has a selector and targetRefs: only one of them may be set, and the object is refused."
        yield Problem(refs, message, remedy="Delete the one that is not meant.", related=((selector, "the selector"),), final=True)
    if several and single:
        message = f"{policy.title} has targetRef and targetRefs: only one of them may be set, and the object is refused."
        yield Problem(single, message, remedy="Keep targetRefs.", related=((several, "the list"),), final=True)
    number = sum(1 for _ in several.each())
    if number > _MOST:
        message = f"{policy.title} has {number} targetRefs: at most {_MOST} are accepted."
        yield Problem(several, message, remedy="Split the policy, or aim at the waypoint's Gateway.", final=True)


def _refused(policy: Resource, target: PolicyTarget) -> Problem | None:
    """What validation refuses."""
    ref = target.at
    if ref.get("namespace").text:
        message = f"{policy.title} has a targetRef with a namespace: references to other namespaces are not supported, and it is refused."
        return _final(ref.get("namespace"), message, None)
    if target.kind and target.kind not in _GROUPS:
        message = f"{policy.title} has a targetRef to a {target.kind}: only Service, ServiceEntry, Gateway and GatewayClass can be targets."
        return _final(ref.get("kind"), message, None)
    if target.kind and target.group != _GROUPS[target.kind]:
        wanted = _GROUPS[target.kind] or '""'
        at = ref.get("group") if ref.get("group").present else ref.get("kind")
        written = f"the group {target.group}" if target.group else "no group, which means the core group"
        message = f"{policy.title} has a targetRef to a {target.kind} with {written}: a {target.kind} is of the group {wanted}."
        return _final(at, message, f"Set group: {wanted}.")
    return None


def _final(at: Node, message: str, remedy: str | None) -> Problem:
    return Problem(at, message, remedy=remedy, final=True)


def _missing(policy: Resource, target: PolicyTarget, mesh: Mesh) -> Problem | None:
    kind = _HELD.get(target.kind)
    if kind is None or target.resource is not None or not target.name or not policy.namespace or mesh.elsewhere(kind):
        return None
    if not mesh.candidate(policy) and kind is not Kind.K8S_GATEWAY:
        return None
    others = [found for found in mesh.all(kind) if found.name == target.name]
    if any(not found.namespace for found in others):
        return None
    at = target.at.get("name")
    if others:
        message = (
            f"{policy.title} targets {target.kind} {target.name}, which {policy.namespace} does not have; a targetRef does not reach "
            f"{others[0].namespace}, where one of that name is."
        )
        return Problem(at, message, confidence=Confidence.LOW, related=tuple((found.root, "the one of that name") for found in others))
    if kind is Kind.SERVICE and mesh.knows(mesh.host(at, policy)):
        message = f"{policy.title} targets {target.kind} {target.name}, which {policy.namespace} does not have: it is bound to nothing."
        return Problem(at, message, confidence=Confidence.LOW)
    return None
