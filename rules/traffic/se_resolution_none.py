"""ML134 se-resolution-none."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML134", "se-resolution-none", Severity.WARNING, impact=Impact.IGNORED, each=Kind.SERVICE_ENTRY, evidence="code",
    reads=WORKLOADS,
    sources=[
        "istio pilot/pkg/serviceregistry/ambient/services.go (constructServiceEntries)", "istio releasenotes/notes/57656.yaml",
        "istio ztunnel src/dns/server.rs", "https://github.com/istio/istio/pull/57656",
    ],
    remedy="Set resolution: DNS (for endpoints that are written here: STATIC), so that the entry gets an address.",
    yields_in_object=["se-wildcard-host"],
    points_to=[],
)  # fmt: skip
def se_resolution_none(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry of resolution NONE has no addresses (or has some, before Istio 1.28), and ambient cannot use it.

    Sidecars know what belongs to such an entry by the Host header or SNI and forward it to the address that the client
    dialled. ztunnel knows destinations by address alone, and istiod allocates addresses for other resolutions only. The traffic
    passes as that of an unknown destination: no policy, route, waypoint or telemetry of the entry applies.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
    spec:
      hosts: [api.example.com]
      location: MESH_EXTERNAL
      resolution: NONE  # expect: ML134
      ports: [{number: 443, name: tls, protocol: TLS}]
    ```

    With addresses of its own the entry is recognised. Istio 1.28 and later forward it to where the client dialled; before,
    it has an address without endpoints in ambient, and every connection to it fails: an error.

    Remedy: `resolution: DNS`, which gives each host an address that the node's ztunnel hands out; STATIC where the entry has
    endpoints; DYNAMIC_DNS for wildcards, which se-wildcard-host is about:

        spec: {hosts: [api.example.com], resolution: DNS, location: MESH_EXTERNAL, ports: [{number: 443, name: tls, protocol: TLS}]}

    There is no automatic fix: clients that dial a certain address on purpose would be sent to another one.

    Absent means NONE. Not reported when: the entry has addresses and Istio is 1.28 or later; all its hosts are wildcards
    (se-wildcard-host) or names of Services of the cluster; an address is a range that the release does not know
    (se-cidr-addresses); a template fills in what decides; no ambient client may read the entry: its namespace stays out, or
    exportTo names only namespaces that stay out or hold nothing but gateways; with `--goal gateway-api`, where nothing is
    ambient now.
    """
    resolution, addresses = entry.spec.get("resolution"), entry.spec.get("addresses")
    inside = f".svc.{mesh.settings.cluster_domain}"
    exact = [host for host in entry.spec.each("hosts") if host.text and not host.text.startswith("*") and not host.text.endswith(inside)]
    if resolution.unknown or resolution.text not in (None, "NONE") or not exact or not mesh.read_in_ambient(entry):
        return
    if not addresses.present or addresses.value == []:
        how = "has resolution NONE" if resolution.text else "has no resolution, which means NONE,"
        message = (
            f"{entry.title} {how} and no addresses, and istiod allocates none to it: ztunnel does not recognise what is sent to "
            f"{_hosts(exact)}, so no policy, route or waypoint of this entry applies."
        )
        yield Problem(resolution, message)
    elif not mesh.target.istio_at_least("1.28.0") and _single(addresses):
        message = (
            f"{entry.title} has resolution NONE, which ambient of Istio {mesh.target.istio} makes an address without endpoints (1.28 "
            f"forwards to where the client dialled): every connection to {_hosts(exact)} fails."
        )
        remedy = "Raise Istio to 1.28, or set resolution: DNS (STATIC with endpoints)."
        yield Problem(resolution, message, Severity.ERROR, Impact.BREAKS, related=((addresses, "its addresses"),), remedy=remedy)


def _hosts(exact: list[Node]) -> str:
    return f"{exact[0].text}" + (f" and {len(exact) - 1} more of its hosts" if len(exact) > 1 else "")


def _single(addresses: Node) -> bool:
    """Is each of them known and one address? Before 1.30 a range keeps the whole entry out."""
    texts = [node.text for node in addresses.each()]
    return all(text and text.partition("/")[2] in ("", "128" if ":" in text else "32") for text in texts)
