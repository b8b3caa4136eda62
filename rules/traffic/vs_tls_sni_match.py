"""ML108 vs-tls-sni-match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML108", "vs-tls-sni-match", Severity.ERROR, impact=Impact.IGNORED, each=Kind.VIRTUAL_SERVICE, evidence="code",
    needs=["sniHosts"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE, Kind.NAMESPACE, Kind.GATEWAY, Kind.K8S_GATEWAY],
    sources=["istio pilot/pkg/networking/core/listener_waypoint.go (getTLSRouteMatch)"],
    remedy="One Service or ServiceEntry for each SNI, each bound to a waypoint, and tls matches with that one full name.",
    yields_in_object=["egress-gateway-classic"],
    points_to=[],
)  # fmt: skip
def vs_tls_sni_match(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A tls match of the mesh lists SNI values that a waypoint skips: anything but the one full name of the host.

    A sidecar chooses by SNI. A waypoint knows the Service from its address, and honours a tls match only if `sniHosts` has
    exactly one value and that is the host's full name, letter by letter; short names, several names and foreign names are
    passed over. The connection takes the next rule or the Service's default.

    ```yaml
    apiVersion: v1
    kind: Service
    metadata:
      name: mongo
      namespace: bookinfo
    spec:
      selector: {app: mongo}
      ports: [{name: tls, port: 443}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata:
      name: mongo
      namespace: bookinfo
    spec:
      hosts: [mongo]  # expect: ML105
      tls:  # expect: ML147
        - match:
            - port: 443
              sniHosts: [mongo.example.com]  # expect: ML108
          route: [{destination: {host: mongo}}]
    ```

    Remedy: where the clients' SNI is the host's full name, write exactly that. Names that lead to different places need one
    Service or ServiceEntry each, bound to a waypoint, and a TLSRoute with the same hostname. No automatic fix: which SNI the
    clients send is not in the files.

    One finding for each match. Not reported when the match is for gateways only, for the classic egress pattern
    (egress-gateway-classic), when a template tells a name, when the one value is the full name of a host (or lies under a
    wildcard host that is not itself the host of a ServiceEntry), when the host is kept off waypoints, and when its namespace
    stays out of the mesh. With `--goal gateway-api` only what is ambient now counts.
    """
    subject = mesh.mesh_subject(service)
    hosts = [host for _, host in mesh.hosts(service) if mesh.moves(host, service) is not None and mesh.waypoint_after(host)]
    if subject is None or not hosts or not (mesh.settings.to_ambient or mesh.ambient_now(subject)):
        return
    for rule_ in mesh.mesh_rules(service):
        for match in rule_.each("match") if rule_.path[-2] == "tls" else ():
            names = [node.text for node in match.get("sniHosts").each()]
            if _in_mesh(match) and names and None not in names and not _honoured(match, hosts, service, mesh):
                yield Problem(match.get("sniHosts"), _message(service, [name for name in names if name], hosts), subject=subject)


def _in_mesh(match: Node) -> bool:
    gateways = [node.text for node in match.get("gateways").each()]
    return not gateways or "mesh" in gateways


def _honoured(match: Node, hosts: Sequence[Host], service: Resource, mesh: Mesh) -> bool:
    names = list(match.get("sniHosts").each())
    return len(names) == 1 and any(_is_name(names[0], host, service, mesh) for host in hosts)


def _is_name(node: Node, host: Host, service: Resource, mesh: Mesh) -> bool:
    """Is it the full name of the host, as far as the repository tells its namespace, or does it lie under a wildcard?"""
    name = node.text or ""
    before, untold, after = host.fqdn.partition("..")
    if untold:
        return name.startswith(before + ".") and name.endswith("." + after) and name.count(".") == host.fqdn.count(".")
    return name == host.fqdn or (host.wildcard and name.endswith(host.fqdn[1:]) and _has_address(node, host, service, mesh))


def _has_address(node: Node, host: Host, service: Resource, mesh: Mesh) -> bool:
    """Under a wildcard that is itself the name of a ServiceEntry, only names with an entry of their own are compared."""
    entries = mesh.host(node, service).entries
    return not host.entries or any(one.fqdn == node.text for entry in entries for one in mesh.hosts_of(entry))


def _message(service: Resource, names: Sequence[str], hosts: Sequence[Host]) -> str:
    written = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    before, untold, after = hosts[0].fqdn.partition("..")
    full = f"{before}.<namespace>.{after}" if untold else hosts[0].title
    return (
        f"{service.title} matches the SNI {written}: a waypoint honours a tls match only for one SNI that is the full name of the host, "
        f"here {full}, and skips this one."
    )
