"""ML813 route-experimental-field."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ROUTES, Field, Impact, Kind, Mesh, Problem, Resource, Severity, rule

_INSTEAD = {  # what there is in place of what no release has as standard
    "useDefaultGateways": "name the Gateways in parentRefs", "sessionPersistence": "use consistentHash in a DestinationRule",
    "ExternalAuth": "use an AuthorizationPolicy with action CUSTOM",
}  # fmt: skip


@rule(
    "ML813",
    "route-experimental-field",
    Severity.WARNING,
    impact=Impact.UNSTABLE,
    each=(*ROUTES, Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, Kind.BACKEND_TLS_POLICY, Kind.LISTENER_SET, Kind.REFERENCE_GRANT),
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET],
    evidence="code",
    sources=["gateway-api@4564255:apis/v1/httproute_types.go", "gateway-api@4564255:config/crd"],
    remedy="Install the experimental CRDs deliberately and pinned, or keep the VirtualService for this feature.",
    points_to=[],
)
def route_experimental_field(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Gateway API object uses a field or value that the CRDs of the target's release and channel do not have.

    The API server prunes an unknown field or refuses an unknown value: either the apply fails, or it succeeds without the
    behaviour and GitOps shows a lasting difference. Fields of the experimental channel may still change upstream.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      parentRefs:
        - group: ""
          kind: Service
          name: reviews
          port: 9080
      rules:
        - retry: # expect: ML813
            attempts: 3
          backendRefs:
            - name: reviews
              port: 9080
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: reviews
      namespace: bookinfo
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector:
        app: reviews
      ports:
        - name: http
          port: 9080
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: waypoint
      namespace: bookinfo
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ```

    HTTPRoute in the standard channel: `timeouts` since 1.2, percentages of `requestMirror` since 1.3, rule names since 1.4,
    the CORS filter since 1.5; `retry`, `sessionPersistence`, the ExternalAuth filter and `useDefaultGateways` in no
    release up to 1.6.

    Remedy: the release that has the field as standard, where there is one; the experimental bundle, pinned (from 1.5 on an
    admission policy of the bundle forbids to lay it over the standard one); or a VirtualService at the waypoint for this
    feature. There is no automatic fix.

    Not reported when: the target's channel is experimental and has the field. A note only where every parent is a Gateway
    of another controller.
    """
    severity = Severity.NOTE if mesh.foreign(resource) else None
    lacking = list(mesh.target.lacks(resource))
    chosen_by = {node.parent for node, field in lacking if field.value is not None}
    for node, field in lacking:
        if field.value is None and node.parent in chosen_by:
            continue  # the member of a union whose type is reported already: filters[].cors beside type CORS
        what = f"{field.path}: {field.value}" if field.value is not None else field.path
        yield Problem(
            node,
            f"{resource.title} uses {what}, which the {mesh.target.channel} channel of Gateway API {mesh.target.gateway_api} does not "
            f"have ({field.since}): the API server {'refuses the value' if field.value is not None else 'drops the field'}.",
            severity=severity,
            remedy=_remedy(resource, field, mesh),
        )


def _remedy(resource: Resource, field: Field, mesh: Mesh) -> str:
    """Raise the CRDs where a later release has it as standard; lay them open to experiments where this release can."""
    path, value, experimental = field.path, field.value, mesh.target._replace(channel="experimental")
    there = experimental.field(resource.kind, path) if value is None else experimental.enum_value(resource.kind, path, value)
    ways = []
    if there.in_target:
        ways.append(f"install the experimental CRDs of {mesh.target.gateway_api} deliberately and pinned")
    if field.standard_since and not field.removed_after:
        ways.insert(0, f"raise the Gateway API CRDs to {field.standard_since}, where it is standard")
    else:
        usual = "keep the VirtualService for this feature" if resource.kind in ROUTES else "leave it out"
        ways.append(_INSTEAD.get(value or path.rpartition(".")[2], usual))
    said = ", or ".join(ways)
    return f"{said[0].upper()}{said[1:]}."

