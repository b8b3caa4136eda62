"""ML414 third-party-ingress."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import MESHED_BY, WORKLOADS, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_UPSTREAM = "nginx.ingress.kubernetes.io/service-upstream"
_HOST = "nginx.ingress.kubernetes.io/upstream-vhost"


@rule(
    "ML414",
    "third-party-ingress",
    Severity.WARNING,
    impact=Impact.DIFFERS,
    each=Kind.INGRESS,
    reads=[Kind.SERVICE, *WORKLOADS, *MESHED_BY],
    evidence="code",
    needs=[_UPSTREAM],
    sources=[
        "istio/api@b8f8791:annotation/annotations.yaml (ambient.istio.io/bypass-inbound-capture)",
        "istio@86c9f01:releasenotes/notes/58577.yaml",
        "https://istio.io/latest/docs/ambient/usage/waypoint/",
    ],
    remedy="Enrol the controller in ambient with the pod annotation ambient.istio.io/bypass-inbound-capture: \"true\", and keep "
    "service-upstream.",
    points_to=[],
)
def third_party_ingress(ingress: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Ingress of another controller sends traffic into the mesh by the recipe for a controller with a sidecar.

    `service-upstream` and `upstream-vhost` make the controller call the Service, so that its sidecar opens mTLS. Without the
    sidecar its traffic is plaintext, which STRICT refuses, until the controller is ambient itself. Capturing only what it
    sends needs an annotation on its pods.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: cart
      namespace: shop
      annotations:
        nginx.ingress.kubernetes.io/service-upstream: "true" # expect: ML414
        nginx.ingress.kubernetes.io/upstream-vhost: cart.shop.svc.cluster.local
    spec:
      ingressClassName: nginx
      rules:
        - http:
            paths:
              - path: /
                pathType: Prefix
                backend:
                  service:
                    name: cart
                    port:
                      number: 80
    ```

    Remedy: on the controller's pods (alpha; HBONE to such pods timed out before Istio 1.29.0), with service-upstream kept, so
    that a waypoint of the Service is entered:

        metadata:
          labels: {istio.io/dataplane-mode: ambient}
          annotations: {ambient.istio.io/bypass-inbound-capture: "true"}

    There is no automatic fix: the controller is often installed elsewhere. Not reported when: the Ingress has not both
    annotations (then nothing shows that the controller had a sidecar), is of class istio, or the repository does not show that
    its namespace is or will be in the mesh.
    """
    name = ingress.spec.get("ingressClassName").text or ingress.annotations.get("kubernetes.io/ingress.class", "")
    if ingress.annotations.get(_UPSTREAM) != "true" or not ingress.annotations.get(_HOST) or name == "istio" or not mesh.meshed(ingress):
        return
    message = (
        f"{ingress.title} (class {name or 'not set'}) calls Services through the sidecar of its controller; without it, this traffic is "
        "plaintext, until the controller is ambient itself."
    )
    yield Problem(ingress.annotation(_UPSTREAM), message)
