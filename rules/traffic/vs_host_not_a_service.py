"""ML110 vs-host-not-a-service."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshlint.api import Confidence, Host, HostKind, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]+")
_LIST = "List the Services that it means: a route of the Gateway API has each of them as its parent."
_ENTRY = "Define a ServiceEntry for the name, bind it to a waypoint, and attach the routes to it."


@rule(
    "ML110", "vs-host-not-a-service", Severity.ERROR, impact=Impact.IGNORED, each=Kind.VIRTUAL_SERVICE, evidence="code",
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.CANARY, Kind.ROLLOUT, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=[
        "istio pilot/pkg/networking/core/listener_waypoint.go (getVirtualServiceForWaypoint)",
        "istio pilot/pkg/model/config.go (ResolveShortnameToFQDN)", "istio pkg/config/validation/validation.go",
        "https://istio.io/latest/docs/ambient/usage/l7-features/",
    ],
    remedy="Name a Service by its full name, or define a ServiceEntry for the name and bind it to a waypoint.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[Kind.SERVICE],
)  # fmt: skip
def vs_host_not_a_service(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A VirtualService of the mesh is for a name that is no Service and no ServiceEntry.

    A sidecar looks at the Host header, so that any name works that the clients send. In ambient, traffic reaches a waypoint
    by the address of a registered Service or ServiceEntry, and the waypoint takes the VirtualServices whose host is that
    object's full name: a name that is registered nowhere has no traffic.

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
      hosts: [ratings.bookinfo]  # expect: ML110
      http:
        - timeout: 3s
          route: [{destination: {host: ratings}}]
    ```

    Remedy: write the full name of the Service (Istio completes only names without a dot), or define a ServiceEntry for the
    name and bind it to a waypoint. No automatic fix: which Service is meant is not always in the files.

    Reported are names of the form name.namespace and name.namespace.svc; addresses; a name of the cluster for which there is
    no Service while all destinations are Services of this repository; and `*`, which Istio rejects for the mesh (an error in
    any mode). A note only: an invented name whose destinations are Services of this repository (a ServiceEntry for it may
    stand elsewhere), and a wildcard for Services of the cluster, which works at a waypoint and has no counterpart in the
    Gateway API.
    Not reported when the VirtualService is for gateways only (an invented name: also when it is bound to a gateway beside the
    mesh, which serves the name), when another repository, a template or a Canary may bring the Service, for other names outside
    of the cluster, and when the namespace of the host stays out of the mesh.
    """
    if not mesh.mesh_rules(service):
        return
    for at, host in mesh.hosts(service):
        problem = _judge(service, at, host, mesh)
        if problem is not None:
            yield problem


def _judge(service: Resource, at: Node, host: Host, mesh: Mesh) -> Problem | None:
    if host.kind in (HostKind.SERVICE, HostKind.ENTRY) and host.fqdn != "*":
        return None
    said = f"{service.title} is for {host.written}"
    if host.fqdn == "*":
        message = f"{said}: Istio rejects this wildcard in VirtualServices of the mesh."
        return Problem(at, message, impact=Impact.BREAKS, final=True)
    if host.kind is HostKind.PARTIAL:
        return _partial(service, at, host, mesh)
    if host.wildcard:
        return _wildcard(service, at, host, mesh)
    if host.kind is HostKind.ASSUMED:
        return _missing(service, at, host, mesh)
    if host.kind is not HostKind.EXTERNAL or not mesh.candidate(service):
        return None
    if _ADDRESS.fullmatch(host.fqdn):
        message = f"{said}, an address: a waypoint takes VirtualServices by the name of a Service or ServiceEntry and ignores this one."
        return Problem(at, message, remedy=_ENTRY, subject=service)
    return _invented(service, at, host, mesh)


def _partial(service: Resource, at: Node, host: Host, mesh: Mesh) -> Problem | None:
    if not mesh.candidate(host.namespace):
        return None
    full = f"{'.'.join(host.fqdn.split('.')[:2])}.svc.{mesh.settings.cluster_domain}"
    message = (
        f"{service.title} is for {host.written}, which Istio does not complete (it completes only names without a dot): the waypoint of "
        f"{full} ignores it."
    )
    related = ((host.service.root, "the Service that is meant"),) if host.service is not None else ()
    confidence = None if host.service is not None else Confidence.MEDIUM
    return Problem(at, message, confidence=confidence, related=related, remedy=f"Write {full}.", subject=host.namespace)


def _wildcard(service: Resource, at: Node, host: Host, mesh: Mesh) -> Problem | None:
    subject = mesh.moves(host, service)
    if host.kind is not HostKind.ASSUMED or subject is None or not mesh.settings.to_gateway_api:
        return None
    message = f"{service.title} is for all of {host.written}: a route of the Gateway API names each Service as its parent."
    return Problem(at, message, Severity.NOTE, Impact.ADVICE, remedy=_LIST, subject=subject)


def _missing(service: Resource, at: Node, host: Host, mesh: Mesh) -> Problem | None:
    subject, sent = mesh.moves(host, service), _leads_here(service, mesh)
    if subject is None or sent is None or not mesh.knows(host) or mesh.elsewhere(Kind.SERVICE) or mesh.editors(service):
        return None
    message = (
        f"{service.title} gives the name {host.title} to {sent.title}, and this repository, which holds that Service, holds none of the "
        "first name: in ambient no traffic comes to this route."
    )
    return Problem(at, message, confidence=Confidence.MEDIUM, subject=subject)


def _invented(service: Resource, at: Node, host: Host, mesh: Mesh) -> Problem | None:
    """A name that only this VirtualService makes: all that the mesh executes of it leads to Services held here."""
    sent = _leads_here(service, mesh)
    if sent is None or mesh.binding(service).gateways or mesh.elsewhere(Kind.SERVICE_ENTRY):
        return None
    message = (
        f"{service.title} gives the name {host.written} to {sent.title}. Sidecars did that by the Host header; in ambient the name needs "
        "a ServiceEntry, and this repository has none for it."
    )
    return Problem(at, message, Severity.NOTE, confidence=Confidence.LOW, remedy=_ENTRY, subject=service)


def _leads_here(service: Resource, mesh: Mesh) -> Host | None:
    """The first destination, if all that the mesh executes leads to Services that this repository holds."""
    sent = [one.host for one in mesh.destinations(service) if one.mesh and not one.mirror]
    return sent[0] if sent and all(host.kind is HostKind.SERVICE for host in sent) else None
