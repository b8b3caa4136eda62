"""ML319 rollouts-istio-traffic-routing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from meshlint.api import Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_KNOWN_TO_FLAGGER = frozenset({"name", "port", "portName", "portDiscovery", "appProtocol", "targetPort", "gateways", "timeout", "apex",
                               "primary", "canary"})  # fmt: skip


@rule(
    "ML319", "rollouts-istio-traffic-routing", Severity.WARNING, impact=Impact.IGNORED, each=(Kind.ROLLOUT, Kind.CANARY),
    reads=[Kind.VIRTUAL_SERVICE, Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.HELM_RELEASE, Kind.DEPLOYMENT], evidence="inferred",
    needs=["trafficRouting", "targetRef"],
    sources=[
        "https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi",
        "https://docs.flagger.app/tutorials/istio-progressive-delivery",
        "flagger cmd/flagger/main.go (mesh-provider)",
    ],
    remedy="Let the controller edit an HTTPRoute with the Service as its parent.",
    points_to=[],
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
    Service's namespace and give the Service a waypoint before the move. The fix writes that, for Argo Rollouts if the repository
    holds the HTTPRoute of both Services; it needs a look, because the controller and its plugin change together with the object.
    There is no automatic fix without that HTTPRoute, and for a Canary with settings that only Istio knows (headers, retries,
    trafficPolicy and the like) or with gateways beside the mesh.

    Whether a controller's release supports Services as parents is not settled here, hence a note. Not reported when the
    VirtualServices are bound to ingress gateways only and the split is between hosts, when a Canary has gateways without `mesh`
    or another provider, or none while the repository does not install Flagger with Istio as its own (in a HelmRelease or a
    Deployment; that is its default), and when the namespace stays out of the mesh.
    """
    if not mesh.candidate(resource):
        return
    if resource.kind is Kind.CANARY:
        yield from _canary(resource, mesh)
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
    yield Problem(istio, f"{resource.title} {text}.", remedy=remedy, fix=partial(_plugged, resource, istio, mesh))


def _for_gateways(name: Node, rollout: Resource, mesh: Mesh) -> bool:
    """Is the VirtualService there and bound to gateways only?"""
    found = mesh.find(Kind.VIRTUAL_SERVICE, rollout.namespace, name.text or "")
    return found is not None and not mesh.binding(found).mesh


def _canary(canary: Resource, mesh: Mesh) -> Iterator[Problem]:
    provider = canary.spec.get("provider")
    gateways = [node.text for node in canary.spec.each("service", "gateways")]
    if gateways and "mesh" not in gateways and None not in gateways:
        return
    if provider.text != "istio" and (provider.present or set(_of_flagger(mesh)) != {"istio"}):
        return
    said = "provider: istio" if provider.present else "the provider of Flagger itself is istio"
    text = f"shifts traffic by the weights of a VirtualService ({said}), which in ambient only a waypoint executes"
    remedy = "Use provider gatewayapi:v1 with a gatewayRef of kind Service, once the Service has a waypoint."
    yield Problem(provider, f"{canary.title} {text}.", remedy=remedy, fix=partial(_provided, canary))


def _of_flagger(mesh: Mesh) -> Iterator[str | None]:
    """The provider of each Flagger here, which canaries without one have; None: it is not known."""
    for release in mesh.all(Kind.HELM_RELEASE):
        if "flagger" in (release.spec.get("chart", "spec", "chart").text, release.spec.get("chartRef", "name").text):
            set_here = release.spec.get("values", "meshProvider")
            yield set_here.text if set_here.present or release.spec.get("valuesFrom") else "istio"
    for deployment in mesh.all(Kind.DEPLOYMENT):
        for container in deployment.root.each("spec", "template", "spec", "containers"):
            if (container.get("image").text or "").rpartition("/")[2].partition(":")[0].partition("@")[0] == "flagger":
                yield None if deployment.partial else _flag([*container.each("command"), *container.each("args")])


def _flag(arguments: list[Node]) -> str | None:
    """What Flagger is started with: istio where it is not said."""
    found = "istio"
    for argument in arguments:
        name, _, value = (argument.text or "").lstrip("-").partition("=")
        if argument.unknown or name == "mesh-provider":
            found = value
    return found or None


def _provided(canary: Resource) -> Fix | None:
    """Flagger makes the HTTPRoute itself, from what the Gateway API knows of the Canary's service."""
    service = canary.spec.get("service")
    name = service.get("name").text or canary.spec.get("targetRef", "name").text
    port = service.get("port").value
    elsewhere = {node.text for node in service.each("gateways")} - {"mesh"}
    if not name or not isinstance(port, int) or elsewhere or {key for key, _ in service.items()} - _KNOWN_TO_FLAGGER:
        return None
    parent: dict[str, Any] = {"group": "", "kind": "Service", "name": name, "port": port}
    made = changes().set_key(canary.spec, ("provider",), "gatewayapi:v1").set_key(service, "gatewayRefs", [parent])
    if service.get("gateways").present:
        made.remove(service.get("gateways"))
    return made.fix("Shift traffic by an HTTPRoute")


def _plugged(rollout: Resource, istio: Node, mesh: Mesh) -> Fix | None:
    """The plugin edits an HTTPRoute, which has to be there: of the stable Service, with both as backends."""
    canary = rollout.spec.get("strategy", "canary")
    stable, new = canary.get("stableService").text, canary.get("canaryService").text
    if not stable or not new or canary.get("trafficRouting", "plugins").present:
        return None
    found = [route for route in mesh.all(Kind.HTTP_ROUTE) if route.namespace == rollout.namespace and _splits(route, stable, new)]
    if len(found) != 1:
        return None
    plugin = {"httpRoute": found[0].name, "namespace": rollout.namespace}
    made = changes().set_key(canary.get("trafficRouting"), ("plugins", "argoproj-labs/gatewayAPI"), plugin).remove(istio)
    return made.fix("Shift traffic by the HTTPRoute")


def _splits(route: Resource, stable: str, new: str) -> bool:
    parents = {ref.get("name").text for ref in route.spec.each("parentRefs") if ref.get("kind").text == "Service"}
    return stable in parents and {stable, new} <= {ref.get("name").text for ref in route.spec.each("rules", "backendRefs")}
