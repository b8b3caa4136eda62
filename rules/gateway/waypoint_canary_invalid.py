"""ML408 waypoint-canary-invalid."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Node, Problem, Resource, Severity, WaypointState, rule

_CANARY, _SPACE = "istio.io/use-waypoint-canary", "istio.io/use-waypoint-canary-namespace"
_WEIGHT, _FOR = "istio.io/use-waypoint-canary-weight", "istio.io/waypoint-for"


@rule(
    "ML408",
    "waypoint-canary-invalid",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE),
    reads=[Kind.K8S_GATEWAY],
    evidence="code",
    needs=[_CANARY],
    sources=[
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go (ResolveUseWaypointCanary, buildWeightedWaypoints)",
        "istio@86c9f01:releasenotes/notes/60801-weighted-waypoint-canary.yaml",
    ],
    remedy="Correct the canary's name, namespace and weight (an integer from 0 to 100).",
    points_to=[Kind.K8S_GATEWAY],
)
def waypoint_canary_invalid(holder: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A canary waypoint (label `istio.io/use-waypoint-canary`) has no effect: its weight is no percentage, it is the primary
    itself, it does not exist or takes no Service traffic, or the Istio release does not know it.

    istiod ignores an invalid canary, and all traffic remains on the primary waypoint.

    ```yaml
    # args: --target istio=1.31
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
        istio.io/use-waypoint-canary: waypoint # expect: ML408
      annotations:
        istio.io/use-waypoint-canary-weight: "10"
    spec:
      selector:
        app: cart
      ports:
        - name: http
          port: 80
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    Remedy: a second waypoint, and its share in percent:

        labels: {istio.io/use-waypoint: waypoint, istio.io/use-waypoint-canary: waypoint-next}
        annotations: {istio.io/use-waypoint-canary-weight: "10"}

    There is no automatic fix. Canaries are read from Istio 1.31 on. Not reported when: the canary is `none` or empty; the
    repository does not hold the primary waypoint either; a template fills a value in; the namespace stays out of the mesh.
    """
    label = holder.label(_CANARY)
    name = holder.labels.get(_CANARY, "")
    if label.unknown or name in ("", "none") or not mesh.candidate(holder):
        return
    if not mesh.target.istio_at_least("1.31.0"):
        yield Problem(label, f"{holder.title} names a canary waypoint, which Istio {mesh.target.istio} does not know (1.31 and later do).")
        return
    weight = holder.annotation(_WEIGHT)
    if weight.present and not weight.unknown and not _percentage(holder.annotations.get(_WEIGHT, "")):
        yield Problem(weight, f"{holder.title}: the weight of the canary waypoint is no integer from 0 to 100, so the canary is ignored.")
        return
    why = _why(holder, name, mesh)
    if why is not None:
        yield Problem(label, f"{holder.title}: the canary waypoint {name} is ignored: {why[0]}.", related=why[1])


def _percentage(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) <= 100


def _why(holder: Resource, name: str, mesh: Mesh) -> tuple[str, tuple[tuple[Node, str], ...]] | None:
    primary = mesh.waypoint(holder)
    if primary.state in (WaypointState.NONE, WaypointState.OPTED_OUT):
        return "there is no primary waypoint", ()
    home = holder.name if holder.kind is Kind.NAMESPACE else holder.namespace
    namespace = holder.labels.get(_SPACE) or home
    if (namespace, name) == (primary.namespace, primary.name):
        return "it is the primary waypoint itself", ()
    if primary.gateway is None or holder.label(_SPACE).unknown:
        return None
    gateway = mesh.find(Kind.K8S_GATEWAY, namespace, name)
    if gateway is None:
        return f"the repository holds no Gateway {namespace}/{name}", ((primary.gateway.root, "the primary waypoint"),)
    serves = gateway.labels.get(_FOR, "service")
    if serves not in ("service", "all") and not gateway.label(_FOR).unknown:
        return f'it is for "{serves}" traffic', ((gateway.label(_FOR), "what it is for"),)
    return None
