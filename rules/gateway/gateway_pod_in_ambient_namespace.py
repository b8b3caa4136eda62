"""ML413 gateway-pod-in-ambient-namespace."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Mesh, Mode, Problem, Resource, Severity, Workload, changes, rule

_MODE = "istio.io/dataplane-mode"
_AMBIENT = frozenset({Mode.AMBIENT, Mode.BOTH})


@rule(
    "ML413",
    "gateway-pod-in-ambient-namespace",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=WORKLOADS,
    evidence="code",
    sources=["https://github.com/istio/istio/pull/54825", "istio@86c9f01:cni/pkg/util/enablement_selector.go"],
    remedy="Give the gateway's pods the label istio.io/dataplane-mode: none, or the gateway a namespace of its own.",
    points_to=[],
)
def gateway_pod_in_ambient_namespace(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A gateway's pods stand in an ambient namespace and do not opt out: ztunnel captures them.

    A gateway is a proxy of its own that speaks HBONE. Captured by ztunnel, its traffic from outside is redirected as
    well, so that what it believes of client addresses and mTLS changes. The gateway chart and the gateways that istiod makes
    carry the opt-out since Istio 1.25.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: ingress
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: edge
      namespace: ingress
    spec:
      selector:
        matchLabels:
          istio: ingressgateway
      template:
        metadata:
          labels: # expect: ML413
            istio: ingressgateway
        spec:
          containers:
            - name: istio-proxy
              image: docker.io/istio/proxyv2:1.30.0
              args: [proxy, router]
    ```

    Remedy: the opt-out on the pod template:

        metadata: {labels: {istio.io/dataplane-mode: none}}

    The fix writes it. That is safe: the proxy goes on as it did before the namespace became ambient, and as gateways of
    today's charts do. A namespace of its own is the better place. Not reported when: the pods have the label; the namespace
    is not ambient now; the gateway uses the network of its node; istiod injects the proxy, because the CNI leaves pods alone
    that the injector has marked.
    """
    workload = mesh.workload(resource)
    if workload is None or not workload.gateway or mesh.mode(workload.namespace) not in _AMBIENT:
        return
    if workload.label(_MODE).present or workload.template.get("spec", "hostNetwork").value is True or _injected(workload):
        return
    yield Problem(
        workload.template.get("metadata", "labels") or resource.root,
        f"{resource.title} is a gateway in the ambient namespace {workload.namespace}, without {_MODE}: none on its pods: ztunnel captures "
        "its traffic, that from outside included.",
        fix=partial(_fix, workload),
    )


def _fix(workload: Workload) -> Fix | None:
    return changes().set_key(workload.template, ("metadata", "labels", _MODE), "none").fix("Keep its pods out of ambient", safe=True)


def _injected(workload: Workload) -> bool:
    if workload.template.get("metadata", "annotations").strings().get("inject.istio.io/templates", "").startswith("gateway"):
        return True
    return any(image.text == "auto" for image in workload.template.each("spec", "containers", "image"))
