"""ML207 authz-targetref-unbound."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    Confidence,
    Fix,
    Impact,
    Kind,
    Mesh,
    PolicyTarget,
    Problem,
    Resource,
    Severity,
    Waypoint,
    WaypointState,
    changes,
    rule,
)

_KINDS = (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION, Kind.TELEMETRY, Kind.WASM_PLUGIN, Kind.TRAFFIC_EXTENSION)
_SECURITY = (Kind.AUTHORIZATION_POLICY, Kind.REQUEST_AUTHENTICATION)
_WHY = {
    WaypointState.NONE: "has no waypoint",
    WaypointState.OPTED_OUT: "is kept off waypoints by istio.io/use-waypoint: none",
}


@rule(
    "ML207", "authz-targetref-unbound", Severity.ERROR, impact=Impact.UNENFORCED, each=_KINDS, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=[
        "istio@86c9f01:pilot/pkg/model/policyattachment.go", "istio@86c9f01:pilot/pkg/serviceregistry/ambient/policies.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go",
    ],
    remedy="Label the Service (or its namespace) istio.io/use-waypoint, or fall back to a selector and layer 4 fields.",
    yields_to=["authz-targetref-invalid"],
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY],
)  # fmt: skip
def authz_targetref_unbound(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy's targetRefs name a Service or ServiceEntry that has no waypoint: nothing executes the policy.

    Policies with targetRefs are for waypoints and gateways; ztunnel and sidecars ignore them. The object is valid and looks
    right in Git, and at run time only its status says AncestorNotBound: of an AuthorizationPolicy that is a Service without
    protection.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels: {istio.io/dataplane-mode: ambient}
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
          name: ratings  # expect: ML207
      rules:
        - to: [{operation: {methods: [GET]}}]
    ```

    Remedy: `istio.io/use-waypoint: <name of the waypoint>` on the Service or its namespace, and the waypoint Gateway. The
    fix writes the label, and adds the Gateway where the namespace has none. It is safe where the Namespace is held here and has one
    waypoint, and the Service has no VirtualService of the mesh and no policy at its pods, which would see the waypoint as the caller:
    then only this policy begins to act, as it is written. None is offered for a Service that is headless or opted out, and where
    several waypoints could be meant.

    Holds for AuthorizationPolicy, RequestAuthentication, Telemetry, WasmPlugin and TrafficExtension (impact `ignored` for the
    last three). A headless Service counts too: its callers address pods, so no traffic enters the waypoint.

    Not reported when the repository does not hold the Service or ServiceEntry (its labels are elsewhere), when the label
    names a waypoint, held or not (waypoint-missing, waypoint-traffic-type-mismatch and waypoint-cross-namespace-denied speak of
    that), when its namespace stays out of the mesh, and when
    `assume.waypoints` in the configuration names a waypoint of its namespace. Where the repository does not hold the
    Namespace, the label may stand there: the confidence is low.
    """
    for target in mesh.targets(policy):
        found = target.resource
        if found is None or found.kind not in (Kind.SERVICE, Kind.SERVICE_ENTRY) or not mesh.candidate(found) or _assumed(found, mesh):
            continue
        waypoint = mesh.waypoint(found)
        if (why := _why(found, waypoint)) is not None:
            yield _problem(policy, target, found, waypoint, why, mesh)


def _why(found: Resource, waypoint: Waypoint) -> str | None:
    if waypoint.state in _WHY:
        return _WHY[waypoint.state]
    if waypoint.bound and found.kind is Kind.SERVICE and found.spec.get("clusterIP").text == "None":
        return "is headless, so its callers address the pods and pass no waypoint"
    return None


def _problem(policy: Resource, target: PolicyTarget, found: Resource, waypoint: Waypoint, why: str, mesh: Mesh) -> Problem:
    message = f"{policy.title} is for {found.title}, which {why}: no proxy executes the policy."
    related = [(found.root, "its target")]
    if waypoint.label is not None:
        related.append((waypoint.label, "this label decides"))
    seen = waypoint.state is not WaypointState.NONE or mesh.find(Kind.NAMESPACE, "", found.namespace) is not None
    impact = None if policy.kind in _SECURITY else Impact.IGNORED
    confidence = None if seen else Confidence.LOW
    fix = partial(_fix, found, seen, mesh)
    return Problem(target.at.get("name"), message, impact=impact, confidence=confidence, related=tuple(related), fix=fix, subject=found)


def _fix(found: Resource, seen: bool, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    made, chosen = changes(), waypoints.choose(found, mesh)
    if chosen is None or chosen.bound or waypoints.bind(made, [found], mesh) is None:
        return None
    routes = [route for host in mesh.hosts_of(found) for route in mesh.virtual_services(host) if mesh.binding(route).mesh]
    alone = not routes and not mesh.policies_over(found, Kind.AUTHORIZATION_POLICY)
    title = f"Bind {found.title} to the waypoint {chosen.name}" if chosen.beside is None else f"Add a waypoint for {found.title}"
    return made.fix(title, safe=seen and alone and chosen.beside is None)


def _assumed(found: Resource, mesh: Mesh) -> bool:
    return any(name.partition("/")[0] == found.namespace for name in mesh.settings.assume_waypoints if "/" in name)
