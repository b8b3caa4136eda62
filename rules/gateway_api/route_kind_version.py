"""ML811 route-kind-version."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ROUTES, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, changes, rule

_KINDS = (
    Kind.K8S_GATEWAY, Kind.GATEWAY_CLASS, *ROUTES, Kind.REFERENCE_GRANT, Kind.BACKEND_TLS_POLICY, Kind.LISTENER_SET, Kind.X_LISTENER_SET,
    Kind.X_BACKEND_TRAFFIC_POLICY, Kind.X_BACKEND, Kind.X_MESH,
)  # fmt: skip
_REFUSED = frozenset({"removed", "not-in-release"})
_DROPPED = frozenset({"version-not-served", "crd-below-minimum", "crd-above-maximum"})


@rule(
    "ML811",
    "route-kind-version",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=_KINDS,
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET],
    evidence="code",
    sources=[
        "istio@86c9f01:pkg/config/schema/gatewayapi/minimumversions.go",
        "gateway-api@4564255:config/crd/standard",
        "https://github.com/kubernetes-sigs/gateway-api/releases",
    ],
    remedy="Write the apiVersion that both the CRDs and the Istio release of the target know, and keep the two releases in step.",
    yields_in_object=["route-udproute"],
    points_to=[],
)
def route_kind_version(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Gateway API object is written in an apiVersion, or is of a kind, that the target's CRDs do not serve or that its
    Istio release does not read.

    TLSRoute, TCPRoute, BackendTLSPolicy and ListenerSet graduated from alpha versions to v1 over the releases. An
    object of a version that the CRD bundle does not serve cannot be applied; one that istiod does not read is accepted
    and ignored. A kind of the experimental channel alone is a warning: it works where those CRDs are installed.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1alpha2 # expect: ML811
    kind: GRPCRoute
    metadata:
      name: orders
      namespace: shop
    spec:
      parentRefs:
        - group: ""
          kind: Service
          name: orders
          port: 9000
      rules:
        - backendRefs:
            - name: orders
              port: 9000
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: orders
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      selector:
        app: orders
      ports:
        - name: grpc
          port: 9000
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

    What the releases serve and read:

        Kind               standard channel    Istio reads
        TLSRoute           v1 from 1.5         v1alpha2 to 1.29 (flag), v1 from 1.30
        TCPRoute           v1 from 1.6         v1alpha2 to 1.30 (flag), v1 from 1.31
        UDPRoute           v1 from 1.6         read, but nothing is made of it
        BackendTLSPolicy   v1 from 1.4         v1alpha3 in 1.26 and 1.27 (flag), v1 from 1.28
        ListenerSet        v1 from 1.5         v1 from 1.30 (XListenerSet before, flag)
        GRPCRoute          v1 from 1.1         v1 from 1.22

    Remedy: change apiVersion to v1 together with the matching CRDs; the specs agree in the usual fields.
    meshlint can write the apiVersion that the target serves, where that is all that is wrong; it needs a look, because the CRDs
    in the cluster have to change with the manifest. There is no automatic fix for a BackendTLSPolicy older than v1alpha3, whose
    fields are others.

    Not reported when: the written version is served, even if istiod reads another one that is served as well (the API
    server converts): HTTPRoute and Gateway v1beta1. Objects whose every parent is a Gateway of another controller: only
    what the CRDs lack is said, as a note. Kinds that need PILOT_ENABLE_ALPHA_GATEWAY_API and lack nothing else.
    """
    foreign = mesh.foreign(resource)
    found = _foreign_finding(resource, mesh) if foreign else _finding(resource, mesh)
    if found is None:
        return
    severity, text = found
    yield Problem(
        resource.root.get("apiVersion"),
        f"{resource.title} ({resource.version}): {text}.",
        severity=severity,
        impact=Impact.BREAKS if severity is Severity.ERROR else Impact.UNSTABLE,
        remedy=_remedy(resource, mesh, foreign),
        fix=partial(_fix, resource, mesh),
        final=True,
    )


