"""ML304 pod-traffic-annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, changes, rule

_BYPASS = "ambient.istio.io/bypass-inbound-capture"
_PREFIX = "traffic.sidecar.istio.io/"
_PRIVATE = re.compile(r"(10|127|0)\.|172\.(1[6-9]|2\d|3[01])\.|192\.168\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|\*|f[cd]|::/")
_ALL = "all TCP of the pod goes through ztunnel"


class _Said(NamedTuple):
    text: str
    remedy: str
    severity: Severity
    impact: Impact | None = None


@rule(
    "ML304", "pod-traffic-annotations", Severity.ERROR, impact=Impact.IGNORED, each=WORKLOADS,
    reads=[Kind.PEER_AUTHENTICATION, Kind.AUTHORIZATION_POLICY], evidence="issue",
    needs=[_PREFIX],
    sources=[
        "https://github.com/istio/istio/issues/49829",
        "https://github.com/istio/istio/issues/56592",
        "istio/api@b8f8791:annotation/annotations.yaml",
    ],
    remedy="Remove the annotation; ambient has no redirection by port or address range.",
    points_to=[Kind.AUTHORIZATION_POLICY, Kind.PEER_AUTHENTICATION],
)  # fmt: skip
def pod_traffic_annotations(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An annotation takes ports, address ranges or interfaces of a pod out of the sidecar's redirection; ambient reads none of them.

    In ambient all TCP of a captured pod goes through ztunnel. Ports that were left out because of the protocol mostly work:
    ztunnel forwards bytes. But what came in past the sidecar now meets mTLS and the policies of the workload, and
    clients outside of the mesh are refused where these are strict.

    ```yaml
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        matchLabels: {app: cart}
      template:
        metadata:
          labels: {app: cart}
          annotations:
            traffic.sidecar.istio.io/excludeInboundPorts: "9090" # expect: ML304
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: default
      namespace: shop
    spec:
      mtls: {mode: STRICT}
    ```

    Remedy, by annotation:

    - `excludeInboundPorts`, `includeInboundPorts` with a list: a PeerAuthentication of the workload with portLevelMtls
      PERMISSIVE for the port, and an AuthorizationPolicy by port. `includeInboundPorts: ""` (nothing inbound):
      annotation `ambient.istio.io/bypass-inbound-capture: "true"` (alpha; HBONE reaches such
      a pod from 1.29).
    - `excludeOutboundPorts`, `excludeOutboundIPRanges` and their include forms: no counterpart. ztunnel passes on what is not
      in the mesh; whole pods stay out with the label `istio.io/dataplane-mode: none`.
    - `kubevirtInterfaces`: annotation `istio.io/reroute-virtual-interfaces` (from 1.25). `excludeInterfaces`: no counterpart.

    Once the pods are ambient, or with `--phase cleanup`, the fix does that; as long as sidecars run they need the
    annotation. It keeps excluded inbound ports open: where STRICT meets them it adds a PeerAuthentication, where
    ALLOW policies do, an AuthorizationPolicy for these ports. It needs a look, because a port need not stay open for ever.
    There is no automatic fix for excludeInterfaces, for includeInboundPorts with a list where a policy takes the pods, and where
    a DENY policy or a PeerAuthentication of the pods' own meets the port; nor for `includeInboundPorts: ""` before Istio 1.29.

    Severity: an error where STRICT or an AuthorizationPolicy of the workload meets an inbound port that was left out, or
    where nothing takes the annotation's place (excludeInterfaces); a warning for other ports and interfaces; a note for outbound
    ranges outside of private address space, and for values that say what ambient does anyway (`*`, nothing left out).

    Not reported when the pods are gateways or stay out of the mesh (`sidecar.istio.io/inject: "false"`,
    `istio.io/dataplane-mode: none`); installation-wide lists are [install-proxy-capture-values](install-proxy-capture-values.md).
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    for name, at in workload.template.get("metadata", "annotations").items():
        if name.startswith(_PREFIX) and not at.unknown:
            said = _judged(name.removeprefix(_PREFIX), at, workload, mesh)
            if said is not None:
                message = f"{resource.title} sets {name}: {_value(at)!r}, which nothing reads in ambient: {said.text}."
                related = tuple((policy.root, f"{policy.title} takes these pods") for policy in mesh.guards(workload)[:3])
                yield Problem(
                    at, message, said.severity, said.impact, related=related if "Inbound" in name else (), remedy=said.remedy,
                    fix=partial(_fix, name.removeprefix(_PREFIX), at, workload, mesh),
                )  # fmt: skip


def _value(at: Node) -> str:
    return at.text if at.text is not None else str(at.value if at.value is not None else "")


def _judged(name: str, at: Node, workload: Workload, mesh: Mesh) -> _Said | None:
    value = _value(at).strip()
    if name in ("includeInboundPorts", "includeOutboundIPRanges") and value == "*":
        return _Said(f"{_ALL} anyway", "Remove the annotation.", Severity.NOTE, Impact.ADVICE)
    if (name.startswith("exclude") or name == "includeOutboundPorts") and not value:
        return _Said("and it leaves nothing out", "Remove the annotation.", Severity.NOTE, Impact.ADVICE)
    if name in ("excludeInboundPorts", "includeInboundPorts"):
        return _inbound(name, value, workload, mesh)
    if name == "kubevirtInterfaces":
        return _virtual(mesh)
    if name == "excludeInterfaces":
        text = "no interface can be left out, and there is no counterpart"
        return _Said(text, "Keep the pods out (label istio.io/dataplane-mode: none) if the interface must stay untouched.", Severity.ERROR)
    return _outbound(name, value)


def _inbound(name: str, value: str, workload: Workload, mesh: Mesh) -> _Said:
    guards = mesh.guards(workload)
    severity, impact = (Severity.ERROR, Impact.STRICTER) if guards else (Severity.WARNING, None)
    if not value:
        remedy = 'Set the annotation ambient.istio.io/bypass-inbound-capture: "true" (alpha) if nothing inbound may be captured.'
        return _Said("inbound traffic, which was not captured at all, goes through ztunnel", remedy, severity, impact)
    one = "," not in value and "-" not in value
    ports = (f"port {value}" if one else f"ports {value}") if name.startswith("exclude") else f"all ports but {value}"
    who = " and ".join(dict.fromkeys(guard.title for guard in guards[:2]))
    single = one and name.startswith("exclude")
    meets = f"{ports} went past the sidecar and {'goes' if single else 'go'} through ztunnel now"
    if guards:
        meets = f"so {ports} {'meets' if single else 'meet'} {who} now"
    remedy = (
        "Remove it; where callers without mTLS need the port, give the workload a PeerAuthentication with portLevelMtls "
        "PERMISSIVE for it, and an AuthorizationPolicy that names the port."
    )
    return _Said(f"{_ALL}, {meets}" if guards else meets, remedy, severity, impact)


def _outbound(name: str, value: str) -> _Said | None:
    if name not in ("excludeOutboundPorts", "includeOutboundPorts", "excludeOutboundIPRanges", "includeOutboundIPRanges"):
        return None
    remedy = "Remove it: ztunnel passes on what is not in the mesh; pods that must not be captured take istio.io/dataplane-mode: none."
    ranges = [part.strip() for part in value.split(",") if part.strip()]
    if name == "excludeOutboundIPRanges" and not any(_PRIVATE.match(part) for part in ranges):
        text = f"{_ALL}; addresses outside of the cluster are passed on unchanged"
        return _Said(text, remedy, Severity.NOTE, Impact.DIFFERS)
    text = f"{_ALL}, also what the sidecar did not see, and mTLS is used where the other side is in the mesh"
    return _Said(text, remedy, Severity.WARNING)


def _virtual(mesh: Mesh) -> _Said:
    text = "traffic of virtual machines behind these interfaces is treated as inbound"
    if mesh.target.istio_at_least("1.25.0"):
        return _Said(text, "Use the annotation istio.io/reroute-virtual-interfaces with the same interfaces.", Severity.WARNING)
    remedy = "Istio has the counterpart istio.io/reroute-virtual-interfaces from 1.25."
    return _Said(f"{text}, and Istio {mesh.target.istio} has no counterpart (from 1.25)", remedy, Severity.ERROR)


def _fix(name: str, at: Node, workload: Workload, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    if name == "excludeInterfaces" or not pods.sidecars_gone(workload.resource, mesh):
        return None
    made, value = changes(), _value(at).strip()
    if name == "kubevirtInterfaces":
        supported = mesh.target.istio_at_least("1.25.0")
        return made.rename(at, "istio.io/reroute-virtual-interfaces").fix("Use the annotation of ambient") if supported else None
    if name == "includeInboundPorts" and not value:
        return made.rename(at, _BYPASS).set(at, "true").fix("Capture nothing inbound") if mesh.target.istio_at_least("1.29.0") else None
    made.remove(at, prune=True)
    if name in ("excludeInboundPorts", "includeInboundPorts") and value not in ("", "*"):
        guards = mesh.guards(workload)
        companions = _companions(value, workload, guards) if guards else []
        if companions is None or (guards and name == "includeInboundPorts"):
            return None
        for companion in companions:
            made.add_object(workload.resource, companion)
    return made.fix("Remove the annotation")


def _companions(value: str, workload: Workload, guards: Sequence[Resource]) -> list[dict[str, Any]] | None:
    """What keeps ports open that the sidecar left out, past the policies of the pods. None: that cannot be said here."""
    from meshlint.api import authz

    ports = [part.strip() for part in value.split(",") if part.strip()]
    selector = workload.resource.spec.get("selector", "matchLabels").strings()
    if not selector or not all(port.isdigit() for port in ports) or not selector.items() <= workload.labels.items():
        return None
    strict = [guard for guard in guards if guard.kind is Kind.PEER_AUTHENTICATION]
    policies = [authz.authorization(guard) for guard in guards if guard.kind is Kind.AUTHORIZATION_POLICY]
    if any(guard.spec.get("selector").present for guard in strict):
        return None
    if any(policy is None or policy.action != authz.ALLOW for policy in policies):
        return None
    from meshlint.api import waypoints

    metadata: dict[str, Any] = {"name": f"{workload.resource.name}-open-ports", **waypoints.namespace_of(workload.resource)}
    chosen: dict[str, Any] = {"selector": {"matchLabels": selector}}
    made: list[dict[str, Any]] = []
    if strict:
        spec = {**chosen, "mtls": {"mode": "STRICT"}, "portLevelMtls": {port: {"mode": "PERMISSIVE"} for port in ports}}
        made.append({"apiVersion": strict[0].api_version, "kind": "PeerAuthentication", "metadata": metadata, "spec": spec})
    if policies:
        spec = {**chosen, "action": "ALLOW", "rules": [{"to": [{"operation": {"ports": ports}}]}]}
        version = next(guard.api_version for guard in guards if guard.kind is Kind.AUTHORIZATION_POLICY)
        made.append({"apiVersion": version, "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec})
    return made
