"""ML314 networkpolicy-health-probe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from meshlint.api import MESHED_BY, WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, Workload, changes, rule

_ADDRESS = "169.254.7.127/32"
_HOLDS = re.compile(r"0\.0\.0\.0/0$|169\.254\.0\.0/16$|169\.254\.(0|4)\.0/2[0-2]$|169\.254\.7\.(0/24|127/32)$")
_MODE = "istio.io/dataplane-mode"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


@rule(
    "ML314", "networkpolicy-health-probe", Severity.WARNING, impact=Impact.BREAKS, each=Kind.NETWORK_POLICY,
    reads=[*MESHED_BY, *WORKLOADS, Kind.HELM_RELEASE], evidence="docs",
    sources=[
        "https://istio.io/latest/docs/ambient/usage/networkpolicy/",
        "https://istio.io/latest/docs/ambient/install/platform-prerequisites/",
    ],
    remedy=f"Allow ingress from ipBlock {_ADDRESS} for all pods of the namespace.",
    points_to=[*WORKLOADS],
)  # fmt: skip
def networkpolicy_health_probe(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A NetworkPolicy denies ingress to all pods of a namespace by default, and nothing admits the address of ambient's health probes.

    The CNI agent gives the kubelet's probes the source address 169.254.7.127, so that ztunnel can let them pass. A CNI plugin that
    exempts the node from NetworkPolicies may not recognise it any more (Cilium does not), and the pods become unready.

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
      name: deny
      namespace: shop
    spec:
      podSelector: {} # expect: ML314
      policyTypes: [Ingress]
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
            - name: cart
              image: shop/cart:1.4
              readinessProbe:
                httpGet: {path: /ready, port: 8080}
    ```

    Remedy: `from: [{ipBlock: {cidr: 169.254.7.127/32}}]` (IPv6: fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128), once for the
    namespace; with Cilium a CiliumClusterwideNetworkPolicy once for the cluster. The fix adds the first to this policy; that is
    safe, as the address is link-local and only the node itself has it.

    A warning where the repository installs Cilium, else a note, as other plugins let the node pass; one for the namespace.
    Not reported when a policy for all pods admits the address or everyone, when no known pod of the namespace has a probe that
    the kubelet sends (httpGet, tcpSocket, grpc), and when the repository does not show the namespace to be in the mesh.
    """
    selector = policy.spec.get("podSelector")
    if not selector.is_map or any(selector.items()) or not mesh.meshed(policy):
        return
    together = mesh.policies_together(policy, "Ingress")
    if not together or together[0] is not policy:
        return
    rules = [entry for other in together for entry in other.spec.each("ingress")]
    pods = (w for w in mesh.workloads({}, policy.namespace) if w.namespace == policy.namespace)
    probed = next((workload for workload in pods if _probed(workload)), None)
    if probed is None or any(_admits(entry) for entry in rules):
        return
    yield Problem(
        selector,
        f"{policy.title} denies ingress to all pods by default, and nothing admits {_ADDRESS}, from which the kubelet's probes come in "
        f"ambient: {probed.resource.title} may become unready.",
        None if _cilium(mesh) else Severity.NOTE,
        related=((probed.resource.root, "these pods are probed"),),
        fix=partial(_fix, policy),
    )


def _fix(policy: Resource) -> Fix | None:
    entry: dict[str, Any] = {"from": [{"ipBlock": {"cidr": _ADDRESS}}]}
    return changes().append(policy.spec, entry, "ingress").fix(f"Admit {_ADDRESS}", safe=True)


def _probed(workload: Workload) -> bool:
    if workload.gateway or workload.labels.get(_MODE) == "none" or workload.template.get("spec", "hostNetwork").value is True:
        return False
    probes = (container.get(probe) for container in workload.template.get("spec").each("containers") for probe in _PROBES)
    return any(probe.get(kind).present for probe in probes for kind in ("httpGet", "tcpSocket", "grpc"))


def _admits(entry: Node) -> bool:
    """Everyone, or a block of addresses that holds the probes'."""
    peers = list(entry.each("from"))
    blocks = [peer.get("ipBlock", "cidr") for peer in peers]
    return not peers or any(block.unknown or _HOLDS.match(block.text or "") for block in blocks)


def _cilium(mesh: Mesh) -> bool:
    charts = [release.spec.get("chart", "spec", "chart").text for release in mesh.all(Kind.HELM_RELEASE)]
    charts += [application.spec.get("source", "chart").text for application in mesh.all(Kind.ARGO_APPLICATION)]
    return "cilium" in charts
