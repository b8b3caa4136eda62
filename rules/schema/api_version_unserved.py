"""ML905 api-version-unserved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ISTIO_KINDS, RETIRED_KINDS, Fix, Impact, Kind, Mesh, Problem, Resource, Retired, Severity, changes, rule

_EFFECTS = {
    "authentication.istio.io": "it demands neither mutual TLS nor a token: unless objects of security.istio.io ask for the same, "
    "plaintext and requests without a token are accepted",
    "rbac.istio.io": "it controls no access: unless an AuthorizationPolicy of security.istio.io says the same, everyone may call",
    "config.istio.io": "no check, limit or report comes of it",
    "install.istio.io": "nothing is installed from it",
}
_ROUTING = {
    Kind.OLD_ROUTE_RULE: "no request is routed by it",
    Kind.OLD_DESTINATION_POLICY: "nothing is set by it",
    Kind.OLD_EGRESS_RULE: "no external host is admitted by it",
}
_BINDING = "the rules of a ServiceRole become rules[].to of a policy that selects the pods of its services, the subjects of its bindings"
_HOW = {
    Kind.OLD_POLICY: "peers become a PeerAuthentication, origins a RequestAuthentication and an AuthorizationPolicy that demands "
    "requestPrincipals (without it a missing token passes), targets the selectors of workloads",
    Kind.OLD_MESH_POLICY: "it stands in the root namespace and has no selector",
    Kind.OLD_SERVICE_ROLE: f"{_BINDING} rules[].from",
    Kind.OLD_SERVICE_ROLE_BINDING: f"{_BINDING} rules[].from",
    Kind.OLD_CLUSTER_RBAC_CONFIG: "with an empty spec it denies by default, in the root namespace for the whole mesh, else for its own",
    Kind.OLD_RBAC_CONFIG: "with an empty spec it denies by default, in the root namespace for the whole mesh, else for its own",
    Kind.OLD_AUTHORIZATION_POLICY: "that of security.istio.io has the rules in itself, instead of naming roles",
    Kind.OLD_QUOTA_SPEC: "it adds the rate limit filter of Envoy",
    Kind.OLD_QUOTA_SPEC_BINDING: "it adds the rate limit filter of Envoy",
}
_MIXER = "Telemetry reports, AuthorizationPolicy checks and denies (CUSTOM asks a service of yours), the others do the rest"


@rule(
    "ML905",
    "api-version-unserved",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(*ISTIO_KINDS, *RETIRED_KINDS),
    evidence="code",
    sources=[
        "istio/api kubernetes/customresourcedefinitions.gen.yaml",
        "istio 1.5.10, 1.6.14 pilot/pkg/model/authorization.go, authentication.go (what read authentication.istio.io and rbac.istio.io)",
        "istio 1.7.8, 1.8.6 manifests/charts/base/crds (config.istio.io)",
        "https://istio.io/latest/blog/2021/migrate-alpha-policy/",
    ],
    remedy="Write an apiVersion that the target's release serves.",
    points_to=[],
)
def api_version_unserved(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """An Istio object is written in an apiVersion that the CRDs of the target's release do not serve, or is of a kind that
    the release does not have.

    The API server knows no such resource, so the object cannot be applied. Where the CRD of an older Istio is left in the cluster it is
    applied and nobody reads it, which is worse for what protects: a ServiceRole that is not read keeps no one out.

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

    Of kinds that went long ago the message says which release was the last to read them, and the remedy what took their place: Policy
    and MeshPolicy (authentication.istio.io), ServiceRole, ServiceRoleBinding, RbacConfig and ClusterRbacConfig (rbac.istio.io), the
    configuration of Mixer and RouteRule, DestinationPolicy and EgressRule (config.istio.io), IstioControlPlane (install.istio.io).

    Remedy: write a version that the message names. All versions of an Istio kind have one schema, so the rest stays as it is. The
    fix writes the first; it needs a look, because another cluster may run another release. There is no automatic fix for a
    kind that the release does not have.

    Not reported when: the release serves the version, though there is a newer one; a template fills in the apiVersion; the
    kind is of Gateway API (route-kind-version says it); it is one of the kinds, one for each adapter and template, that Mixer had up to
    Istio 1.1 (the rule that refers to them is reported).
    """
    if (retired := mesh.target.retired(resource.kind)) is not None:
        yield _gone(resource, retired)
        return
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


def _gone(resource: Resource, retired: Retired) -> Problem:
    kind, group = resource.kind, resource.kind.group
    effect = _ROUTING.get(kind) or _EFFECTS[group]
    text = f"{resource.title}: Istio read this kind of {group} up to {retired.last}, and no later; {effect}."
    impact = Impact.UNENFORCED if group in ("authentication.istio.io", "rbac.istio.io") else None
    return Problem(resource.root.get("apiVersion"), text, impact=impact, remedy=_replacement(kind, retired), final=True)


def _replacement(kind: Kind, retired: Retired) -> str:
    """What to write in its place."""
    if not retired.instead:
        return f"Delete it: nothing takes the place of {kind.kind}."
    *others, last = retired.instead
    names = f"{', '.join(others)} or {last}" if others else last
    how = _HOW.get(kind, _MIXER if len(retired.instead) > 2 else "")
    return f"Write {names} in its place{f': {how}' if how else ''}."


def _fix(resource: Resource, version: str) -> Fix | None:
    written = f"{resource.kind.group}/{version}"
    return changes().set(resource.root.get("apiVersion"), written).fix(f"Write apiVersion: {written}")
