"""ML313 networkpolicy-hbone-15008."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from meshlint.api import (
    MESHED_BY,
    ROUTES,
    WORKLOADS,
    Confidence,
    Fix,
    Impact,
    Kind,
    Mesh,
    Node,
    Problem,
    Resource,
    Severity,
    changes,
    rule,
)

_HBONE = 15008
_MODE = "istio.io/dataplane-mode"
_NAMES = ("kubernetes.io/metadata.name", "name")
_ENROLLING = ("istio-injection", "istio.io/rev", _MODE)
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_DIRECTIONS = (("Ingress", "ingress", "from"), ("Egress", "egress", "to"))
_WEBHOOKS = frozenset({4443, 8443, 9443, 10250, "webhook", "webhooks", "webhook-server", "https-webhook"})
_NOT_FOR_PODS = frozenset({53, 5353, 15010, 15012, 15014, 15017, "dns", "dns-tcp"})  # name service, istiod


@rule(
    "ML313", "networkpolicy-hbone-15008", Severity.ERROR, impact=Impact.BREAKS, each=Kind.NETWORK_POLICY,
    reads=[
        Kind.GATEWAY, *MESHED_BY, *WORKLOADS, Kind.K8S_GATEWAY, Kind.SERVICE, Kind.VIRTUAL_SERVICE, *ROUTES, Kind.INGRESS,
        Kind.INGRESS_CLASS, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.SERVICE_ENTRY, Kind.DESTINATION_RULE,
    ],
    evidence="docs",
    needs=["ports"],
    sources=["https://istio.io/latest/docs/ambient/usage/networkpolicy/", "https://github.com/istio/istio/issues/56659"],
    remedy="Allow port 15008/TCP for the same peers; finer control by port moves to an AuthorizationPolicy.",
    points_to=[],
)  # fmt: skip
def networkpolicy_hbone_15008(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A NetworkPolicy allows application ports of pods in the mesh and not 15008, by which traffic between pods arrives in ambient.

    (Cilium's and Calico's own policies: [plugin-policy-hbone-15008](plugin-policy-hbone-15008.md).)

    ztunnel tunnels what pods in the mesh send one another through HBONE: on the wire the port is 15008, whatever port the
    client asked for. The CNI plugin drops it. Callers that still have sidecars use the tunnel too once the pod is ambient.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML320
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      podSelector:
        matchLabels: {app: cart}
      ingress:
        - from:
            - podSelector: {}
          ports: # expect: ML313
            - {port: 8080, protocol: TCP}
    ```

    Remedy: the port 15008 beside the application's, for the same peers:

        ports:
          - {port: 8080, protocol: TCP}
          - {port: 15008, protocol: TCP}

    It can be added before the move, and the fix does that. It needs a look: with 15008 open the NetworkPolicy does not tell ports
    apart any more for traffic in the mesh, and an AuthorizationPolicy has to (it sees the port inside of the tunnel).

    For egress the same holds for rules to pods of the mesh; confidence is medium there. Not reported when a rule has no
    `ports`, or a range that holds 15008; when another NetworkPolicy for the same pods allows it; when the peers are address
    blocks or namespaces that are not shown to be in the mesh or to hold gateways of Istio (the root namespace does where a
    VirtualService brings ingress traffic to the pods and no gateway's pods are shown), which go on using the application's port, or
    everyone on a webhook's port (4443, 8443, 9443, 10250), which the API server calls; when the policy selects gateways only, or pods that
    stay out; when the repository does not show the namespace to be in the mesh.
    """
    if not mesh.meshed(policy) or _out(policy, mesh):
        return
    for direction, field, peers in _DIRECTIONS:
        together = mesh.policies_together(policy, direction)
        if policy not in together:
            continue
        opened = [rule for other in together for rule in other.spec.each(field) if _opens(rule)]
        for entry in policy.spec.each(field):
            shut = _lists_tcp(entry) and not _opens(entry) and not any(_wider(other, entry, peers) for other in opened)
            if shut and _meets(entry, peers, mesh, policy):
                yield _problem(policy, entry, direction)


def _problem(policy: Resource, entry: Node, direction: str) -> Problem:
    listed = [str(port.get("port").value) for port in entry.each("ports")]
    ports = f"port{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
    if direction == "Ingress":
        said = f"admits traffic on {ports} only; from pods of the mesh it arrives on port {_HBONE} (HBONE) in ambient, and is dropped"
        confidence = None if entry.get("from").present else Confidence.MEDIUM
        return Problem(entry.get("ports"), f"{policy.title} {said}.", confidence=confidence, fix=partial(_fix, entry))
    said = f"lets pods send to {ports} only; to pods of the mesh they send to port {_HBONE} (HBONE) in ambient, which is dropped"
    return Problem(entry.get("ports"), f"{policy.title} {said}.", confidence=Confidence.MEDIUM, fix=partial(_fix, entry))


def _fix(entry: Node) -> Fix | None:
    return changes().append(entry, {"port": _HBONE, "protocol": "TCP"}, "ports").fix(f"Allow port {_HBONE} as well")


def _out(policy: Resource, mesh: Mesh) -> bool:
    """Does the policy take only pods that ambient will not capture?"""
    labels = policy.spec.get("podSelector", "matchLabels").strings()
    if mesh.selects_only_gateways(labels, policy.namespace):
        return True
    if policy.spec.get("podSelector", "matchExpressions").value or policy.spec.get("podSelector").unknown:
        return False
    found = mesh.workloads(labels, policy.namespace)
    return bool(found) and all(w.labels.get(_MODE) == "none" or w.template.get("spec", "hostNetwork").value is True for w in found)


