"""ML135 se-cidr-addresses."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML135", "se-cidr-addresses", Severity.WARNING, impact=Impact.IGNORED, each=Kind.SERVICE_ENTRY, evidence="code",
    needs=["addresses"],
    reads=WORKLOADS,
    sources=[
        "istio 1.29.6 pilot/pkg/serviceregistry/kube/controller/ambient/helpers.go (parseCidrOrIP), services.go (constructServiceEntries)",
        "istio releasenotes/notes/59797.yaml", "https://github.com/istio/istio/pull/59797",
    ],
    remedy="Raise Istio to 1.30, or list the single addresses, or leave addresses out and use resolution DNS.",
    points_to=[],
)  # fmt: skip
def se_cidr_addresses(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry has a range of addresses, which ambient knows from Istio 1.30 on.

    Before, istiod accepts single addresses only, and leaves the whole ServiceEntry out of what it tells ztunnel: its single
    addresses and its hosts as well. The traffic passes as that of an unknown destination, without the waypoint, the policies
    and the telemetry of the entry. Sidecars match ranges in every release.

    ```yaml
    # args: --target istio=1.29
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: warehouse
      namespace: shop
    spec:
      hosts: [warehouse.example.com]
      addresses:
        - 10.20.0.0/24  # expect: ML135
      location: MESH_EXTERNAL
      resolution: STATIC
      endpoints: [{address: 10.20.0.5}]
      ports: [{number: 5432, name: tcp-db, protocol: TCP}]
    ```

    Remedy: Istio 1.30, or the single addresses, or no addresses and `resolution: DNS`, so that istiod allocates one. There is
    no automatic fix: which addresses of the range are in use is not in the manifest.

    One finding for each ServiceEntry, at the first range.

    Not reported when: Istio is 1.30 or later; the prefix has full length (/32, for IPv6 /128); no ambient client may read the
    entry: its namespace stays out, or exportTo names only namespaces that stay out or hold nothing but gateways; with
    `--goal gateway-api`, where nothing is ambient now.
    """
    if mesh.target.istio_at_least("1.30.0"):
        return
    ranges = [node for node in entry.spec.each("addresses") if _range(node)]
    if not ranges or not mesh.read_in_ambient(entry):
        return
    more = f" (and {len(ranges) - 1} more)" if len(ranges) > 1 else ""
    yield Problem(
        ranges[0],
        f"{entry.title} has the range {ranges[0].text}{more} among its addresses. Istio {mesh.target.istio} leaves such an entry out of "
        "ambient as a whole (ranges are known from 1.30): no policy, route or waypoint of it applies, to none of its hosts and addresses.",
        related=tuple((node, "another range") for node in ranges[1:5]),
    )


def _range(node: Node) -> bool:
    address, slash, length = (node.text or "").partition("/")
    return bool(slash) and length.isdigit() and length != ("128" if ":" in address else "32")
