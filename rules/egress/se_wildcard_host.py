"""ML506 se-wildcard-host."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, WaypointState, changes, rule

_HTTP = frozenset({"HTTP", "HTTP2", "GRPC"})
_TLS = frozenset({"TLS", "HTTPS"})
_TLS_FLAG = "ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS"


@rule(
    "ML506",
    "se-wildcard-host",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=Kind.SERVICE_ENTRY,
    reads=[Kind.AUTHORIZATION_POLICY, Kind.NAMESPACE, Kind.ARGO_APPLICATION, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go",
        "istio@86c9f01:pilot/pkg/features/experimental.go (EnableWildcardHostServiceEntriesForTLS)",
        "istio@86c9f01:releasenotes/notes/se-wildcard-host.yaml",
        "istio@86c9f01:releasenotes/notes/se-wildcard-tls-host.yaml",
    ],
    remedy="List the concrete hosts, or (Istio 1.28 and later, HTTP) use resolution DYNAMIC_DNS together with an egress waypoint.",
    yields_to=["invalid-value"],
    points_to=[],
)
def se_wildcard_host(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry declares a wildcard host; ztunnel recognises destinations by address, and a wildcard has none.

    Sidecars matched such entries by Host header or SNI. In ambient the traffic is not recognised as belonging to the
    entry: no policy, no route, no telemetry and no waypoint applies to it. The one exception is `resolution: DYNAMIC_DNS`:
    an address is allocated for the wildcard and the egress waypoint resolves the name of each request. That needs Istio
    1.28, location MESH_EXTERNAL, a waypoint and HTTP ports; TLS ports work from 1.29 if istiod sets
    ENABLE_WILDCARD_HOST_SERVICE_ENTRIES_FOR_TLS=true, which trusts the name in the client's SNI.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
    spec:
      hosts:
        - "*.example.com" # expect: ML506
      location: MESH_EXTERNAL
      resolution: NONE
      ports:
        - number: 443
          name: tls
          protocol: TLS
    ```

    An error where a policy or route can be meant to act on the entry and the release has no way to do it, or where
    DYNAMIC_DNS lacks what it needs; a warning where traffic still flows, only unobserved (NONE, DNS and STATIC from 1.28,
    or a mesh that says ALLOW_ANY and has no policy on the entry).

    Remedy: the concrete hosts, each of which gets an address, or DYNAMIC_DNS:

        spec:
          hosts: ["*.example.com"]
          location: MESH_EXTERNAL
          resolution: DYNAMIC_DNS
          ports: [{number: 80, name: http, protocol: HTTP}]

    The fix writes that, with the label for the waypoint of the namespace (a new one if there is none), for entries that have
    wildcards and HTTP ports only. It needs a look: requests take another way from then on. There is no automatic fix for other
    ports, as the TLS flag allows spoofing; for entries inside of the mesh or with concrete hosts, addresses or endpoints; before
    Istio 1.28; and before 1.30 as long as sidecars read the entry, which do not know the mode.

    Not reported when: Istio is 1.28 or later, resolution is DYNAMIC_DNS, and location, ports and waypoint fit.
    """
    wild = [node for node in entry.spec.each("hosts") if (node.text or "").startswith("*")]
    if not wild or not mesh.candidate(entry) or entry.spec.get("resolution").unknown:
        return
    verdict = _verdict(entry, mesh)
    if verdict is None:
        return
    severity, why, remedy = verdict
    for host in wild:
        message = f"{entry.title} declares the wildcard host {host.text}, and ztunnel recognises destinations by address: {why}."
        yield Problem(host, message, severity=severity, remedy=remedy, fix=partial(_fix, entry, mesh))


def _verdict(entry: Resource, mesh: Mesh) -> tuple[Severity, str, str | None] | None:
    """Severity, reason and remedy (None: the rule's); None: the wildcard works on the target."""
    resolution = entry.spec.get("resolution").text or "NONE"
    version = mesh.target.istio
    if not mesh.target.istio_at_least("1.28.0"):
        why = f"Istio {version} has no support for wildcards in ambient (HTTP with DYNAMIC_DNS from 1.28)"
        return (Severity.WARNING if _unobserved_only(entry, mesh) else Severity.ERROR), why, None
    if resolution != "DYNAMIC_DNS":
        why = f"with resolution {resolution} a wildcard gets no address, so policies, routes and telemetry of this entry do not apply"
        return Severity.WARNING, why, None
    lacking = _lacking(entry, mesh)
    return None if lacking is None else (Severity.ERROR, *lacking)


