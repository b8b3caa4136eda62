"""ML144 service-publish-not-ready-traffic-distribution."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, MESHED_BY, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_ANNOTATION = "networking.istio.io/traffic-distribution"
_FIXED = ("1.28.8", "1.29.4", "1.30.1")
_ZONE, _NODE = "PreferSameZone", "PreferSameNode"
_PRESETS = {"preferclose": _ZONE, "prefersamezone": _ZONE, "prefersamenode": _NODE}


@rule(
    "ML144", "service-publish-not-ready-traffic-distribution", Severity.WARNING, impact=Impact.BREAKS, each=Kind.SERVICE, evidence="code",
    needs=["publishNotReadyAddresses"],
    reads=[Kind.NAMESPACE, *MESHED_BY, *WORKLOADS],
    sources=["istio releasenotes/notes/60423.yaml", "istio pilot/pkg/model/service.go (GetTrafficDistribution)"],
    remedy="Raise Istio to 1.28.8, 1.29.4 or 1.30.1, or take one of the two fields from this Service.",
    points_to=[Kind.NAMESPACE],
)  # fmt: skip
def service_publish_not_ready_traffic_distribution(service: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Service publishes pods that are not ready and prefers close ones, which in this release of Istio changes all Services
    with the same preference.

    istiod before 1.28.8, 1.29.4 and 1.30.1 keeps one record for each preference and writes the health policy of this Service
    into it. From then on ztunnel sends traffic to pods that are not ready for every Service of the cluster with the same
    preference. What gives the cause is typically a harmless Service of a StatefulSet.

    ```yaml
    # args: --target istio=1.30.0
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient}
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: store
      namespace: shop
    spec:
      publishNotReadyAddresses: true  # expect: ML144
      trafficDistribution: PreferClose
      selector: {app: store}
      ports: [{name: tcp, port: 5432}]
    ```

    Remedy: a release with the correction, or one field less on this Service. There is no automatic fix: both fields are there
    for a reason.

    The preference is `spec.trafficDistribution`, else the annotation `networking.istio.io/traffic-distribution` of the Service,
    else (from Istio 1.30) that of its namespace; PreferClose and PreferSameZone are one, PreferSameNode (from Istio 1.27)
    another. It concerns the whole mesh, wherever the Service stands.

    Not reported when: the release has the correction; one of both is absent or filled in by a template;
    `internalTrafficPolicy: Local` decides in its place; nothing in the repository shows a mesh that this Service is in, or an
    ambient one.
    """
    ready = service.spec.get("publishNotReadyAddresses")
    if ready.value is not True or mesh.target.istio_at_least(*_FIXED) or service.spec.get("internalTrafficPolicy").text == "Local":
        return
    preset, at = _preset(service, mesh)
    if preset and (mesh.meshed(service) or mesh.ambient_now(MESH) or mesh.ambient_control_plane()):
        yield Problem(
            ready,
            f"{service.title} combines publishNotReadyAddresses with {_title(at, preset)}. In Istio {mesh.target.istio} that makes ztunnel "
            f"send traffic to pods that are not ready for every Service with {preset} (corrected in 1.28.8, 1.29.4 and 1.30.1).",
            related=((at, "the preference"),),
            subject=MESH,
        )


def _title(at: Node, preset: str) -> str:
    """PreferClose is the older name of PreferSameZone."""
    return preset if at.text == preset else f"{at.text} ({preset})"


def _preset(service: Resource, mesh: Mesh) -> tuple[str | None, Node]:
    """The preference by which ztunnel chooses endpoints of a Service, and what sets it; None: there is none."""
    field = service.spec.get("trafficDistribution")
    if field.unknown or field.text in ("PreferClose", "PreferSameZone", "PreferSameNode"):
        return _known(field, mesh), field
    annotation = service.annotation(_ANNOTATION)
    namespace = mesh.find(Kind.NAMESPACE, "", service.namespace) if service.namespace else None
    if not annotation.value and not annotation.unknown and namespace is not None and mesh.target.istio_at_least("1.30.0"):
        annotation = namespace.annotation(_ANNOTATION)
    return _known(annotation, mesh), annotation


def _known(written: Node, mesh: Mesh) -> str | None:
    preset = _PRESETS.get((written.text or "").lower())
    older = written.text is not None and written.text.lower() != "preferclose" and not mesh.target.istio_at_least("1.27.0")
    return None if older else preset
