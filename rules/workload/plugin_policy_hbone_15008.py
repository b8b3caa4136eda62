"""ML321 plugin-policy-hbone-15008."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from meshlint.api import MESHED_BY, WORKLOADS, Confidence, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_HBONE = 15008
_OWN_NAMESPACE = "io.kubernetes.pod.namespace"
_ALL_PODS = frozenset({"all", "cluster"})  # of Cilium's entities those that take in the pods of the mesh
_NOT_FOR_PODS = frozenset({53, 5353, 15010, 15012, 15014, 15017})  # name service, istiod
_LOOKS_IN = (
    "Allow port 15008/TCP for the same peers, but first write what its `rules` ask of the requests as an AuthorizationPolicy at a "
    "waypoint: in the tunnel the plugin sees none of it."
)
_PAIR = re.compile(r"""^\s*([\w./-]+)\s*==\s*['"]([^'"]*)['"]\s*$""")
_NAMED = re.compile(r"""(?:projectcalico\.org/name|kubernetes\.io/metadata\.name)\s*==\s*['"]([^'"]+)['"]""")


class _Opening(NamedTuple):
    """A rule that allows traffic. `ports`: ranges of TCP ports, empty for all; None: no TCP port, or one that is not known."""

    at: Node
    entry: Node
    ports: tuple[tuple[int, int], ...] | None
    everyone: bool
    meshed: bool


@rule(
    "ML321", "plugin-policy-hbone-15008", Severity.ERROR, impact=Impact.BREAKS,
    each=(Kind.CILIUM_NETWORK_POLICY, Kind.CALICO_NETWORK_POLICY),
    reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, *MESHED_BY, *WORKLOADS, Kind.NETWORK_POLICY], evidence="docs",
    needs=["ports"],
    sources=[
        "https://istio.io/latest/docs/ambient/usage/networkpolicy/", "https://docs.cilium.io/en/stable/security/policy/language/",
        "https://docs.tigera.io/calico/latest/reference/resources/networkpolicy",
    ],
    remedy="Allow port 15008/TCP for the same peers; finer control by port moves to an AuthorizationPolicy.",
    points_to=[],
)  # fmt: skip
def plugin_policy_hbone_15008(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A CiliumNetworkPolicy, or a NetworkPolicy of Calico, allows application ports of pods in the mesh and not 15008.

    It is [networkpolicy-hbone-15008](networkpolicy-hbone-15008.md) in the plugin's own language: between pods of the mesh the port on
    the wire is 15008 in ambient, whatever port the client asked for, and the plugin drops it. What Cilium looks for in HTTP (`rules`)
    it does not see any more either.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: cilium.io/v2
    kind: CiliumNetworkPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      endpointSelector:
        matchLabels: {app: cart}
      ingress:
        - fromEndpoints:
            - matchLabels: {app: web}
          toPorts: # expect: ML321
            - ports:
                - {port: "8080", protocol: TCP}
    ```

    Remedy: 15008 beside the application's port for the same peers, and an AuthorizationPolicy where ports are to be told apart. The
    fix adds the port; it needs a look, because it admits all ports of the pods to these peers. There is no automatic fix where `rules`
    of Cilium look into the requests: with the port open nobody would, until a policy at a waypoint does.

    Not reported when a rule names no ports or a range that holds 15008, when a rule of such a policy of the namespace, or a
    NetworkPolicy there, opens 15008 to the same pods, when the peers are addresses, names or entities outside of the mesh (host,
    world, kube-apiserver), for egress without peers, when the policy takes gateways only or pods that stay out, when the
    repository does not show the namespace to be in the mesh, and for policies of the whole cluster.
    """
    labels = _selected(policy)
    if not mesh.meshed(policy) or mesh.selects_only_gateways(labels, policy.namespace) or _out(labels, policy, mesh):
        return
    for direction in ("ingress", "egress"):
        if _opened(policy, labels, direction, mesh):
            continue
        for found in _openings(policy, direction, mesh):
            if found.meshed and found.ports and not _holds(found.ports) and not {low for low, _ in found.ports} <= _NOT_FOR_PODS:
                yield _problem(policy, found, direction)


def _problem(policy: Resource, found: _Opening, direction: str) -> Problem:
    listed = [str(low) if low == high else f"{low}-{high}" for low, high in found.ports or ()]
    ports = f"port{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
    said = f"admits traffic on {ports} only; from pods of the mesh it arrives on port {_HBONE} (HBONE) in ambient, and is dropped"
    if direction == "egress":
        said = f"lets pods send to {ports} only; to pods of the mesh they send to port {_HBONE} (HBONE) in ambient, which is dropped"
    sure = direction == "ingress" and not found.everyone
    confidence = None if sure else Confidence.MEDIUM
    looks_in = any(one.get("rules") for one in found.entry.each("toPorts"))
    fix = None if looks_in else partial(_fix, policy, found.entry)
    return Problem(found.at, f"{policy.title} {said}.", confidence=confidence, remedy=_LOOKS_IN if looks_in else None, fix=fix)


