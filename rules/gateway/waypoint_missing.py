"""ML401 waypoint-missing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import (
    WORKLOADS,
    Confidence,
    Fix,
    Impact,
    Kind,
    Mesh,
    Problem,
    Resource,
    Severity,
    Waypoint,
    WaypointState,
    changes,
    close_name,
    rule,
)


@rule(
    "ML401",
    "waypoint-missing",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.WORKLOAD_ENTRY, *WORKLOADS),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    needs=["istio.io/use-waypoint"],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (fetchWaypointForTarget)",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Add the waypoint Gateway, or name one that exists (its namespace by istio.io/use-waypoint-namespace).",
    points_to=[Kind.K8S_GATEWAY],
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

    Where a waypoint of the namespace has a name that is nearly the same, the fix writes that; where one of this name in another
    namespace admits others, it writes that namespace. Where neither is here, nor any other waypoint of the namespace, it adds the
    Gateway, for what the label stands on: that is safe where the repository holds waypoints of other namespaces, so that this
    one is likely to be missing. Else, and in another namespace (which the new waypoint then admits), it needs a look: another
    repository may make it. None is offered where several could be meant, for a Gateway that is no waypoint, and where neither
    the Namespace nor a Service is here to stand beside.

    The label on the object beats that on its namespace, and each is reported where it stands. Where the repository holds no
    waypoint at all, or none in the namespace that the label names, another repository or `istioctl waypoint apply` may make
    it: a warning of low confidence. So it is where another environment of the repository holds a waypoint of this name, which
    may be the one that is meant. Not reported when `assume.waypoints` of the configuration names it, the label is `none` or
    holds a slash (waypoint-reserved-name), a template fills in the name, or the namespace stays out of the mesh.
    """
    waypoint = mesh.waypoint(holder)
    if waypoint.inherited or waypoint.label is None or not waypoint.name or "/" in waypoint.name or not mesh.candidate(holder):
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
    shown = list(dict.fromkeys((*near, *named)))[:3]
    titles = [f"{gateway.namespace}/{gateway.name}".lstrip("/") for gateway in shown]
    others = tuple((gateway.root, f"the repository holds the waypoint {title}") for gateway, title in zip(shown, titles, strict=True))
    at, end = waypoint.label or holder.root, "its traffic stays on layer 4, and every policy and route at the waypoint is skipped."
    if (apart := _apart(waypoint, mesh)) is not None:
        message = f"{holder.title} is bound to the waypoint {place}, which this environment does not hold; another one of the repository "
        message += f"holds {apart.title}. Unless that one is meant, {end}"
        related = ((apart.root, "perhaps this one is meant"), *others)
        return Problem(at, message, Severity.WARNING, confidence=Confidence.LOW, related=related)
    message = f"{holder.title} is bound to the waypoint {place}, which the repository does not hold"
    fix = partial(_fix, holder, waypoint, known, mesh)
    if (near or named) and not mesh.elsewhere(Kind.K8S_GATEWAY):
        return Problem(at, f"{message}: {end}", related=others, remedy=_remedy(waypoint, near, named), fix=fix)
    message += f". If no other repository makes it, {end}"
    return Problem(at, message, Severity.WARNING, confidence=Confidence.LOW, related=others, fix=fix)


def _apart(waypoint: Waypoint, mesh: Mesh) -> Resource | None:
    """A waypoint of that name which another environment holds, and which may be the one that is meant."""
    own = mesh.all(Kind.K8S_GATEWAY)
    beside = [one for one in mesh.around(Kind.K8S_GATEWAY) if one not in own and not waypoint.namespace and one.name == waypoint.name]
    found = (*beside, mesh.apart(Kind.K8S_GATEWAY, waypoint.namespace, waypoint.name))
    return next((one for one in found if one is not None and mesh.is_waypoint(one)), None)


def _remedy(waypoint: Waypoint, near: list[Resource], named: list[Resource]) -> str | None:
    if named:
        return f"Add the label istio.io/use-waypoint-namespace: {named[0].namespace}, or a waypoint of that name here."
    if near:
        return f"Name a waypoint of the namespace ({', '.join(gateway.name for gateway in near[:3])}), or add {waypoint.name}."
    return None


def _fix(holder: Resource, waypoint: Waypoint, known: list[Resource], mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    here = [gateway.name for gateway in known if gateway.namespace == waypoint.namespace]
    close = close_name(waypoint.name, here)
    if close is not None and waypoint.label is not None and waypoint.label.text:
        return changes().set(waypoint.label, close).fix(f"Name the waypoint {close}")
    beside = waypoints.anchor(waypoint.namespace, mesh) if waypoint.namespace else None
    shared = [gateway.namespace for gateway in known if gateway.name == waypoint.name and _is_shared(gateway)]
    if len(shared) == 1 and not here and waypoint.namespace in (holder.namespace, holder.name):
        return _elsewhere(waypoint, shared[0])
    if here or beside is None or shared:
        return None
    users = _users(waypoint, mesh)
    namespaces = sorted({user.name if user.kind is Kind.NAMESPACE else user.namespace for user in users})
    pods = [user for user in users if user.kind in WORKLOADS or user.kind is Kind.WORKLOAD_ENTRY]
    serves = "service" if not pods else "workload" if len(pods) == len(users) else "all"
    admits = namespaces if namespaces != [waypoint.namespace] else []
    made = changes().add_object(beside, waypoints.manifest(waypoint.name, waypoints.namespace_of(beside), serves, admits))
    return made.fix(f"Add the waypoint {waypoint.name}", safe=bool(known) and not admits)


def _is_shared(gateway: Resource) -> bool:
    """May a waypoint be for other namespaces than its own?"""
    origins = [listener.get("allowedRoutes", "namespaces", "from") for listener in gateway.spec.each("listeners")]
    return any(origin.unknown or origin.text not in (None, "Same") for origin in origins)


def _elsewhere(waypoint: Waypoint, namespace: str) -> Fix | None:
    labels = waypoint.label.parent if waypoint.label is not None else None
    if labels is None:
        return None
    return changes().set_key(labels, "istio.io/use-waypoint-namespace", namespace).fix(f"Take the waypoint of {namespace}")


def _users(waypoint: Waypoint, mesh: Mesh) -> list[Resource]:
    """All that is bound to a waypoint which is not here."""
    found = []
    for kind in (Kind.NAMESPACE, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.WORKLOAD_ENTRY, *WORKLOADS):
        for one in mesh.all(kind):
            other = mesh.waypoint(one)
            if not other.inherited and (other.namespace, other.name) == (waypoint.namespace, waypoint.name):
                found.append(one)
    return found
