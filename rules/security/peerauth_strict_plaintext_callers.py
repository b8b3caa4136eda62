"""ML220 peerauth-strict-plaintext-callers."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, peer_modes, rule

_OPEN = frozenset({"NodePort", "LoadBalancer"})


@rule(
    "ML220", "peerauth-strict-plaintext-callers", Severity.WARNING, impact=Impact.STRICTER, each=Kind.PEER_AUTHENTICATION,
    evidence="inferred", reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.PEER_AUTHENTICATION, Kind.SERVICE, *WORKLOADS],
    needs=["mode"],
    sources=[
        "https://istio.io/latest/docs/ambient/usage/networkpolicy/", "istio@86c9f01:pilot/pkg/serviceregistry/ambient/authorization.go",
    ],
    remedy="Bring these callers into the mesh (a gateway), or add a policy for the pods with PERMISSIVE for the port.",
    points_to=[Kind.SERVICE],
)  # fmt: skip
def peerauth_strict_plaintext_callers(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """STRICT pods of an ambient namespace are reached from outside of the mesh through a Service of type NodePort or
    LoadBalancer: ztunnel refuses these callers.

    Whoever comes through a node's port or a load balancer brings no mTLS. Sidecars could be told to leave a port alone;
    ambient has no such setting, so what the sidecar let pass meets a reset at the destination's ztunnel.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
    spec:
      type: LoadBalancer
      selector: {app: cart}
      ports: [{name: http, port: 80, targetPort: 8080}]
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata:
      name: cart
      namespace: shop
    spec:
      selector: {matchLabels: {app: cart}}
      mtls:
        mode: STRICT # expect: ML220
    ```

    Remedy: send the traffic through an ingress gateway, or

        spec:
          selector: {matchLabels: {app: cart}}
          mtls: {mode: STRICT}
          portLevelMtls: {8080: {mode: PERMISSIVE}}

    No automatic fix: it would open a port. Nothing says who really calls, so this is never more than a note: one for a policy, with
    the Services as its related places.

    Not reported when the namespace is not ambient yet (a sidecar refuses them too, and ports that it leaves alone are what
    pod-traffic-annotations speaks of), when a policy for the pods makes the port PERMISSIVE, when another one of theirs is
    not STRICT, when the Service is of another type, when the pods are gateways or stay out of ambient, and when a template
    fills in a mode. Probes of the kubelet are exempt in ambient; scrapes: prometheus-merge-and-monitors.
    """
    own = peer_modes.written_modes(policy)
    if own is None or own.mode != peer_modes.STRICT:
        return
    reach = mesh.reach(policy)
    if reach.subject is None:
        return
    found = {service.title: service for service in reach.services if mesh.ambient_now(service) and _refuses(policy, own, service, mesh)}
    open_services = list(found.values())
    if not open_services:
        return
    names = " and ".join(service.title for service in open_services[:3])
    more = f" and {len(open_services) - 3} more" if len(open_services) > 3 else ""
    verb = "lets" if len(open_services) == 1 else "let"
    message = (
        f"{policy.title} is STRICT, and {names}{more} {verb} callers from outside of the mesh in: ztunnel refuses them, for they have no "
        "mTLS."
    )
    related = tuple((service.spec.get("type"), "lets callers from outside in") for service in open_services)
    yield Problem(own.at[""], message, related=related, subject=reach.subject)


def _refuses(policy: Resource, own: peer_modes.Written, service: Resource, mesh: Mesh) -> bool:
    """Does a port of the Service that outsiders reach stay STRICT?"""
    if service.spec.get("type").text not in _OPEN or not _nearest(policy, service, mesh):
        return False
    return any(_closed(port, own) for port in service.spec.each("ports") if port.get("protocol").text in (None, "TCP"))


def _closed(port: Node, own: peer_modes.Written) -> bool:
    target = port.get("targetPort") if port.get("targetPort").present else port.get("port")
    if not str(target.value).isdigit() and own.ports:
        return False
    return own.ports.get(str(target.value), own.mode) in (peer_modes.STRICT, peer_modes.UNSET)


def _nearest(policy: Resource, service: Resource, mesh: Mesh) -> bool:
    """Is it this policy that decides for the Service's pods: none for them, or for their namespace, stands before it?"""
    rank = _rank(policy, mesh)
    others = (other for other in mesh.policies_over(service, Kind.PEER_AUTHENTICATION) if other != policy)
    return all(_rank(other, mesh) < rank for other in others)


def _rank(policy: Resource, mesh: Mesh) -> int:
    if policy.spec.get("selector", "matchLabels").value:
        return 2
    return 0 if policy.namespace == mesh.settings.root_namespace else 1
