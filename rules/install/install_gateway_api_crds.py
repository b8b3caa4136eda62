"""ML710 install-gateway-api-crds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import CrdSource, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, changes, rule

_RELEASE = re.compile(r"(?<![\w.])v?\d+\.\d+\.\d+(?:-[\w.]+)?(?![\w.])")
_BOUNDED = (Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.BACKEND_TLS_POLICY)


@rule(
    "ML710", "install-gateway-api-crds", Severity.ERROR, impact=Impact.IGNORED,
    each=_BOUNDED, reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.LISTENER_SET, Kind.X_LISTENER_SET, Kind.K8S_GATEWAY], evidence="code",
    sources=[
        "istio@86c9f01:pkg/config/schema/gatewayapi/minimumversions.go",
        "istio tags 1.30.0, 1.29.6, 1.28.10: pkg/kube/kclient/crdwatcher.go", "istio@86c9f01:pkg/config/analysis/msg/messages.yaml",
    ],
    remedy="Pin the bundle of Gateway API that fits the Istio release, beside Istio.",
)  # fmt: skip
def install_gateway_api_crds(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The CRDs of Gateway API that the repository installs are of a bundle that its Istio release leaves unread for a kind that is
    used here.

    istiod watches a CRD only within bounds: GRPCRoute from bundle 1.1, BackendTLSPolicy from 1.4 (Istio 1.28), TLSRoute from 1.5
    (Istio 1.30), TCPRoute from 1.6 (Istio 1.31); late patches of 1.27 to 1.29 leave out TLSRoute CRDs that are newer than 1.4.1.
    Outside of them, objects that are right in themselves are disregarded, without a status.

    ```yaml
    # args: --target istio=1.30
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: grpcroutes.gateway.networking.k8s.io
      annotations:
        gateway.networking.k8s.io/bundle-version: v1.0.0 # expect: ML710
        gateway.networking.k8s.io/channel: experimental
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: shop
    spec:
      gatewayClassName: istio
      listeners: [{name: http, port: 80, protocol: HTTP}]
    ---
    apiVersion: gateway.networking.k8s.io/v1alpha2 # expect: ML811
    kind: GRPCRoute
    metadata:
      name: cart
      namespace: shop
    spec:
      parentRefs: [{name: edge}]
    ```

    Remedy: `https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml` or the like, in step with
    Istio: 1.28 and 1.29 with 1.4, 1.30 with 1.5, 1.31 with 1.6. The fix pins the nearest release that is read in an address, tag or
    revision; it needs a look, because all users of the CRDs must go along. There is no automatic fix for CRDs that are copied
    into the repository.

    Bundles are read from the CRDs' annotations, kustomizations, and Flux and Argo CD sources of the Gateway API repository; what the
    objects of a kind meet is [route-kind-version](route-kind-version.md). Not reported when: the bundle fits; no object of the kind is
    run by Istio here; the repository holds no CRDs, which the provider (GKE), another repository or a script may install.
    """
    if not mesh.istio_runs(resource):
        return
    lowest, highest = mesh.target.crd_bounds(resource.kind)
    for source in _of_kind(resource, _sources(mesh)):
        bundle = source.bundle
        if bundle is None:
            continue
        said = f"The CRDs are of Gateway API {bundle}, and Istio {mesh.target.istio_tag} leaves {resource.kind.kind} unread"
        related = ((resource.root, f"a {resource.kind.kind}"),)
        if lowest and bundle.order < _order(lowest):
            fix = partial(_fix, source, mesh.target.bundle_of(_minor(lowest)))
            yield Problem(source.at, f"{said} below {lowest}.", related=related, fix=fix)
        elif highest and bundle.order > _order(highest):
            yield Problem(source.at, f"{said} above {highest}.", related=related, fix=partial(_fix, source, f"v{highest}"))


def _minor(release: str) -> str:
    return ".".join(release.split(".")[:2])


def _fix(source: CrdSource, wanted: str) -> Fix | None:
    """Another release in the address or tag."""
    found = [*_RELEASE.finditer(source.at.text or "")]
    if source.name or not wanted or len(found) != 1:
        return None
    text, at = source.at.text or "", found[0]
    written = wanted if at[0].startswith("v") else wanted.lstrip("v")
    return changes().set(source.at, text[: at.start()] + written + text[at.end() :]).fix(f"Pin bundle {wanted}")


def _sources(mesh: Mesh) -> Sequence[CrdSource]:
    """Those of the environment, else those of the whole repository where they are of one bundle."""
    anywhere = mesh.crd_sources(anywhere=True)
    return mesh.crd_sources() or (anywhere if len({source.bundle for source in anywhere}) == 1 else ())


def _of_kind(resource: Resource, sources: Sequence[CrdSource]) -> Iterator[CrdSource]:
    """What brings the CRD of the object's kind."""
    plural = resource.kind.kind.lower() + "s" if not resource.kind.kind.endswith("y") else resource.kind.kind.lower()[:-1] + "ies"
    for source in sources:
        if not source.name or source.name.partition(".")[0] == plural:
            yield source


def _order(text: str) -> tuple[int, ...]:
    parts = [int(part) for part in text.split(".")]
    return (*parts, *[0] * (3 - len(parts)))
