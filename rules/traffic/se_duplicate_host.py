"""ML136 se-duplicate-host."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Host, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_MERGE = "Keep one ServiceEntry for the host, with all its ports, endpoints and the waypoint label."


@rule(
    "ML136", "se-duplicate-host", Severity.WARNING, impact=Impact.DIFFERS, each=Kind.SERVICE_ENTRY, evidence="code",
    reads=[Kind.SERVICE, Kind.K8S_GATEWAY, *WORKLOADS],
    sources=[
        "istio pilot/pkg/serviceregistry/ambient/services.go (selectWorkloadServices)",
        "istio releasenotes/notes/canonical-wds-service.yaml", "istio releasenotes/notes/57782.yaml",
    ],
    remedy=_MERGE,
    points_to=[Kind.SERVICE, Kind.SERVICE_ENTRY],
)  # fmt: skip
def se_duplicate_host(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A host is defined by several ServiceEntries, or by a ServiceEntry and a Kubernetes Service, and ambient takes only one.

    Ambient keeps one definition of a host for each namespace: the Kubernetes Service, else the oldest ServiceEntry. The others
    are dropped with their ports, endpoints and waypoint. A client gets the one of its own namespace, else (from Istio 1.29)
    again the Service or the oldest entry. Sidecars merge what one namespace says of a host, and exportTo keeps namespaces
    apart; ambient does neither. Which entry is the oldest cannot be seen in files, and changes when one is created anew.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
    spec:
      hosts: [api.example.com]
      location: MESH_EXTERNAL
      resolution: DNS
      ports: [{number: 443, name: tls, protocol: TLS}]
    ---
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner-plain
      namespace: shop
    spec:
      hosts:
        - api.example.com  # expect: ML136
      location: MESH_EXTERNAL
      resolution: DNS
      ports: [{number: 80, name: http, protocol: HTTP}]
    ```

    Remedy: one ServiceEntry with all ports and endpoints, in the namespace that everybody reads, with its waypoint label. There
    is no automatic fix: which of the definitions is meant is not in the files.

    One finding for each entry after the first one of the host. In one namespace before Istio 1.28.1 not even the oldest is
    certain. A host of a Kubernetes Service is reported where the entry stands.

    Not reported when: it is the same object in another layer; the entries say the same (ports, endpoints, resolution) and have
    the same waypoint; they stand in different namespaces and exportTo keeps each to its own, which is what ambient does too;
    in plain folders, which may be for different clusters, they stand in different ones; a namespace is not known; no ambient
    client may read them: their namespaces stay out; with `--goal gateway-api`, where nothing is ambient now.
    """
    if not entry.namespace or not mesh.read_in_ambient(entry):
        return
    for node in entry.spec.each("hosts"):
        host = mesh.host(node, entry)
        if node.text and host.service is not None and not host.external_name:
            problem = _beside_service(entry, node, host, mesh)
        else:
            problem = _beside_entries(entry, node, host, mesh)
        if problem is not None:
            yield problem


def _beside_service(entry: Resource, node: Node, host: Host, mesh: Mesh) -> Problem | None:
    service = host.service
    if service is None or not service.namespace or service not in mesh.all(Kind.SERVICE):
        return None
    own = service.namespace == entry.namespace
    where = "" if own else f" outside of namespace {entry.namespace}"
    message = f"{entry.title} defines {host.title}, which is {service.title}. Ambient takes the Service{where} and drops "
    message += "this entry's ports and endpoints; sidecars merged them." if own else "this entry's ports and endpoints there."
    remedy = "Give the entry a host name of its own, or let the Service's selector take these endpoints as well."
    return Problem(node, message, related=((service.root, "the Service of this name"),), remedy=remedy)


def _beside_entries(entry: Resource, node: Node, host: Host, mesh: Mesh) -> Problem | None:
    earlier = []
    for other in host.entries:
        if other.identity == entry.identity:
            break
        if _clash(entry, other, host, mesh):
            earlier.append(other)
    if entry not in host.entries or not earlier:
        return None
    first = earlier[0]
    same = first.namespace == entry.namespace
    if same and not mesh.target.istio_at_least("1.28.1"):
        what = f"Ambient of Istio {mesh.target.istio} takes either of them"
    elif same:
        what = "Ambient takes the older one of them and drops the other's ports, endpoints and waypoint; sidecars merged both"
    elif mesh.target.istio_at_least("1.29.0"):
        what = "Ambient clients of other namespaces get the older one of them, whatever exportTo says"
    else:
        what = f"Ambient clients of other namespaces get either of them (Istio {mesh.target.istio}), whatever exportTo says"
    at = next((one for one in first.spec.each("hosts") if mesh.host(one, first).fqdn == host.fqdn), first.root)
    message = f"{entry.title} defines the host {host.title}, and so does {first.title}. {what}."
    return Problem(node, message, related=((at, "the other definition"),))


def _clash(entry: Resource, other: Resource, host: Host, mesh: Mesh) -> bool:
    """Do both speak to the same clients, and differently? The host of an entry may also be a wildcard that takes this one."""
    if not other.namespace or not mesh.read_in_ambient(other) or not any(node.text == host.written for node in other.spec.each("hosts")):
        return False
    if mesh.environment.kind == "plain" and _folder(entry) != _folder(other):
        return False
    if other.namespace != entry.namespace and _to_itself(entry, mesh) and _to_itself(other, mesh):
        return False
    return _said(entry, mesh) != _said(other, mesh)


def _to_itself(entry: Resource, mesh: Mesh) -> bool:
    named = [node.text for node in mesh.export_to(entry).each()]
    return bool(named) and all(name in (".", entry.namespace) for name in named)


def _folder(entry: Resource) -> str:
    return entry.file.rpartition("/")[0]


def _said(entry: Resource, mesh: Mesh) -> tuple[object, ...]:
    """What makes a difference to clients: everything but the hosts and exportTo, and the waypoint."""
    waypoint = mesh.waypoint(entry)
    fields = sorted((key, _plain(node)) for key, node in entry.spec.items() if key not in ("hosts", "exportTo"))
    return (fields, waypoint.namespace, waypoint.name)


def _plain(node: Node) -> str:
    if node.is_map:
        return "{" + ",".join(sorted(f"{key}:{_plain(below)}" for key, below in node.items())) + "}"
    if node.is_list:
        return "[" + ",".join(_plain(below) for below in node.each()) + "]"
    return repr(node.value)
