"""ML311 uid-1337-bypass."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import MESHED_BY, WORKLOADS, Fix, Impact, Mesh, Node, Problem, Resource, Severity, rule

_UID = 1337
_OF_ISTIO = frozenset({"istio-proxy", "istio-init", "istio-validation"})


@rule(
    "ML311", "uid-1337-bypass", Severity.WARNING, impact=Impact.DIFFERS, each=WORKLOADS, reads=MESHED_BY, evidence="docs",
    needs=["initContainers"],
    sources=[
        "https://istio.io/latest/docs/setup/additional-setup/cni/#compatibility-with-application-init-containers",
        "https://istio.io/latest/docs/ambient/architecture/traffic-redirection/",
    ],
    remedy="Run the container as any other user: it is captured, and ztunnel is there before the pod starts.",
    points_to=[],
)  # fmt: skip
def uid_1337_bypass(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An init container runs as user 1337 to get past the sidecar's redirection; in ambient it is captured like any other.

    The sidecar's iptables leave its own user alone, so init containers took that user to reach the network before the proxy
    runs. Ambient does not redirect by user. Mostly that is what one wants: there is no time without a proxy any more.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio-injection: enabled # expect: ML320
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
          initContainers:
            - name: fetch
              image: shop/fetch:1.4
              securityContext:
                runAsUser: 1337 # expect: ML311
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: remove the user. If the init container must not pass through the mesh, the whole pod stays out
    (`istio.io/dataplane-mode: none`). The fix removes the user once the pods are ambient, or with `--phase cleanup`: as
    long as sidecars run it is needed. It needs a look, because the image decides on the user then.

    Not reported when the application runs as 1337 as well (then it is its user, not a trick), for Istio's own containers, for
    gateways and pods that stay out, and when the repository does not show the namespace to be in the mesh.
    """
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource) or not mesh.meshed(resource):
        return
    spec = workload.template.get("spec")
    users = [spec.get("securityContext", "runAsUser").value]
    users += [container.get("securityContext", "runAsUser").value for container in spec.each("containers")]
    if _UID in users:
        return
    for container in spec.each("initContainers"):
        if container.get("name").text in _OF_ISTIO:
            continue
        for field in ("runAsUser", "runAsGroup"):
            at = container.get("securityContext", field)
            if at.value == _UID:
                name = container.get("name").text or "(unnamed)"
                yield Problem(
                    at,
                    f"{resource.title}, init container {name}, runs as {_UID} ({field}), which the sidecar's redirection leaves alone; "
                    "ambient captures it.",
                    fix=partial(_fix, resource, container.get("securityContext"), mesh),
                )
                break


def _fix(resource: Resource, context: Node, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    if not pods.sidecars_gone(resource, mesh):
        return None
    ours = [context.get(field) for field in ("runAsUser", "runAsGroup") if context.get(field).value == _UID]
    return pods.without(ours, f"Run it as another user than {_UID}")