def _fix(policy: Resource, entry: Node) -> Fix | None:
    made = changes()
    if policy.kind is Kind.CILIUM_NETWORK_POLICY:
        made.append(entry, {"ports": [{"port": str(_HBONE), "protocol": "TCP"}]}, "toPorts")
    else:
        made.append(entry.get("destination"), _HBONE, "ports")
    return made.fix(f"Allow port {_HBONE} as well")


def _selected(policy: Resource) -> dict[str, str]:
    """The labels of the pods; empty: all of the namespace, or those that an expression chooses."""
    if policy.kind is Kind.CILIUM_NETWORK_POLICY:
        return _plain(policy.spec.get("endpointSelector", "matchLabels").strings())
    pairs = [_PAIR.match(part) for part in (policy.spec.get("selector").text or "").split("&&")]
    return {pair[1]: pair[2] for pair in pairs if pair is not None}


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    """Cilium's labels without the source that stands before them."""
    return {key.removeprefix("k8s:").removeprefix("any:"): value for key, value in labels.items()}


def _out(labels: dict[str, str], policy: Resource, mesh: Mesh) -> bool:
    """Does the policy take only pods that ambient will not capture?"""
    found = mesh.workloads(labels, policy.namespace)
    mode = "istio.io/dataplane-mode"
    return bool(found) and all(w.labels.get(mode) == "none" or w.template.get("spec", "hostNetwork").value is True for w in found)


def _opened(policy: Resource, labels: dict[str, str], direction: str, mesh: Mesh) -> bool:
    """Does any policy of the same pods open 15008 to whomever, or all ports to everyone?"""
    for other in mesh.all(policy.kind):
        if other.namespace == policy.namespace and _selected(other).items() <= labels.items():
            for found in _openings(other, direction, mesh):
                if found.ports is not None and (_holds(found.ports) if found.ports else found.everyone):
                    return True
    return any(
        any(port.value == _HBONE for port in other.spec.each(direction, "ports", "port"))
        for other in mesh.all(Kind.NETWORK_POLICY)
        if other.namespace == policy.namespace and other.spec.get("podSelector", "matchLabels").strings().items() <= labels.items()
    )


def _holds(ports: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= _HBONE <= high for low, high in ports)


def _openings(policy: Resource, direction: str, mesh: Mesh) -> Iterator[_Opening]:
    if policy.kind is Kind.CALICO_NETWORK_POLICY:
        for entry in policy.spec.each(direction):
            if entry.get("action").text == "Allow":
                yield _of_calico(entry, direction, mesh)
        return
    for spec in (policy.spec, *policy.root.each("specs")):
        if spec.get("enableDefaultDeny", direction).value is not False:
            for entry in spec.each(direction):
                yield _of_cilium(entry, "from" if direction == "ingress" else "to", policy, mesh)


def _of_cilium(entry: Node, way: str, policy: Resource, mesh: Mesh) -> _Opening:
    entities = {node.text for node in entry.each(f"{way}Entities")}
    meshed = bool(entities & _ALL_PODS)
    for selector in entry.each(f"{way}Endpoints"):
        namespace = _plain(selector.get("matchLabels").strings()).get(_OWN_NAMESPACE, policy.namespace)
        meshed = meshed or mesh.meshed(namespace)
    everyone = not any(key.startswith(way) and key != "toPorts" for key, _ in entry.items())
    listed = [(port.get("port"), port.get("endPort"), port.get("protocol").text) for port in entry.each("toPorts", "ports")]
    return _Opening(entry.get("toPorts"), entry, _ports(listed), everyone, meshed or (everyone and way == "from"))


def _of_calico(entry: Node, direction: str, mesh: Mesh) -> _Opening:
    peer = entry.get("source" if direction == "ingress" else "destination")
    namespaces = peer.get("namespaceSelector").text
    meshed = not peer.get("nets").present and not peer.get("domains").present
    if namespaces is not None:
        meshed = meshed and (namespaces.strip() == "all()" or any(mesh.meshed(name) for name in _NAMED.findall(namespaces)))
    everyone = not any(key not in ("ports", "notPorts") for key, _ in peer.items())
    ports = entry.get("destination", "ports")
    listed = [(port, None, entry.get("protocol").text) for port in ports.each()]
    if not listed and entry.get("protocol").text not in (None, "TCP"):
        return _Opening(ports, entry, None, everyone, meshed)
    return _Opening(ports, entry, _ports(listed), everyone, meshed and not (everyone and direction == "egress"))


def _ports(listed: Sequence[tuple[Node, Node | None, str | None]]) -> tuple[tuple[int, int], ...] | None:
    found = []
    for port, last, protocol in listed:
        if protocol not in (None, "TCP", "ANY"):
            continue
        low, _, high = str(port.value).partition(":")
        upper = str(last.value) if last is not None and last.present else high or low
        if port.unknown or not low.isdigit() or not upper.isdigit():
            return None
        found.append((int(low), max(int(low), int(upper))))
    return tuple(found) if found or not listed else None
