"""ML310 custom-injection-template."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESH, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_TEMPLATES = "inject.istio.io/templates"
_BUILT_IN = frozenset({"sidecar", "gateway", "grpc-agent", "grpc-simple", "kube-gateway", "waypoint", "agentgateway"})
_SETTINGS = {
    "templates": "adds to injected pods",
    "defaultTemplates": "chooses what is injected",
    "injectedAnnotations": "adds annotations to injected pods",
    "alwaysInjectSelector": "selects pods to inject",
    "neverInjectSelector": "selects pods not to inject",
}
_TUNED = "Delete it after the switch: these annotations tune the sidecar and go with it."
_SELECTORS = ("alwaysInjectSelector", "neverInjectSelector")


@rule(
    "ML310", "custom-injection-template", Severity.WARNING, impact=Impact.IGNORED,
    each=(*WORKLOADS, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.HELM_RELEASE, Kind.ARGO_APPLICATION), reads=[], evidence="docs",
    needs=[_TEMPLATES, "sidecarInjectorWebhook"],
    sources=[
        "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#custom-templates-experimental",
        "istio@86c9f01:cni/pkg/util/enablement_selector.go",
    ],
    remedy="Write what the template adds into the manifests of the pods that need it.",
    yields_to=["spire-integration"],
    points_to=[],
)  # fmt: skip
def custom_injection_template(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """Pods get more than a sidecar from the injector: a template of one's own, extra annotations, selectors of what is injected.

    All of it ends with injection: volumes, variables, life-cycle hooks, labels and annotations that a template adds are gone from the
    pods. Selectors of the injector say nothing about ambient, which goes by `istio.io/dataplane-mode`.

    ```yaml
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
          annotations:
            inject.istio.io/templates: sidecar,vault # expect: ML310
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: the extra content into the manifests (or another admission webhook); enrolment by selector with the CNI's
    `ambient.enablementSelectors`, from Istio 1.27. There is no automatic fix: the template's text is code.

    A note where injected annotations only tune the sidecar (`sidecar.istio.io/*`). Not reported when the template is one of
    Istio's own (sidecar, gateway; grpc-agent is [proxyless-grpc](proxyless-grpc.md)), when an injector setting is empty or adds
    templates for gateways only, and when the pods stay out or are gateways.
    """
    if resource.kind in WORKLOADS:
        workload = mesh.workload(resource)
        if workload is None or workload.gateway or not mesh.candidate(resource):
            return
        at = workload.template.get("metadata", "annotations", _TEMPLATES)
        own = [name for part in (at.text or "").split(",") if (name := part.strip()) and name not in _BUILT_IN]
        if own:
            said = f"is injected with the template {', '.join(own)}: what that adds to the pods is gone in ambient"
            yield Problem(at, f"{resource.title} {said}.")
        return
    for name, at in _injector(resource).items():
        if name in _SETTINGS and at.value and not at.unknown and not _built_in(name, at):
            yield Problem(
                at,
                f"{resource.title} sets sidecarInjectorWebhook.{name}, which {_SETTINGS[name]}; ambient reads nothing of it.",
                Severity.NOTE if _tunes(name, at) else None,
                remedy=_remedy(mesh) if name in _SELECTORS else _TUNED if _tunes(name, at) else None,
                subject=MESH,
            )


def _injector(resource: Resource) -> Node:
    if resource.kind is Kind.ARGO_APPLICATION:
        return resource.spec.get("source", "helm", "valuesObject", "sidecarInjectorWebhook")
    return resource.spec.get("values", "sidecarInjectorWebhook")


def _built_in(name: str, at: Node) -> bool:
    """Only templates of Istio's own names, or of gateways?"""
    if name == "templates":
        return all(key in _BUILT_IN - {"sidecar"} or "gateway" in key for key, _ in at.items())
    return name == "defaultTemplates" and all(item.text in _BUILT_IN for item in at.each())


def _tunes(name: str, at: Node) -> bool:
    """Only annotations that tune the sidecar itself, which go with it?"""
    return name == "injectedAnnotations" and all(key.startswith(("sidecar.istio.io/", "proxy.istio.io/")) for key, _ in at.items())


def _remedy(mesh: Mesh) -> str:
    if mesh.target.istio_at_least("1.27.0"):
        return "Enrol by istio.io/dataplane-mode, or by ambient.enablementSelectors of the CNI."
    return f"Enrol by the label istio.io/dataplane-mode; Istio {mesh.target.istio} has no selectors for it (from 1.27)."