def _lists_tcp(entry: Node) -> bool:
    """Does the rule name TCP ports, all of them known, and not only those of the name service and istiod?"""
    ports = list(entry.each("ports"))
    numbers = [port.get("port").scalar for port in ports if port.get("protocol").text in (None, "TCP")]
    unknown = any(port.get("port").unknown or port.get("protocol").unknown for port in ports)
    return bool(numbers) and not unknown and not set(numbers) <= _NOT_FOR_PODS


def _opens(entry: Node) -> bool:
    ports = list(entry.each("ports"))
    return not ports or any(_is_hbone(port) for port in ports)


def _is_hbone(port: Node) -> bool:
    if port.get("protocol").text not in (None, "TCP"):
        return False
    number, last = port.get("port").scalar, port.get("endPort").scalar
    if isinstance(number, str):
        return "hbone" in number or number == str(_HBONE)
    if not isinstance(number, int):
        return True
    return number <= _HBONE <= (last if isinstance(last, int) else number)


def _meets(entry: Node, field: str, mesh: Mesh, policy: Resource) -> bool:
    """Is a pod of the mesh among the peers? No peers at all: everyone, for ingress; the outside, for egress."""
    peers = list(entry.each(field))
    if not peers:
        return field == "from" and not all(port.get("port").scalar in _WEBHOOKS for port in entry.each("ports"))
    if any(_in_mesh(peer, mesh, policy) for peer in peers):
        return True
    return field == "from" and any(_gateways(name, peer, mesh, policy) for peer in peers for name in _named(peer.get("namespaceSelector")))


def _in_mesh(peer: Node, mesh: Mesh, policy: Resource) -> bool:
    if peer.get("ipBlock").present:
        return False
    namespaces = peer.get("namespaceSelector")
    pods = peer.get("podSelector", "matchLabels").strings()
    if not namespaces.present:
        gateway = mesh.find(Kind.K8S_GATEWAY, policy.namespace, pods.get(_GATEWAY_NAME, ""))
        return (gateway is not None and mesh.is_waypoint(gateway)) or not mesh.selects_only_gateways(pods, policy.namespace)
    if namespaces.is_map and not namespaces.value:
        return True
    labels = namespaces.get("matchLabels").strings()
    if any(label in labels for label in _ENROLLING):
        return labels.get("istio-injection") != "disabled" and labels.get(_MODE) != "none"
    root = mesh.settings.root_namespace
    return any(mesh.meshed(name) or (name == root and mesh.selects_only_gateways(pods, name)) for name in _named(namespaces))


def _named(namespaces: Node) -> list[str]:
    """The namespaces that a selector takes by their names."""
    labels = namespaces.get("matchLabels").strings()
    named = [labels[label] for label in _NAMES if label in labels]
    for expression in namespaces.each("matchExpressions"):
        if expression.get("key").text in _NAMES and expression.get("operator").text == "In":
            named += [value.text or "" for value in expression.each("values")]
    return named


def _gateways(namespace: str, peer: Node, mesh: Mesh, policy: Resource) -> bool:
    """Are gateways, which speak HBONE to ambient pods, among the pods of a namespace that are let in?"""
    pods = peer.get("podSelector", "matchLabels").strings()
    if peer.get("podSelector", "matchExpressions").value:
        return False
    if pods:
        return mesh.selects_only_gateways(pods, namespace)
    if mesh.gateways_in(namespace) is not None:
        return True
    made = (gateway for gateway in mesh.around(Kind.K8S_GATEWAY) if gateway.namespace == namespace)
    if any(mesh.istio_runs(gateway) and not mesh.foreign_class(gateway) for gateway in made):
        return True
    return namespace == mesh.settings.root_namespace and _from_a_classic_gateway(policy, mesh)


def _from_a_classic_gateway(policy: Resource, mesh: Mesh) -> bool:
    """Does a VirtualService bring ingress traffic to these pods, by a gateway whose pods the repository does not show? By default they
    stand in the root namespace."""
    labels = policy.spec.get("podSelector", "matchLabels").strings()
    services = [one for one in mesh.around(Kind.SERVICE) if one.namespace == policy.namespace and _takes(one, labels)]
    users = (user for service in services for host in mesh.hosts_of(service) for user, _ in mesh.ingress_users(host))
    if services and not any(user.kind is Kind.VIRTUAL_SERVICE for user in users):
        return False
    if not services and not any(_brings_in(one, policy.namespace, mesh) for one in mesh.around(Kind.VIRTUAL_SERVICE)):
        return False
    shown = (mesh.workload(one) for kind in WORKLOADS for one in mesh.around(kind))
    return not any(one is not None and one.gateway for one in shown)


def _brings_in(service: Resource, namespace: str, mesh: Mesh) -> bool:
    """Does a VirtualService send ingress traffic to a namespace, to Services that the repository does not hold?"""
    if not mesh.binding(service).gateways:
        return False
    return any(found.host.namespace == namespace and found.host.service is None for found in mesh.destinations(service))


def _takes(service: Resource, labels: Mapping[str, str]) -> bool:
    return bool(labels) and labels.items() <= service.spec.get("selector").strings().items()


def _wider(other: Node, entry: Node, field: str) -> bool:
    """Does a rule surely admit every peer of another?"""
    theirs, ours = [_plain(peer) for peer in other.each(field)], [_plain(peer) for peer in entry.each(field)]
    if not theirs or any(peer in ({"namespaceSelector": {}}, {"namespaceSelector": {}, "podSelector": {}}) for peer in theirs):
        return True
    near = {"podSelector": {}} in theirs
    return bool(ours) and all(peer in theirs or (near and set(peer) == {"podSelector"}) for peer in ours)


def _plain(node: Node) -> Any:
    if node.is_map:
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(item) for item in node.each()] if node.is_list else node.value
