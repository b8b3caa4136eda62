"""ML906 api-version-deprecated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import GATEWAY_API_KINDS, Fix, Impact, Mesh, Problem, Resource, Severity, changes, rule


@rule(
    "ML906",
    "api-version-deprecated",
    Severity.NOTE,
    impact=Impact.ADVICE,
    each=GATEWAY_API_KINDS,
    evidence="code",
    sources=["gateway-api config/crd (deprecated versions)"],
    remedy="Write the apiVersion that is not deprecated.",
    yields_to=["route-kind-version"],
    points_to=[],
)
def api_version_deprecated(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Gateway API object is written in an apiVersion that the CRDs of the target's release mark as deprecated.

    It is still served, and a later release drops it.

    ```yaml
    # args: --target istio=1.29,gateway-api=1.5,channel=experimental
    apiVersion: gateway.networking.k8s.io/v1alpha3 # expect: ML906
    kind: BackendTLSPolicy
    metadata:
      name: reviews
      namespace: bookinfo
    spec:
      targetRefs:
        - group: ""
          kind: Service
          name: reviews
      validation:
        hostname: reviews.bookinfo.svc.cluster.local
        wellKnownCACertificates: System
    ```

    Deprecated are BackendTLSPolicy v1alpha3 from Gateway API 1.4 on, TLSRoute v1alpha2 and v1alpha3 from 1.5 on, TCPRoute and
    UDPRoute v1alpha2 from 1.6 on, all of them served by the experimental channel only. No Istio CRD marks a version.

    Remedy: write the version that the message names. Compare the limits: TLSRoute v1 requires hostnames, and v1 of TCPRoute and
    UDPRoute allows one rule where v1alpha2 allows 16. The fix writes the version; it needs a look, because another cluster may have
    older CRDs, and is refused where the object does not fit the new one. There is no automatic fix where no version stays.

    Not reported when: the version is not marked, though there is a newer one (HTTPRoute v1beta1); the target's release does
    not serve it at all, or Istio does not read it (route-kind-version says so).
    """
    deprecated = mesh.target.deprecated(resource.kind)
    if resource.version not in deprecated:
        return
    kept = [version for version in mesh.target.serves(resource.kind) if version not in deprecated]
    instead = f"; {' and '.join(kept)} stays" if kept else ""
    text = f"Gateway API {mesh.target.gateway_api} marks {resource.version} of {resource.kind.kind} as deprecated{instead}"
    remedy = f"Write apiVersion: {resource.kind.group}/{kept[0]}." if kept else None
    fix = partial(_fix, resource, kept[0]) if kept else None
    yield Problem(resource.root.get("apiVersion"), f"{resource.title}: {text}.", remedy=remedy, fix=fix)


def _fix(resource: Resource, version: str) -> Fix | None:
    written = f"{resource.kind.group}/{version}"
    return changes().set(resource.root.get("apiVersion"), written).fix(f"Write apiVersion: {written}")
