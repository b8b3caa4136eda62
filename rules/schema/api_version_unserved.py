"""ML905 api-version-unserved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ISTIO_KINDS, Fix, Impact, Mesh, Problem, Resource, Severity, changes, rule


@rule(
    "ML905",
    "api-version-unserved",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=ISTIO_KINDS,
    evidence="code",
    sources=["istio/api kubernetes/customresourcedefinitions.gen.yaml"],
    remedy="Write an apiVersion that the target's release serves.",
    points_to=[],
)
def api_version_unserved(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio object is written in an apiVersion that the CRDs of the target's release do not serve, or is of a kind that
    the release does not have.

    The API server knows no such resource, so the object cannot be applied.

    ```yaml
    apiVersion: networking.istio.io/v1 # expect: ML905
    kind: EnvoyFilter
    metadata:
      name: limits
      namespace: istio-system
    spec:
      workloadSelector:
        labels: {istio: ingressgateway}
    ```

    EnvoyFilter is v1alpha3, ProxyConfig v1beta1, WasmPlugin and TrafficExtension v1alpha1, in every release. v1 of the other
    networking kinds, of PeerAuthentication and of Telemetry is there from Istio 1.22 on, TrafficExtension from 1.30 on.

    Remedy: write a version that the message names. All versions of an Istio kind have one schema, so the rest stays as it is. The
    fix writes the first; it needs a look, because another cluster may run another release. There is no automatic fix for a
    kind that the release does not have.

    Not reported when: the release serves the version, though there is a newer one; a template fills in the apiVersion; the
    kind is of Gateway API (route-kind-version says it).
    """
    served = mesh.target.serves(resource.kind)
    if resource.version in served or resource.root.get("apiVersion").unknown:
        return
    kind, release = resource.kind.kind, f"Istio {mesh.target.istio}"
    since = mesh.target.served_since(resource.kind, resource.version if served else None)
    when = f" (from Istio {since} on)" if since else ""
    if served:
        text = f"{release} serves {kind} as {' and '.join(served)}, not as {resource.version}{when}"
        remedy = f"Write apiVersion: {resource.kind.group}/{served[0]}; the schema is the same."
    else:
        text, remedy = f"{release} does not have the kind {kind}{when}", ""
    fix = partial(_fix, resource, served[0]) if served else None
    yield Problem(resource.root.get("apiVersion"), f"{resource.title}: {text}.", remedy=remedy or None, fix=fix, final=True)


def _fix(resource: Resource, version: str) -> Fix | None:
    written = f"{resource.kind.group}/{version}"
    return changes().set(resource.root.get("apiVersion"), written).fix(f"Write apiVersion: {written}")