def _lacking(entry: Resource, mesh: Mesh) -> tuple[str, str] | None:
    """What keeps a DYNAMIC_DNS entry from working, and what to do."""
    if entry.spec.get("location").text == "MESH_INTERNAL":
        return "DYNAMIC_DNS needs location MESH_EXTERNAL, this entry says MESH_INTERNAL", "Set location: MESH_EXTERNAL."
    if not mesh.waypoint_after(entry):
        return "DYNAMIC_DNS works in a waypoint only, and this entry has none", "Label the ServiceEntry with istio.io/use-waypoint."
    for port in entry.spec.each("ports"):
        if (found := _port(port, mesh)) is not None:
            return found
    return None


def _port(port: Node, mesh: Mesh) -> tuple[str, str] | None:
    protocol = (port.get("protocol").text or "").upper()
    number = port.get("number").value
    if not protocol or protocol in _HTTP:
        return None
    if protocol not in _TLS:
        return f"port {number} is {protocol}, and DYNAMIC_DNS forwards HTTP only", "Declare HTTP ports, or list the concrete hosts."
    if not mesh.target.istio_at_least("1.29.0"):
        why = f"port {number} is {protocol}, and Istio {mesh.target.istio} forwards HTTP only to wildcards (TLS from 1.29 behind a flag)"
        return why, "List the concrete hosts for TLS."
    if (mesh.istiod_env(_TLS_FLAG) or "").lower() == "true":
        return None
    return f"port {number} is {protocol}, which Istio forwards to wildcards only with {_TLS_FLAG}=true on istiod", (
        "List the concrete hosts for TLS; the flag trusts the name in the client's SNI, which can be spoofed."
    )


def _unobserved_only(entry: Resource, mesh: Mesh) -> bool:
    """Does the mesh say ALLOW_ANY, and no policy target the entry, so that the traffic flows as before?"""
    modes = [setting.config.get("outboundTrafficPolicy", "mode").text for setting in mesh.mesh_settings()]
    if "ALLOW_ANY" not in modes or "REGISTRY_ONLY" in modes:
        return False
    return not any(_targets(policy, entry) for policy in mesh.all(Kind.AUTHORIZATION_POLICY))


def _targets(policy: Resource, entry: Resource) -> bool:
    refs = [*policy.spec.each("targetRefs"), policy.spec.get("targetRef")]
    named = any(ref.get("kind").text == "ServiceEntry" and ref.get("name").text == entry.name for ref in refs)
    return named and policy.namespace == entry.namespace


def _fix(entry: Resource, mesh: Mesh) -> Fix | None:
    """A forward proxy in a waypoint for all hosts of the entry."""
    from meshlint.api import pods, waypoints

    spec, release = entry.spec, mesh.target
    known = release.istio_at_least("1.30.0") or (release.istio_at_least("1.28.0") and pods.sidecars_gone(entry, mesh))
    fits = all((host.text or "").startswith("*") for host in spec.each("hosts"))
    if not known or not fits or any(_port(port, mesh) for port in spec.each("ports")):
        return None
    if any(spec.get(field).value for field in ("addresses", "endpoints", "workloadSelector")):
        return None
    made, inside = changes(), spec.get("location").text == "MESH_INTERNAL"
    if spec.get("resolution").text != "DYNAMIC_DNS":
        if inside:
            return None
        made.set_key(entry.root, ("spec", "resolution"), "DYNAMIC_DNS")
    if inside:
        made.set(spec.get("location"), "MESH_EXTERNAL")
    if mesh.waypoint(entry).state is not WaypointState.OK and not waypoints.bind(made, [entry], mesh):
        return None
    return made.fix("Let a waypoint resolve the names")
