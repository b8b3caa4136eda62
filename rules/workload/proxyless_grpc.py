"""ML309 proxyless-grpc."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Mesh, Node, Problem, Resource, Severity, Workload, may_say, rule, strings_below, written

_TEMPLATES = "inject.istio.io/templates"
_VARIABLE = "GRPC_XDS_BOOTSTRAP"
_TARGET = "xds:///"


@rule(
    "ML309", "proxyless-grpc", Severity.ERROR, impact=Impact.BREAKS, each=WORKLOADS, reads=[], evidence="inferred",
    sources=["istio@86c9f01:architecture/ambient/ztunnel.md", "https://istio.io/latest/blog/2021/proxyless-grpc/"],
    remedy="Use ordinary gRPC targets (dns:///) through ztunnel and a waypoint, or keep these pods in sidecar mode.",
    points_to=[],
)  # fmt: skip
def proxyless_grpc(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A gRPC program takes its routes and certificates by xDS from an injected agent; an ambient pod has no agent.

    Without injection there is no bootstrap file and no agent, so `xds:///` targets do not resolve. Even with one, such a client does
    not speak HBONE, and the mTLS that it does itself is not what ambient servers expect.

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
            inject.istio.io/templates: grpc-agent # expect: ML309
        spec:
          containers:
            - {name: cart, image: "shop/cart:1.4"}
    ```

    Remedy: dns:/// targets, for clients and servers together, then ztunnel does the mTLS; a waypoint for routing. There is no
    automatic fix: the target is often in the program.

    It follows from the way both work, hence a note. Found by the injection templates grpc-agent and grpc-simple, the
    variable GRPC_XDS_BOOTSTRAP, and `xds:///` in commands, arguments and variables; one finding for a pod template.

    Not reported when the pods stay out of the mesh, or are gateways.
    """
    workload = mesh.workload(resource) if may_say(resource.root, _TEMPLATES, _VARIABLE.lower(), _TARGET) else None
    if workload is None or workload.gateway or not mesh.candidate(resource):
        return
    found = next(_signs(workload), None)
    if found is not None:
        at, what = found
        yield Problem(at, f"{resource.title} is proxyless gRPC ({what}): in ambient nobody gives it its configuration and certificates.")


def _signs(workload: Workload) -> Iterator[tuple[Node, str]]:
    templates = workload.template.get("metadata", "annotations", _TEMPLATES)
    if "grpc-" in (templates.text or ""):
        yield templates, f"{_TEMPLATES}: {templates.text}"
    for container in workload.template.get("spec").each("containers"):
        for variable in container.each("env"):
            if variable.get("name").text == _VARIABLE:
                yield variable.get("name"), _VARIABLE
        for field in ("command", "args", "env"):
            for at in strings_below(container.get(field)):
                if _TARGET in written(at):
                    yield at, f"an {_TARGET} target"
