"""ML315 networkpolicy-waypoint-peer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from meshlint.api import MESHED_BY, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Waypoint, changes, rule

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_INGRESS = "istio.io/ingress-use-waypoint"
_NAMES = ("kubernetes.io/metadata.name", "name")


@rule(
    "ML315", "networkpolicy-waypoint-peer", Severity.WARNING, impact=Impact.BREAKS, each=Kind.NETWORK_POLICY,
    reads=[Kind.GATEWAY, *MESHED_BY, *WORKLOADS, Kind.SERVICE, Kind.K8S_GATEWAY], evidence="inferred",
    needs=["from"],
    sources=[
        "https://istio.io/latest/docs/ambient/usage/networkpolicy/",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go",
    ],
    remedy="Admit the waypoint's pods (label gateway.networking.k8s.io/gateway-name) on port 15008.",
    points_to=[Kind.SERVICE],
)  # fmt: skip
def networkpolicy_waypoint_peer(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A NetworkPolicy admits the client pods of a Service by label, and not the waypoint through which its traffic comes.

    On the wire a connection to a Service with a waypoint comes from the waypoint's pod, so a rule that names the clients drops
    it. (The clients go on counting for AuthorizationPolicies at the waypoint.)

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
      labels: {istio.io/use-waypoint: waypoint}
    spec:
      selector: {app: cart}
      ports: [{name: http, port: 8080}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
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
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      podSelector:
        matchLabels: {app: cart}
      ingress: # expect: ML315
        - from:
            - podSelector:
                matchLabels: {app: frontend}
    ```

    Remedy: one more peer, `podSelector: {matchLabels: {gateway.networking.k8s.io/gateway-name: waypoint}}` (with a
    namespaceSelector where it stands in another namespace), port 15008. The waypoint's own pods need istiod (15012), DNS and
    the servers' 15008 where egress is restricted. The fix admits every waypoint of the pods' Services; it needs a look, because it
    widens a NetworkPolicy.

    It follows from the way of the traffic and is not said in so many words, hence a note. Not reported when a peer takes the
    waypoint's whole namespace, everyone, or a block of addresses; when another NetworkPolicy for the same pods admits it; when the
    Services of the pods have no waypoint; when the only clients are gateways and go past it (no istio.io/ingress-use-waypoint);
    for a policy without ingress rules.
    """
    labels = policy.spec.get("podSelector", "matchLabels").strings()
    if not list(policy.spec.each("ingress")) or policy.spec.get("podSelector", "matchExpressions").value or not mesh.meshed(policy):
        return
    if mesh.selects_only_gateways(labels, policy.namespace):
        return
    together = mesh.policies_together(policy, "Ingress")
    if policy not in together:
        return
    found = list(_waypoints(policy, labels, mesh))
    entries = [entry for other in together for entry in other.spec.each("ingress")] if found else []
    only_ingress = all(_is_ingress(peer, policy.namespace, mesh) for entry in entries for peer in entry.each("from"))
    shut = [
        (service, waypoint)
        for service, waypoint in found
        if (not only_ingress or _ingress_uses_waypoint(service, mesh))
        and not any(_admits(entry, waypoint, policy.namespace) for entry in entries)
    ]
    if shut:
        service, waypoint = shut[0]
        place = f"{waypoint.namespace}/{waypoint.name}".lstrip("/")
        yield Problem(
            policy.spec.get("ingress"),
            f"{policy.title} admits its clients by label, but traffic of {service.title} comes from the pods of waypoint {place}, "
            "which it does not admit.",
            related=((service.root, "this Service uses the waypoint"),),
            fix=partial(_fix, policy, [waypoint for _, waypoint in shut]),
        )


def _fix(policy: Resource, waypoints: Sequence[Waypoint]) -> Fix | None:
    made = changes()
    for name, namespace in dict.fromkeys((waypoint.name, waypoint.namespace) for waypoint in waypoints):
        peer: dict[str, Any] = {"podSelector": {"matchLabels": {_GATEWAY_NAME: name}}}
        if namespace != policy.namespace:
            peer = {"namespaceSelector": {"matchLabels": {_NAMES[0]: namespace}}, **peer}
        made.append(policy.spec, {"from": [peer], "ports": [{"port": 15008, "protocol": "TCP"}]}, "ingress")
    return made.fix("Admit the waypoint")


def _waypoints(policy: Resource, labels: dict[str, str], mesh: Mesh) -> Iterator[tuple[Resource, Waypoint]]:
    """The Services of the selected pods that have a waypoint, with it."""
    seen = set()
    for workload in mesh.workloads(labels, policy.namespace):
        for service in () if workload.gateway else mesh.services_of(workload):
            waypoint = mesh.waypoint(service)
            headless = service.spec.get("clusterIP").text == "None"  # its callers address the pods
            if waypoint.bound and not headless and service not in seen:
                seen.add(service)
                yield service, waypoint


def _is_ingress(peer: Node, own: str, mesh: Mesh) -> bool:
    """Does a peer take pods of gateways only, by its labels?"""
    labels = peer.get("podSelector", "matchLabels").strings()
    namespaces = peer.get("namespaceSelector", "matchLabels").strings()
    namespace = next((namespaces[name] for name in _NAMES if name in namespaces), own)
    return bool(labels) and _GATEWAY_NAME not in labels and mesh.selects_only_gateways(labels, namespace)


def _ingress_uses_waypoint(service: Resource, mesh: Mesh) -> bool:
    """Does gateways' traffic take the waypoint, by the label of the Service or of its namespace?"""
    namespace = mesh.find(Kind.NAMESPACE, "", service.namespace)
    held = [holder.label(_INGRESS).text for holder in (service, namespace) if holder is not None]
    return any(text is not None and text != "false" for text in held)


def _admits(entry: Node, waypoint: Waypoint, own: str) -> bool:
    """May a rule admit the waypoint's pods? Yes where it cannot be told."""
    peers = list(entry.each("from"))
    return not peers or any(_takes(peer, waypoint, own) for peer in peers)


def _takes(peer: Node, waypoint: Waypoint, own: str) -> bool:
    if peer.get("ipBlock").present or peer.get("podSelector", "matchExpressions").present:
        return True
    namespaces, pods = peer.get("namespaceSelector"), peer.get("podSelector", "matchLabels").strings()
    if pods and pods != {_GATEWAY_NAME: waypoint.name}:
        return _GATEWAY_NAME in pods and pods[_GATEWAY_NAME] == waypoint.name
    if not namespaces.present:
        return waypoint.namespace == own
    labels = namespaces.get("matchLabels").strings()
    named = [labels[name] for name in _NAMES if name in labels]
    return not named or waypoint.namespace in named
