"""ML507 se-dynamic-dns-binding."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, WaypointState, changes, rule

_WORKS = frozenset({"", "HTTP", "HTTP2", "GRPC", "TLS"})
_WITHOUT = frozenset({WaypointState.NONE, WaypointState.OPTED_OUT})


@rule(
    "ML507",
    "se-dynamic-dns-binding",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=Kind.SERVICE_ENTRY,
    needs=["resolution"],
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    sources=[
        "istio@86c9f01:pkg/config/validation/validation.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go",
        "istio@86c9f01:pilot/pkg/networking/core/cluster_waypoint.go",
    ],
    remedy="Bind the ServiceEntry to a waypoint, and use resolution DNS for single hosts.",
    yields_in_object=["se-wildcard-host"],
    points_to=[],
)
def se_dynamic_dns_binding(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry of resolution DYNAMIC_DNS lacks what this mode needs: a waypoint, wildcard hosts, and neither addresses
    nor endpoints.

    The mode is a forward proxy in the waypoint, which resolves the name of each request. Without a waypoint nobody does, and
    istiod only logs a warning. A host without a wildcard, addresses and endpoints are refused; ports of other protocols
    than HTTP and TLS are skipped.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        istio.io/use-waypoint: egress
    spec:
      hosts:
        - api.example.com # expect: ML507
      location: MESH_EXTERNAL
      resolution: DYNAMIC_DNS
      ports:
        - number: 80
          name: http
          protocol: HTTP
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: egress
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: the label for the waypoint, or `resolution: DNS` for a single host:

        metadata: {labels: {istio.io/use-waypoint: egress}}
        spec: {location: MESH_EXTERNAL, resolution: DYNAMIC_DNS}

    The fix does the one or the other: DNS where all hosts are concrete, else the label for the waypoint of the namespace (a new one
    if there is none); it takes addresses and endpoints away and corrects the location. It needs a look, because traffic
    flows then that did not. There is no automatic fix for wildcards before Istio 1.28, which knows the mode first, nor beside concrete
    hosts, nor for ports of other protocols. Not reported when: se-wildcard-host reports the same
    entry (its wildcards, location and protocols); the label names a waypoint, even a missing one (waypoint-missing); the
    namespace stays out of the mesh, where sidecars execute the mode from Istio 1.30.
    """
    resolution = entry.spec.get("resolution")
    if resolution.text != "DYNAMIC_DNS" or not mesh.candidate(entry):
        return
    found = _wrong(entry, mesh)
    if found is not None:
        at, why, remedy, final = found
        message = f"{entry.title} has resolution DYNAMIC_DNS, {why}."
        yield Problem(at, message, remedy=remedy, fix=partial(_fix, entry, mesh), final=final)


def _wrong(entry: Resource, mesh: Mesh) -> tuple[Node, str, str, bool] | None:
    """Where, why, what to do, and is it refused today as well?"""
    spec = entry.spec
    if not mesh.target.istio_at_least("1.28.0"):
        why = f"which Istio {mesh.target.istio} does not know (1.28 and later do)"
        return spec.get("resolution"), why, "List the concrete hosts with resolution DNS.", True
    for host in spec.each("hosts"):
        if host.text and "*" not in host.text:
            return host, f"which takes wildcards only, not {host.text}: the entry is refused", "Use resolution DNS for single hosts.", True
    for field in ("addresses", "endpoints", "workloadSelector"):
        if spec.get(field).value:
            return spec.get(field), f"which allows no {field}: the name of the request decides where it goes", f"Remove {field}.", True
    if spec.get("location").text == "MESH_INTERNAL":
        return spec.get("location"), "which is for hosts outside of the mesh", "Set location: MESH_EXTERNAL.", True
    for port in spec.each("ports", "protocol"):
        if port.text is not None and port.text.upper() not in _WORKS:
            return port, f"which forwards HTTP and TLS only: port of protocol {port.text} is skipped", "Declare HTTP or TLS ports.", False
    waypoint = mesh.waypoint(entry)
    if waypoint.state in _WITHOUT:
        why = "which is a forward proxy in a waypoint, and it has no waypoint"
        return spec.get("resolution"), why, "Label it with istio.io/use-waypoint.", False
    return None


def _fix(entry: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    spec, made = entry.spec, changes()
    hosts = [host.text or "" for host in spec.each("hosts")]
    if not any("*" in host for host in hosts):
        return made.set(spec.get("resolution"), "DNS").fix("Resolve it by DNS")
    if not all("*" in host for host in hosts) or not mesh.target.istio_at_least("1.28.0"):
        return None
    for field in ("addresses", "endpoints", "workloadSelector"):
        if spec.get(field).value:
            made.remove(spec.get(field))
    if spec.get("location").text == "MESH_INTERNAL":
        made.set(spec.get("location"), "MESH_EXTERNAL")
    if mesh.waypoint(entry).state in _WITHOUT and not waypoints.bind(made, [entry], mesh):
        return None
    return made.fix("Let a waypoint resolve the names")