def _finding(resource: Resource, mesh: Mesh) -> tuple[Severity, str] | None:
    support = mesh.target.route(resource.kind)
    codes = frozenset(support.codes)
    if (text := _unserved(resource, mesh)) is not None:
        return Severity.ERROR, "; ".join((text, *_istio_says(resource, mesh)))
    if "not-converted" in codes and not codes & _REFUSED:
        said = [reason.text for reason in support.reasons if reason.code in ("not-converted", "not-in-channel")]
        return Severity.WARNING, "; ".join(said)
    if codes & (_REFUSED | _DROPPED):
        return Severity.ERROR, support.text
    if "not-in-channel" in codes:
        return Severity.WARNING, support.text
    return (Severity.WARNING, support.text) if "not-read" in codes else None


def _unserved(resource: Resource, mesh: Mesh) -> str | None:
    """Said where no channel of the release serves the written version, or this one serves the kind in other versions."""
    here, other = mesh.target.serves(resource.kind), _experimental(resource.kind, mesh)
    if resource.version in here:
        return None
    kind, release = resource.kind.kind, f"Gateway API {mesh.target.gateway_api}"
    if here:
        late = f" (the experimental channel serves {resource.version})" if resource.version in other else ""
        return f"the {mesh.target.channel} channel of {release} serves {kind} as {' and '.join(here)}, not as {resource.version}{late}"
    if other and resource.version not in other:
        return f"{release} serves {kind} in the experimental channel only, as {' and '.join(other)}, not as {resource.version}"
    return None


def _istio_says(resource: Resource, mesh: Mesh) -> tuple[str, ...]:
    watched = mesh.target.watches(resource.kind)
    if watched is None:
        return (f"Istio {mesh.target.istio} does not read {resource.kind.kind}",)
    flag = " and only with PILOT_ENABLE_ALPHA_GATEWAY_API=true" if mesh.target.alpha_gated(resource.kind) else ""
    return (f"Istio {mesh.target.istio} reads {watched}{flag}",)


def _experimental(kind: Kind, mesh: Mesh) -> tuple[str, ...]:
    return mesh.target._replace(channel="experimental").serves(kind)


def _foreign_finding(resource: Resource, mesh: Mesh) -> tuple[Severity, str] | None:
    """Another controller reads what it reads: only what the CRDs do not serve is said."""
    text = _unserved(resource, mesh)
    if text is None and not mesh.target.serves(resource.kind):
        text = "; ".join(reason.text for reason in mesh.target.route(resource.kind).reasons if reason.code in _REFUSED | {"not-in-channel"})
    return (Severity.NOTE, text) if text else None


def _remedy(resource: Resource, mesh: Mesh, foreign: bool) -> str:
    kind, target = resource.kind, mesh.target
    name, served, codes = kind.kind, target.serves(kind), target.route(kind).codes
    since = target.since(kind).partition(", ")[0] if foreign else target.since(kind)
    if served and resource.version not in served:
        return f"Write apiVersion: {kind.group}/{_wanted(kind, mesh) if not foreign else served[0]} ({name} is {since})."
    if foreign and resource.version in _experimental(kind, mesh):
        return f"Install the experimental CRDs (pinned), or move to v1 with CRDs that serve it ({name} is {since})."
    if foreign:
        return f"Install CRDs that serve {name} {resource.version} ({name} is {since})."
    if "not-converted" in codes:
        return f"Keep the traffic out of the mesh, or give it to a Gateway of a controller that implements {name}."
    if resource.version in _experimental(kind, mesh) and "not-read" not in codes:
        flag = " and set PILOT_ENABLE_ALPHA_GATEWAY_API=true for istiod" if target.alpha_gated(kind) else ""
        return f"Install the experimental CRDs (pinned){flag}, or wait for releases where it is stable ({name} is {since})."
    return f"{name} is {since}: bring the Gateway API CRDs and Istio to releases that agree."


def _wanted(kind: Kind, mesh: Mesh) -> str:
    """Of the versions that are served the one that istiod reads, else the newest."""
    version, served = mesh.target.watches(kind), mesh.target.serves(kind)
    return version if version in served else served[0]


def _fix(resource: Resource, mesh: Mesh) -> Fix | None:
    kind, served = resource.kind, mesh.target.serves(resource.kind)
    if not served or resource.version in served or (kind is Kind.BACKEND_TLS_POLICY and resource.version != "v1alpha3"):
        return None
    wanted = f"{kind.group}/{_wanted(kind, mesh)}"
    return changes().set(resource.root.get("apiVersion"), wanted).fix(f"Write apiVersion: {wanted}")
