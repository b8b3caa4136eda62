"""ML147 vs-l4-route."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, converted, rule

_KINDS = {"tcp": Kind.TCP_ROUTE, "tls": Kind.TLS_ROUTE}
_AT_WAYPOINT = "1.26"


@rule(
    "ML147", "vs-l4-route", Severity.WARNING, impact=Impact.UNSTABLE, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["tcp", "tls"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "istio pkg/config/schema/metadata.yaml", "istio pilot/pkg/networking/core/listener_waypoint.go",
        "gateway-api config/crd of v1.5.1 and v1.6.1",
    ],
    remedy="Keep it in the namespace of its host until the target has the route, or install the experimental channel knowingly.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[],
)  # fmt: skip
def vs_l4_route(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService of the mesh has tcp or tls routes, whose counterparts came late to the Gateway API.

    TLSRoute is standard since Gateway API 1.5 and read by Istio without a flag since 1.30, TCPRoute since 1.6 and 1.31.
    Below that the kinds are experimental, have to be installed separately, and istiod ignores them without
    `PILOT_ENABLE_ALPHA_GATEWAY_API=true`. A waypoint honours L4 VirtualServices since Istio 1.26, and a tls match only
    when its one SNI is the host's own name.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: mongo
      namespace: bookinfo
    spec:
      selector: {app: mongo}
      ports: [{name: tcp, port: 27017}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: mongo
      namespace: bookinfo
    spec:
      hosts: [mongo]  # expect: ML105
      tcp:  # expect: ML147
        - match: [{port: 27017}]
          route: [{destination: {host: mongo, port: {number: 27017}}}]
    ```

    Remedy: TCPRoute or TLSRoute with the Service as its parent where the target has them; otherwise keep the VirtualService
    in the namespace of the host, or install the experimental channel and set the flag knowingly. The finding says exactly
    what the target lacks. The fix converts the VirtualService where the target reads the routes and all of it converts.

    Severity: a note where the target reads the route and each match has one SNI, the host's own name, so that it can be
    converted.
    Not reported when the rules are for gateways only, which go on executing them (a note with `--goal gateway-api`), for
    the classic egress pattern (egress-gateway-classic), with `--goal ambient` where a waypoint of the target executes them
    (vs-on-waypoint-alpha and vs-tls-sni-match say the rest), and when the namespace of the host stays out of the mesh.
    """
    subject = mesh.mesh_subject(service)
    in_mesh = {rule_.path[-2] for rule_ in mesh.mesh_rules(service)}
    for section, kind in _KINDS.items():
        at = service.spec.get(section)
        if not at:
            continue
        if subject is not None and section in in_mesh:
            if mesh.settings.to_gateway_api:
                yield _in_mesh(service, at, kind, mesh)._replace(subject=subject)
            elif not mesh.target.istio_at_least(_AT_WAYPOINT):
                yield _not_executed(service, at, mesh)._replace(subject=subject)
        elif mesh.settings.goal == "gateway-api" and mesh.binding(service).gateways and section not in in_mesh:
            message = f"{service.title} has {section} routes for gateways: {_counterpart(kind, mesh)}."
            yield Problem(at, message, Severity.NOTE, Impact.ADVICE)


def _in_mesh(service: Resource, at: Node, kind: Kind, mesh: Mesh) -> Problem:
    section = "tcp" if kind is Kind.TCP_ROUTE else "tls"
    support = mesh.target.route(kind)
    foreign = _foreign_sni(service, mesh) if section == "tls" else []
    message = f"{service.title} has {section} routes for the mesh: {_counterpart(kind, mesh)}."
    if not mesh.target.istio_at_least(_AT_WAYPOINT):
        message += f" A waypoint of Istio {mesh.target.istio} does not execute them at all (since {_AT_WAYPOINT})."
    if foreign:
        message += f" A waypoint honours a tls match only for one SNI that is the full name of the host, not for {', '.join(foreign)}."
    if support.usable and foreign:
        remedy = "Give each SNI a Service or ServiceEntry of its own name, and a TLSRoute with that as its parent."
        return Problem(at, message, remedy=remedy)
    if support.usable:
        fix = partial(converted, [service], mesh) if mesh.settings.to_gateway_api else None
        return Problem(at, message, Severity.NOTE, Impact.ADVICE, remedy=_conversion(service, kind, mesh), fix=fix)
    return Problem(at, message)


def _not_executed(service: Resource, at: Node, mesh: Mesh) -> Problem:
    said = f"{service.title} has {at.path[-1]} routes for the mesh, which a waypoint of Istio {mesh.target.istio} does not execute"
    return Problem(at, f"{said} (since {_AT_WAYPOINT}).", remedy=f"Move to Istio {_AT_WAYPOINT} or later before the sidecars go.")


def _conversion(service: Resource, kind: Kind, mesh: Mesh) -> str:
    parents = {"ServiceEntry" if host.kind is HostKind.ENTRY else "Service" for _, host in mesh.hosts(service)} or {"Service"}
    parent = " or ".join(sorted(parents))
    if kind is Kind.TLS_ROUTE:
        return f"Convert them: one TLSRoute for each SNI, with the {parent} of that name as its parent."
    return f"Convert them to a {kind.kind} with the {parent} as its parent."


def _counterpart(kind: Kind, mesh: Mesh) -> str:
    support = mesh.target.route(kind)
    return f"{kind.kind} can take them over ({mesh.target.since(kind)})" if support.usable else support.text


def _foreign_sni(service: Resource, mesh: Mesh) -> list[str]:
    """The SNI values of the mesh's matches that are no host of the VirtualService, or are not alone in their match."""
    hosts = {host.fqdn for _, host in mesh.hosts(service)}
    found: list[str] = []
    for match in (match for rule_ in mesh.mesh_rules(service) for match in rule_.each("match")):
        gateways = [node.text for node in match.get("gateways").each()]
        names = [node.text for node in match.get("sniHosts").each() if node.text]
        if not gateways or "mesh" in gateways:
            found += [name for name in names if len(names) > 1 or name not in hosts]
    return list(dict.fromkeys(found))
