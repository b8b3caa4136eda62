"""ML226 sidecar-client-bypasses-waypoint."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Mode, Node, Problem, Resource, Severity, rule


@rule(
    "ML226", "sidecar-client-bypasses-waypoint", Severity.WARNING, impact=Impact.UNENFORCED, each=Kind.AUTHORIZATION_POLICY,
    evidence="issue", reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.NAMESPACE, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS],
    needs=["targetRefs", "targetRef"],
    sources=[
        "https://github.com/istio/istio/issues/51445", "istio@86c9f01:pilot/pkg/serviceregistry/ambient/waypoints.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/sidecar_interop.go",
    ],
    remedy="Move these callers to ambient first, and keep a layer 4 policy with a selector for their pods until then.",
    points_to=[Kind.NAMESPACE],
)  # fmt: skip
def sidecar_client_bypasses_waypoint(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy at a waypoint speaks of callers that still have sidecars: these go straight to the pods, past the waypoint.

    Only ztunnel, and a gateway that is asked to, sends traffic to a waypoint. A sidecar resolves the Service itself, so for
    its requests the policy is not there: what it forbids is not forbidden, and where the pods admit the waypoint alone, what
    it allows is refused.

    ```yaml
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: web
      labels:
        istio-injection: enabled # expect: ML320
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE}]
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
    spec:
      selector: {app: cart}
      ports: [{name: http, port: 80, targetPort: 8080}]
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: cart
      namespace: shop
    spec:
      targetRefs:
        - kind: Service
          group: ""
          name: cart # expect: ML210
      rules:
        - from:
            - source:
                namespaces: [web] # expect: ML226
          to: [{operation: {methods: [GET]}}]
    ```

    Remedy: clients before servers, or the policy for the pods stays as long as there are sidecars. No automatic fix: it is a
    matter of the order. HTTPRoutes of the Service are not concerned: the client's sidecar carries them out.

    One finding for each such namespace in a policy. Not reported when the caller's namespace is ambient (or --assume-mode takes it as
    that), or the repository does not say that it has sidecars; when the target is not ambient yet or has no waypoint; when the policy
    has no targetRefs.
    """
    if not any(_at_waypoint(target.resource, mesh) for target in mesh.targets(policy)):
        return
    seen = set()
    for at, namespace in _callers(policy):
        if namespace not in seen and mesh.mode(namespace) is Mode.SIDECAR and not mesh.ambient_now(namespace):
            seen.add(namespace)
            message = (
                f"{policy.title} is enforced at a waypoint and speaks of callers in {namespace}, which has sidecars: they go straight "
                "to the pods and pass no waypoint."
            )
            holder = mesh.find(Kind.NAMESPACE, "", namespace)
            related = () if holder is None else ((holder.root, "its pods get sidecars"),)
            yield Problem(at, message, related=related)


def _at_waypoint(target: Resource | None, mesh: Mesh) -> bool:
    if target is None or not mesh.ambient_now(target):
        return False
    if target.kind is Kind.K8S_GATEWAY:
        return mesh.is_waypoint(target)
    return target.kind is Kind.SERVICE and mesh.waypoint(target).bound


def _callers(policy: Resource) -> Iterator[tuple[Node, str]]:
    """The namespaces that the policy's sources name, each with its place."""
    for source in policy.spec.each("rules", "from", "source"):
        for node in source.each("namespaces"):
            if node.text:
                yield node, node.text
        for node in source.each("principals"):
            _, found, rest = (node.text or "").partition("/ns/")
            if found:
                yield node, rest.partition("/")[0]
