"""ML508 se-needs-dns-capture."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import CNI, ISTIOD, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_ALLOCATE = "networking.istio.io/enable-autoallocate-ip"
_CAPTURE = "ambient.istio.io/dns-capture"
_FLAG = "PILOT_ENABLE_IP_AUTOALLOCATE"
_INSTALLERS = (Kind.ISTIO_CNI, Kind.ISTIO_OPERATOR, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION)


@rule(
    "ML508",
    "se-needs-dns-capture",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    reads=[Kind.SERVICE_ENTRY, *_INSTALLERS, Kind.ISTIO, *WORKLOADS],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/services.go",
        "istio@86c9f01:releasenotes/notes/ambient-dns-on.yaml",
        "https://istio.io/latest/docs/ambient/usage/",
    ],
    remedy="Leave DNS capture and address allocation on, or give the ServiceEntry addresses.",
    points_to=[Kind.SERVICE_ENTRY, *WORKLOADS],
)
def se_needs_dns_capture(mesh: Mesh) -> Iterator[Problem]:
    """A ServiceEntry has no addresses, and what would give it one in ambient is switched off: DNS capture, or the allocation
    of addresses.

    ztunnel recognises a destination by its address. An entry that has hosts only gets an address from istiod, and clients
    learn it because the node's ztunnel answers their DNS queries. Without either, the traffic passes as unknown: no policy,
    no telemetry, and the waypoint of the entry is skipped.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        networking.istio.io/enable-autoallocate-ip: "false" # expect: ML508
    spec:
      hosts:
        - api.example.com
      location: MESH_EXTERNAL
      resolution: DNS
      ports:
        - number: 443
          name: tls
          protocol: TLS
    ```

    Remedy: the setting, or `addresses` in the entry:

        ambient: {dnsCapture: true}   # values of istio-cni

    The fix switches on what is off: it takes the label or annotation away, or sets the value of the CNI or the variable of istiod
    where the repository installs one. It needs a look, because it changes how names are resolved, and somebody may have
    switched it off on purpose. Where the installation does it, one finding stands there, and
    names how many entries it concerns; before Istio 1.25, where capture is off unless it is switched on, at the first entry.

    Not reported when: the entry has addresses, or is of resolution STATIC with endpoints that are addresses, or of resolution
    NONE (which gets none, and is se-wildcard-host's for wildcards); no entry may become ambient.
    """
    entries = [entry for entry in mesh.all(Kind.SERVICE_ENTRY) if _named_only(entry) and mesh.candidate(entry)]
    for entry in entries:
        if entry.labels.get(_ALLOCATE) == "false":
            message = f"{entry.title} has no addresses and refuses an allocated one: ztunnel does not recognise what is sent to it."
            yield Problem(entry.label(_ALLOCATE), message, fix=partial(_allocated, entry), subject=entry)
    needing = [entry for entry in entries if entry.labels.get(_ALLOCATE) != "false"]
    if needing:
        yield from _settings(needing, mesh)


def _settings(needing: list[Resource], mesh: Mesh) -> Iterator[Problem]:
    said = f"{needing[0].title}" + (f" and {len(needing) - 1} more ServiceEntries without addresses" if len(needing) > 1 else "")
    related = tuple((entry.root, "a ServiceEntry without addresses") for entry in needing[:5])
    end = f"ztunnel does not recognise what is sent to {said}"
    capture = mesh.dns_capture()
    if capture is not None and capture.value is False:
        message = f"DNS capture is switched off in the CNI: {end}."
        yield Problem(capture, message, related=related, fix=partial(_captured, capture), subject=needing[0])
    elif capture is None and not mesh.target.istio_at_least("1.25.0"):
        message = f"Istio {mesh.target.istio} captures DNS only if the CNI says ambient.dnsCapture: true (default from 1.25): {end}."
        yield Problem(needing[0].spec.get("hosts"), message, related=related[1:], fix=partial(_on, mesh), subject=needing[0])
    if (mesh.istiod_env(_FLAG) or "").lower() == "false":
        message = f"istiod runs with {_FLAG}=false, so no addresses are allocated: {end}."
        yield Problem(needing[0].spec.get("hosts"), message, related=related[1:], fix=partial(_allocating, mesh), subject=needing[0])
    for kind in WORKLOADS:
        for resource in mesh.all(kind):
            if (node := _uncaptured(resource, mesh)) is not None:
                message = f"The pods of {resource.title} opt out of DNS capture: {end} by them."
                yield Problem(node, message, related=related, fix=partial(_capturing, node), subject=resource)


def _uncaptured(resource: Resource, mesh: Mesh) -> Node | None:
    workload = mesh.workload(resource)
    if workload is None or not mesh.candidate(resource):
        return None
    node = workload.template.get("metadata", "annotations", _CAPTURE)
    return node if str(node.value).lower() == "false" else None


def _named_only(entry: Resource) -> bool:
    """Does ztunnel know the entry by an allocated address only?"""
    spec = entry.spec
    if spec.get("addresses").present or spec.get("resolution").unknown or spec.get("resolution").text in (None, "NONE"):
        return False
    endpoints = [node.text or "" for node in spec.each("endpoints", "address")]
    if spec.get("resolution").text == "STATIC":
        return not endpoints and not spec.get("workloadSelector").present
    return any(host.text and not host.text.startswith("*") for host in spec.each("hosts"))


def _allocated(entry: Resource) -> Fix | None:
    return changes().label(entry, _ALLOCATE, None).fix("Let an address be allocated")


def _captured(capture: Node) -> Fix | None:
    from meshlint.api import installs

    made = changes()
    installs.switch(made, capture, True)
    return made.fix("Capture DNS")


def _on(mesh: Mesh) -> Fix | None:
    """In the values of the one CNI."""
    from meshlint.api import installs

    made, agents = changes(), mesh.installers(CNI)
    set_ = len(agents) == 1 and installs.set_value(made, agents[0], ("ambient", "dnsCapture"), True)
    return made.fix("Capture DNS") if set_ else None


def _allocating(mesh: Mesh) -> Fix | None:
    from meshlint.api import installs

    made = changes()
    off = [node for one in mesh.installers(ISTIOD) if (node := one.env(_FLAG)).present]
    for node in off:
        installs.switch(made, node, True)
    return made.fix("Let addresses be allocated")


def _capturing(annotation: Node) -> Fix | None:
    return changes().remove(annotation, prune=True).fix("Capture the DNS of these pods")
