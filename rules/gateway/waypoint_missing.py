"""ML401 waypoint-missing."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Confidence, Impact, Kind, Mesh, Problem, Resource, Severity, Waypoint, WaypointState, rule


@rule(
    "ML401",
    "waypoint-missing",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (fetchWaypointForTarget)",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Add the waypoint Gateway, or name one that exists (its namespace by istio.io/use-waypoint-namespace).",
)
def waypoint_missing(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The label `istio.io/use-waypoint` names a waypoint that does not exist.

    A reference to a missing waypoint leaves the traffic on the plain L4 path, so that every L7 rule for it is skipped.
    Nothing fails loudly; only a condition of the object (WaypointBound) records it. A Gateway of that name which is no
    waypoint is worse: ztunnel sends the traffic to a port that nobody serves.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: bookinfo
      labels:
        istio.io/dataplane-mode: ambient
        istio.io/use-waypoint: waypiont # expect: ML401
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: the Gateway, or the right name; where the waypoint stands in another namespace, that in a label of its own:

        labels: {istio.io/use-waypoint: waypoint, istio.io/use-waypoint-namespace: mesh-infra}

    There is no automatic fix: a waypoint is a deployment that somebody has to want.

    The label on the object beats that on its namespace, and each is reported where it stands. Where the repository holds no
    waypoint at all, or none in the namespace that the label names, another repository or `istioctl waypoint apply` may make
    it: a warning of low confidence. Not reported when `assume.waypoints` of the configuration names it, the label is
    `none`, a template fills in the name, or the namespace stays out of the mesh.
    """
    waypoint = mesh.waypoint(holder)
    if waypoint.inherited or waypoint.label is None or not waypoint.name or not mesh.candidate(holder):
        return
    place = f"{waypoint.namespace}/{waypoint.name}" if waypoint.namespace else waypoint.name
    if waypoint.state is WaypointState.MISSING:
        yield _missing(holder, waypoint, place, mesh)
    elif waypoint.gateway is not None and not mesh.is_waypoint(waypoint.gateway) and not mesh.foreign_class(waypoint.gateway):
        name = waypoint.gateway.spec.get("gatewayClassName")
        if name.text:
            message = f"{holder.title} is bound to {place}, which is no waypoint but a Gateway of class {name.text}: it serves no HBONE."
            yield Problem(waypoint.label, message, impact=Impact.BREAKS, related=((name, "the class of that Gateway"),))


def _missing(holder: Resource, waypoint: Waypoint, place: str, mesh: Mesh) -> Problem:
    known = [gateway for gateway in mesh.all(Kind.K8S_GATEWAY) if mesh.is_waypoint(gateway)]
    near = [gateway for gateway in known if gateway.namespace in (waypoint.namespace, "")]
    named = [gateway for gateway in known if gateway.name == waypoint.name]
    message = f"{holder.title} is bound to the waypoint {place}, which the repository does not hold"
    sure = bool(near or named) and not mesh.elsewhere(Kind.K8S_GATEWAY)
    shown = list(dict.fromkeys((*near, *named)))[:3]
    others = tuple((gateway.root, f"the repository holds the waypoint {gateway.namespace}/{gateway.name}") for gateway in shown)
    end = ": its traffic stays on layer 4, and every policy and route at the waypoint is skipped."
    if sure:
        return Problem(waypoint.label or holder.root, message + end, related=others, remedy=_remedy(waypoint, near, named))
    message += ". If no other repository makes it" + end.replace(": its", ", its")
    return Problem(waypoint.label or holder.root, message, Severity.WARNING, confidence=Confidence.LOW, related=others)


def _remedy(waypoint: Waypoint, near: list[Resource], named: list[Resource]) -> str | None:
    if named:
        return f"Add the label istio.io/use-waypoint-namespace: {named[0].namespace}, or a waypoint of that name here."
    if near:
        return f"Name a waypoint of the namespace ({', '.join(gateway.name for gateway in near[:3])}), or add {waypoint.name}."
    return None
