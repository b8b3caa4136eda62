"""ML812 route-alpha-flag-off."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ISTIOD, ROUTES, Confidence, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_FLAG = "PILOT_ENABLE_ALPHA_GATEWAY_API"
_REMOTE = "istio-remote"


@rule(
    "ML812",
    "route-alpha-flag-off",
    Severity.ERROR,
    impact=Impact.IGNORED,
    each=(*ROUTES, Kind.K8S_GATEWAY, Kind.BACKEND_TLS_POLICY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.X_BACKEND_TRAFFIC_POLICY,
          Kind.X_BACKEND),
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.HELM_RELEASE],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gateway/controller.go (and tags 1.26.0 to 1.31.0-rc.0)",
        "istio@86c9f01:pilot/pkg/features/experimental.go (EnableAlphaGatewayAPI)",
        "istio@86c9f01:releasenotes/notes/tls-protocol-gateway-no-alpha-gate.yaml",
    ],
    remedy=f"Set {_FLAG}=true on istiod, move to a release where the kind is stable, or keep the VirtualService.",
    yields_in_object=["route-kind-version"],
    points_to=[],
)  # fmt: skip
def route_alpha_flag_off(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An object is of a kind that the target's Istio reads only with PILOT_ENABLE_ALPHA_GATEWAY_API=true, and nothing in the
    repository sets that.

    Installing the experimental CRDs is not enough: with the flag off istiod looks at none of these objects. The API server
    accepts them, and they are never used. That is easily missed when `tcp` and `tls` rules of VirtualServices are converted.

    ```yaml
    # args: --target istio=1.30,gateway-api=1.5,channel=experimental
    apiVersion: gateway.networking.k8s.io/v1alpha2 # expect: ML812
    kind: TCPRoute
    metadata:
      name: db
      namespace: shop
    spec:
      parentRefs:
        - name: edge
      rules:
        - backendRefs:
            - name: db
              port: 5432
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: shop
    spec:
      gatewayClassName: istio
      listeners:
        - name: db
          port: 5432
          protocol: TCP # expect: ML812
    ```

    Behind the flag, which is false by default in every release:

        TLSRoute, listeners of protocol TLS    to Istio 1.29
        TCPRoute, listeners of protocol TCP    to Istio 1.30
        BackendTLSPolicy                       1.26 and 1.27
        XListenerSet                           1.27 to 1.29
        XBackendTrafficPolicy                  1.26 and later

    Remedy: the release where the kind is stable; or the flag, which is for all kinds at once:

        pilot: {env: {PILOT_ENABLE_ALPHA_GATEWAY_API: "true"}}

    meshlint can set the flag where the repository installs the one control plane; it needs a look, because that turns on other
    alpha kinds as well. There is no automatic fix elsewhere: a release is not moved by an edit.

    A warning where the repository does not hold the control plane, which may set the flag elsewhere. Not reported when: the
    control plane has the flag, or any of the repository has where the environment holds none; the Gateway only tells where another
    network's gateway is (class istio-remote); the CRDs of the target lack the kind or the version anyway (route-kind-version says
    so); the object is not Istio's to run.
    """
    if mesh.target.alpha_flag or not mesh.istio_runs(resource) or resource.spec.get("gatewayClassName").text == _REMOTE:
        return
    held = mesh.ambient_control_plane() is not None
    if not held and any((plane.env(_FLAG).text or "").lower() == "true" for plane in mesh.installers(ISTIOD, anywhere=True)):
        return
    for at, what, since in _gated(resource, mesh):
        where = "which the control plane of this repository does not set" if held else "which nothing in this repository sets"
        yield Problem(
            at,
            f"{resource.title}: Istio {mesh.target.istio} reads {what} only with {_FLAG}=true, {where}: it is ignored otherwise.",
            severity=None if held else Severity.WARNING,
            confidence=None if held else Confidence.MEDIUM,
            remedy=f"Set {_FLAG}=true on istiod{since}, or keep the VirtualService.",
            fix=partial(_fix, mesh),
            final=True,
        )


def _gated(resource: Resource, mesh: Mesh) -> Iterator[tuple[Node, str, str]]:
    """What needs the flag, where it stands, and what a remedy can add."""
    kind = resource.kind
    if kind is Kind.K8S_GATEWAY:
        for protocol in resource.spec.each("listeners", "protocol"):
            if protocol.text is not None and mesh.target.listener_gated(protocol.text):
                yield protocol, f"listeners of protocol {protocol.text}", ", or move to a release that needs no flag for them"
    elif mesh.target.route(kind).codes == ("needs-flag",):
        since = mesh.target.since(kind).rpartition(", ")[2]
        yield resource.root.get("apiVersion"), kind.kind, f", or move to a release where it is stable ({since})"


def _fix(mesh: Mesh) -> Fix | None:
    from meshlint.api import installs

    made, planes = changes(), mesh.installers(ISTIOD)
    if len(planes) != 1:
        return None
    held = planes[0].env(_FLAG)
    if held.present:
        made.set(held, "true")
    elif not installs.set_value(made, planes[0], ("pilot", "env", _FLAG), "true"):
        return None
    return made.fix(f"Set {_FLAG}")
