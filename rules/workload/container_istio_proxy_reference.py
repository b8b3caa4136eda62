"""ML308 container-istio-proxy-reference."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_OF_ISTIO = frozenset({"istio-proxy", "istio-init"})


@rule(
    "ML308", "container-istio-proxy-reference", Severity.WARNING, impact=Impact.BREAKS,
    each=(Kind.HPA, Kind.VPA, Kind.SCALED_OBJECT, *WORKLOADS), reads=[], evidence="inferred",
    sources=[
        "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
        "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
    remedy="Remove the reference, or direct it to the application's container.",
)  # fmt: skip
def container_istio_proxy_reference(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Something names the container istio-proxy (or istio-init) of application pods, which have none in ambient.

    An autoscaler that measures it gets no metric any more and stops scaling by it. A pod template that customises the
    sidecar (a container `istio-proxy` with `image: auto`) keeps that container when nothing is injected, and `auto` cannot be
    pulled: the pods do not start.

    ```yaml
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata:
      name: cart
      namespace: shop
    spec:
      scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}
      maxReplicas: 8
      metrics:
        - type: ContainerResource
          containerResource:
            name: cpu
            container: istio-proxy # expect: ML308
            target: {type: Utilization, averageUtilization: 70}
    ```

    Remedy: scale by the application's container; the waypoint is scaled by an autoscaler of its own. Take the customised
    container out of the template with the switch, not before. There is no automatic fix: both matter as long as sidecars run.

    It follows from the container's absence, hence a note. Read are the metrics of HorizontalPodAutoscalers, the container
    policies of VerticalPodAutoscalers, the `containerName` of KEDA triggers, and pod templates. Not reported when a pod template is
    a gateway's (`image: auto` is right there), when the namespace or pods stay out, and for a container injected by hand, which
    is [pod-inject-override](pod-inject-override.md).
    """
    if resource.kind in WORKLOADS:
        yield from _customised(resource, mesh)
    elif mesh.candidate(resource):
        for at in _named(resource):
            if at.text in _OF_ISTIO:
                yield Problem(at, f"{resource.title} names the container {at.text}, which its pods do not have in ambient.")


def _named(resource: Resource) -> Iterator[Node]:
    if resource.kind is Kind.HPA:
        yield from resource.spec.each("metrics", "containerResource", "container")
    elif resource.kind is Kind.VPA:
        yield from resource.spec.each("resourcePolicy", "containerPolicies", "containerName")
    else:
        yield from resource.spec.each("triggers", "metadata", "containerName")


def _customised(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    workload = mesh.workload(resource)
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    spec = workload.template.get("spec")
    for field in ("containers", "initContainers"):
        for container in spec.each(field):
            image = container.get("image")
            if container.get("name").text in _OF_ISTIO and (image.text == "auto" or not image.present):
                yield Problem(
                    container.get("name"),
                    f"{resource.title} customises the injected container {container.get('name').text}; without injection it is a "
                    "container whose image cannot be pulled.",
                    remedy="Take it out of the template in the commit that ends injection.",
                )
