"""ML409 waypoint-availability."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from meshlint.api import Fix, Impact, Kind, Mesh, Problem, Resource, Severity, changes, rule

_PRODUCTION = re.compile(r"(^|[/_.-])(prod|prd|production)([/_.-]|$)")
_DEFAULTS = "gateway.istio.io/defaults-for-class"


@rule(
    "ML409",
    "waypoint-availability",
    Severity.NOTE,
    impact=Impact.ADVICE,
    each=Kind.K8S_GATEWAY,
    reads=[Kind.CONFIG_MAP, Kind.HPA],
    evidence="code",
    sources=["istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/deploymentcontroller.go"],
    remedy="Name a ConfigMap with replicas, autoscaling and a disruption budget in spec.infrastructure.parametersRef.",
    points_to=[],
)
def waypoint_availability(gateway: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A waypoint of a production environment runs with the defaults: one replica for all Services that are bound to it.

    Before, each pod had its own proxy. Now one pod more or less decides on all traffic of the bound Services.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop-prod # expect: ML409
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: a ConfigMap, which istiod merges into what it makes:

        data:
          horizontalPodAutoscaler: |
            spec: {minReplicas: 2, maxReplicas: 5}
          podDisruptionBudget: |
            spec: {minAvailable: 1}

        spec: {infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: waypoint-params}}}

    The fix adds it with these numbers, and needs a look: how many is for you to say. None is offered where the repository
    holds a ConfigMap of its name. Only where the environment or the namespace calls itself production. Not reported when: the
    Gateway names parameters; a ConfigMap has defaults for its class; a HorizontalPodAutoscaler scales the Deployment of its
    name; Istio is older than 1.26, which cannot be told.
    """
    name = gateway.spec.get("gatewayClassName").text or ""
    told = gateway.spec.get("infrastructure", "parametersRef").present
    if told or not mesh.is_waypoint(gateway) or not mesh.target.istio_at_least("1.26.0"):
        return
    environment = mesh.environment
    if not any(map(_PRODUCTION.search, (environment.path, environment.name, gateway.namespace))):
        return
    if any(one.labels.get(_DEFAULTS) == name for one in mesh.all(Kind.CONFIG_MAP)):
        return
    scaled = [(one.namespace, one.spec.get("scaleTargetRef", "name").text) for one in mesh.all(Kind.HPA)]
    if (gateway.namespace, gateway.name) in scaled:
        return
    message = f"The waypoint {gateway.title} runs with one replica: it is a single point of failure for all Services that are bound to it."
    yield Problem(gateway.root.get("metadata", "namespace") or gateway.root, message, fix=partial(_fix, gateway, mesh))


def _fix(gateway: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import waypoints

    name = f"{gateway.name}-params"
    if mesh.find(Kind.CONFIG_MAP, gateway.namespace, name) is not None:
        return None
    data = {
        "horizontalPodAutoscaler": "spec: {minReplicas: 2, maxReplicas: 5}\n",
        "podDisruptionBudget": "spec: {minAvailable: 1}\n",
    }
    metadata = {"name": name, **waypoints.namespace_of(gateway)}
    made = changes().set_key(gateway.root, ("spec", "infrastructure", "parametersRef"), {"group": "", "kind": "ConfigMap", "name": name})
    made.add_object(gateway, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return made.fix("Give the waypoint replicas and a disruption budget")
