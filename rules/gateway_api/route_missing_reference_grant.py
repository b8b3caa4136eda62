"""ML809 route-missing-reference-grant."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import Confidence, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule

_MESH_PARENTS = frozenset({"Service", "ServiceEntry"})
_SETS = (Kind.LISTENER_SET, Kind.X_LISTENER_SET)


@rule(
    "ML809",
    "route-missing-reference-grant",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=(Kind.HTTP_ROUTE, Kind.GRPC_ROUTE, Kind.TLS_ROUTE, Kind.TCP_ROUTE, Kind.K8S_GATEWAY, *_SETS),
    reads=[Kind.REFERENCE_GRANT, Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.K8S_GATEWAY, *_SETS,
           Kind.VIRTUAL_SERVICE, Kind.DESTINATION_RULE],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/config/kube/gatewaycommon/references.go",
        "istio@86c9f01:pilot/pkg/config/kube/gateway/conversion.go (buildDestination)",
        "https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
    ],
    remedy="Add a ReferenceGrant in the namespace of the target.",
    points_to=[],
)  # fmt: skip
def route_missing_reference_grant(referrer: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A route at a gateway has a backend in another namespace, or a Gateway or ListenerSet a certificate there, and no
    ReferenceGrant of that namespace allows it.

    A VirtualService may send traffic to any namespace, and an Istio Gateway reads Secrets of the gateway's namespace. The
    Gateway API demands the consent of the target's namespace: without it the reference is refused (RefNotPermitted) and
    requests are answered with 500.

    ```yaml
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: edge
      namespace: ingress
    spec:
      gatewayClassName: istio
      listeners:
        - name: http
          port: 80
          protocol: HTTP
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata:
      name: shop
      namespace: ingress
    spec:
      parentRefs:
        - name: edge
      rules:
        - backendRefs:
            - name: cart
              namespace: shop # expect: ML809
              port: 80
    ---
    apiVersion: v1
    kind: Service
    metadata:
      name: cart
      namespace: shop
    spec:
      selector:
        app: cart
      ports:
        - name: http
          port: 80
    ```

    Remedy: consent, in the namespace of the target (Istio reads v1beta1, which is served beside v1):

        apiVersion: gateway.networking.k8s.io/v1beta1
        kind: ReferenceGrant
        metadata: {name: from-ingress, namespace: shop}
        spec:
          from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ingress}]
          to: [{group: "", kind: Service, name: cart}]

    meshlint can write it beside the target; it needs a look, because whom a namespace trusts is for its owner to say. There is no
    automatic fix where the repository holds nothing of the target's namespace.

    A warning of low confidence where the repository does not hold the target's namespace (no Service of it, no
    ReferenceGrant, no Namespace), whose owner may allow it elsewhere. Not reported when: a grant of the namespace names the
    kind and namespace of the referrer and the kind (and name, if it has one) of the target; every parent is a Service or
    ServiceEntry, where Istio asks for no grant; weight is 0; the route or Gateway is not Istio's to run.
    """
    if not referrer.namespace or not mesh.istio_runs(referrer):
        return
    if referrer.kind is Kind.K8S_GATEWAY or referrer.kind in _SETS:
        for ref in referrer.spec.each("listeners", "tls", "certificateRefs"):
            yield from _judge(referrer, ref, "Secret", "the certificate", mesh)
        frontend = referrer.spec.get("tls", "frontend")
        for holder in (frontend.get("default"), *frontend.each("perPort", "tls")):
            for ref in holder.each("validation", "caCertificateRefs"):
                yield from _judge(referrer, ref, "ConfigMap", "the CA certificate in", mesh)
    elif any((ref.get("kind").text or "Gateway") not in _MESH_PARENTS for ref in referrer.spec.each("parentRefs")):
        for entry in referrer.spec.each("rules"):
            for ref in [*entry.each("backendRefs"), *entry.each("filters", "requestMirror", "backendRef")]:
                if ref.get("weight").value != 0:
                    yield from _judge(referrer, ref, "Service", "the backend", mesh)


def _judge(referrer: Resource, ref: Node, default: str, what: str, mesh: Mesh) -> Iterator[Problem]:
    namespace, name = ref.get("namespace").text, ref.get("name").text
    group, kind = ref.get("group"), ref.get("kind")
    if namespace is None or name is None or namespace == referrer.namespace or group.unknown or kind.unknown:
        return
    wanted = kind.text or default
    if (group.text, wanted) == ("networking.istio.io", "Hostname") or mesh.granted(referrer, group.text or "", wanted, namespace, name):
        return
    sure = _held(namespace, referrer, ref, wanted, mesh) and not mesh.elsewhere(Kind.REFERENCE_GRANT)
    near = "the repository" if mesh.apart(Kind.REFERENCE_GRANT, namespace) is None else "this environment"
    yield Problem(
        ref.get("namespace"),
        f"{referrer.title} refers to {what} {wanted} {namespace}/{name}, and no ReferenceGrant of {near} in namespace {namespace} "
        f"allows {referrer.kind.kind} of namespace {referrer.namespace} to do so: the reference is refused.",
        severity=None if sure else Severity.WARNING,
        confidence=None if sure else Confidence.LOW,
        remedy=f"Add a ReferenceGrant in namespace {namespace} from {referrer.kind.kind} of {referrer.namespace} to {wanted} {name}.",
        fix=partial(_fix, referrer, namespace, group.text or "", wanted, name, mesh),
        final=True,
    )


def _held(namespace: str, referrer: Resource, ref: Node, kind: str, mesh: Mesh) -> bool:
    """Is the repository the authority on the target's namespace?"""
    if kind == "Service" and mesh.knows(mesh.backend_host(referrer, ref)):
        return True
    if mesh.find(Kind.NAMESPACE, "", namespace) is not None:
        return True
    return any(grant.namespace == namespace for grant in mesh.all(Kind.REFERENCE_GRANT))


def _fix(referrer: Resource, namespace: str, group: str, kind: str, name: str, mesh: Mesh) -> Fix | None:
    from meshlint.api import grants

    made = changes()
    allowed = grants.allow(made, referrer, namespace, group, kind, name, mesh)
    return made.fix(f"Allow it by a ReferenceGrant in {namespace}") if allowed else None
