"""ML308 container-istio-proxy-reference."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_OF_ISTIO = frozenset({"istio-proxy", "istio-init"})


@rule(
    "ML308", "container-istio-proxy-reference", Severity.WARNING, impact=Impact.BREAKS,
    each=(Kind.HPA, Kind.VPA, Kind.SCALED_OBJECT, *WORKLOADS), reads=[], evidence="inferred",
    sources=[
        "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
        "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/",
    ],
    remedy="Remove the reference, or direct it to the application's container.",
    points_to=[],
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
    container out of the template with the switch, not before: both matter as long as sidecars run. The fix, once the pods are
    ambient or with `--phase cleanup`, takes the metric, policy or container away; an autoscaler whose only metric it is
    gets the application's container instead, where the repository holds the workload and it has one. It needs a look: another
    container has another load.

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
                message = f"{resource.title} names the container {at.text}, which its pods do not have in ambient."
                yield Problem(at, message, fix=partial(_fix, resource, at, mesh))


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
                    fix=partial(_removed, resource, container, mesh),
                )


def _fix(resource: Resource, at: Node, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    if not pods.sidecars_gone(resource, mesh):
        return None
    item = at
    while (above := item.parent) is not None and not above.is_list:
        item = above
    if above is None:
        return None
    if resource.kind is Kind.VPA or len([*above.each()]) > 1:
        return pods.without([item], f"Do without {at.text}")
    container = _measured(resource, mesh)
    return changes().set(at, container).fix(f"Name the container {container}") if container else None


def _measured(resource: Resource, mesh: Mesh) -> str | None:
    """The one application container of what an autoscaler scales."""
    from meshlint.api import pods

    target = resource.spec.get("scaleTargetRef")
    kind = target.get("kind").text or "Deployment"
    for workload in mesh.workloads({}, resource.namespace):
        if workload.resource.name == target.get("name").text and workload.resource.kind.kind == kind:
            one = pods.application(workload.template.get("spec").each("containers"))
            return one.get("name").text if one is not None else None
    return None


def _removed(resource: Resource, container: Node, mesh: Mesh) -> Fix | None:
    from meshlint.api import pods

    alone = container.parent is None or (container.parent.path[-1:] == ("containers",) and len([*container.parent.each()]) == 1)
    return pods.without([container], "Take the container out") if not alone and pods.sidecars_gone(resource, mesh) else None
