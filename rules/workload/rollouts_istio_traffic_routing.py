"""ML319 rollouts-istio-traffic-routing."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML319", "rollouts-istio-traffic-routing", Severity.WARNING, impact=Impact.IGNORED, each=(Kind.ROLLOUT, Kind.CANARY),
    reads=[Kind.VIRTUAL_SERVICE, Kind.GATEWAY, Kind.K8S_GATEWAY], evidence="inferred",
    sources=[
        "https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi",
        "https://docs.flagger.app/tutorials/istio-progressive-delivery",
    ],
    remedy="Let the controller edit an HTTPRoute with the Service as its parent.",
)  # fmt: skip
def rollouts_istio_traffic_routing(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Rollout or Canary shifts traffic by editing the weights of a VirtualService, which in ambient only a waypoint executes.

    Without a waypoint, or with a VirtualService that it does not read, the steps pass without effect and the canary gets
    traffic by its share of pods. Splitting by subsets (a DestinationRule) has no counterpart in the Gateway API at all.

    ```yaml
    apiVersion: argoproj.io/v1alpha1
    kind: Rollout
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
      strategy:
        canary:
          canaryService: cart-canary
          stableService: cart
          trafficRouting:
            istio: # expect: ML319
              virtualService: {name: cart}
          steps: [{setWeight: 20}]
    ```

    Remedy: Argo Rollouts with the Gateway API plugin (`trafficRouting.plugins` argoproj-labs/gatewayAPI, an HTTPRoute, canaryService
    and stableService); Flagger with `provider: gatewayapi:v1` and a gatewayRef of kind Service. Or keep the VirtualService in the
    Service's namespace and give the Service a waypoint before the move. There is no automatic fix: the controller, its
    plugin and the object change together.

    Whether a controller's release supports Services as parents is not settled here, hence a note. Not reported when the
    VirtualServices are bound to ingress gateways only and the split is between hosts, when a Canary has gateways without `mesh`
    or another (or no) provider, and when the namespace stays out of the mesh.
    """
    if not mesh.candidate(resource):
        return
    if resource.kind is Kind.CANARY:
        yield from _canary(resource)
        return
    istio = resource.spec.get("strategy", "canary", "trafficRouting", "istio")
    if not istio.is_map:
        return
    by_subset = istio.get("destinationRule").is_map
    names = [*istio.each("virtualService", "name"), *istio.each("virtualServices", "name")]
    if by_subset:
        text = "splits by subsets of a DestinationRule, which the Gateway API has not and only a waypoint with VirtualServices honours"
    elif names and all(_for_gateways(name, resource, mesh) for name in names):
        return
    else:
        text = "shifts traffic by the weights of a VirtualService, which in ambient only a waypoint executes"
    remedy = "Use the plugin argoproj-labs/gatewayAPI (trafficRouting.plugins) with an HTTPRoute, canaryService and stableService."
    yield Problem(istio, f"{resource.title} {text}.", remedy=remedy)


def _for_gateways(name: Node, rollout: Resource, mesh: Mesh) -> bool:
    """Is the VirtualService there and bound to gateways only?"""
    found = mesh.find(Kind.VIRTUAL_SERVICE, rollout.namespace, name.text or "")
    return found is not None and not mesh.binding(found).mesh


def _canary(canary: Resource) -> Iterator[Problem]:
    provider = canary.spec.get("provider")
    gateways = [node.text for node in canary.spec.each("service", "gateways")]
    if provider.text != "istio" or (gateways and "mesh" not in gateways and None not in gateways):
        return
    text = "shifts traffic by the weights of a VirtualService (provider: istio), which in ambient only a waypoint executes"
    remedy = "Use provider gatewayapi:v1 with a gatewayRef of kind Service, once the Service has a waypoint."
    yield Problem(provider, f"{canary.title} {text}.", remedy=remedy)
