"""ML112 vs-multiple-same-host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from meshlint.api import Host, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_APPENDED = ("1.28.6", "1.29.2", "1.30.0")
_NAMED = 5  # of two thousand objects for one host, a few are enough to see what is meant


@rule(
    "ML112", "vs-multiple-same-host", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.VIRTUAL_SERVICE, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "https://github.com/istio/istio/issues/59484", "istio pilot/pkg/networking/core/listener_waypoint.go",
        "istio releasenotes/notes/59484.yaml",
    ],
    remedy="Merge them into one object with the rules in the order that is meant, and delete the other.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.VIRTUAL_SERVICE],
)  # fmt: skip
def vs_multiple_same_host(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Two VirtualServices of the mesh speak for the same host, and a waypoint does not choose between them as sidecars do.

    Sidecars do not merge VirtualServices of a host: one of them wins, the rules of the others are dead. A waypoint puts the
    rules of all of them behind one another since Istio 1.28.6, 1.29.2 and 1.30.0 (before, it took one as well), so that
    rules begin to act that never did, or a catch-all of the one hides the other.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      selector: {app: ratings}
      ports: [{name: http, port: 9080}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: ratings-of-team-b
      namespace: bookinfo
    spec:
      hosts: [ratings]  # expect: ML105, ML112
      http:
        - timeout: 5s
          route: [{destination: {host: ratings}}]
    ```

    Remedy: one object for the host. Find out which of them acts today (`istioctl proxy-config routes`), order the rules, and
    delete what was dead. No automatic fix: the winner depends on the age of the objects in the cluster.

    One finding for each object but the first in the order of their names. Not reported when one is bound to gateways only,
    whose rules are merged by design, or is a delegate; when one has only http rules and the other none; when they are copies of
    one object, which are alternatives, or stand in different files that no kustomization or chart applies together; when the
    waypoint does not read one of them (its namespace, exportTo); when the host is kept off waypoints, and when its namespace
    stays out of the mesh. With `--goal gateway-api` only what is ambient now counts.
    """
    if not mesh.mesh_rules(service):
        return
    for at, host in mesh.hosts(service):
        if not any(other is not service for other in mesh.beside(service, host)):
            continue
        subject = mesh.moves(host, service)
        if subject is None or not mesh.waypoint_after(host) or not _read(service, host, mesh):
            continue
        if not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
            continue
        rivals = list(islice((other for other in mesh.beside(service, host) if _is_rival(service, other, host, mesh)), _NAMED + 1))
        if rivals:
            related = tuple((other.root, f"{other.title} speaks for the host as well") for other in rivals[:_NAMED])
            yield Problem(at, _message(service, host, rivals, mesh), related=related, subject=subject)
            return


def _is_rival(service: Resource, other: Resource, host: Host, mesh: Mesh) -> bool:
    if other.identity == service.identity or _order(other) > _order(service):
        return False
    return bool(_protocols(service, mesh) & _protocols(other, mesh)) and _read(other, host, mesh)


def _order(service: Resource) -> tuple[str, str]:
    return (service.namespace, service.name)


def _protocols(service: Resource, mesh: Mesh) -> set[bool]:
    """Has it rules for http, or for connections?"""
    return {rule_.path[-2] == "http" for rule_ in mesh.mesh_rules(service)}


def _read(service: Resource, host: Host, mesh: Mesh) -> bool:
    """Does the waypoint read it, as far as the repository tells the namespaces?"""
    reads, waypoint = mesh.route_namespaces(host), mesh.waypoint(host)
    if not service.namespace:
        return not host.namespace  # both go where they are applied to
    where = waypoint.namespace if waypoint.bound else host.namespace
    return service.namespace in reads and mesh.readable(service, where)


def _message(service: Resource, host: Host, rivals: Sequence[Resource], mesh: Mesh) -> str:
    others = " and ".join([*(other.title for other in rivals[:_NAMED]), *(["others"] if len(rivals) > _NAMED else [])])
    said = f"{service.title} and {others} speak for {host.title} in the mesh: sidecars execute one of them. "
    waypoint = f"A waypoint of Istio {mesh.target.istio_tag}"
    if mesh.target.istio_at_least(*_APPENDED):
        return f"{said}{waypoint} puts the rules of all behind one another, so that dead ones begin to act."
    return f"{said}{waypoint} does too, but not always the same one; since {', '.join(_APPENDED)} it appends the rules of all."
