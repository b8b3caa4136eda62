"""ML502 sidecar-outbound-policy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Node, Problem, Resource, Severity, changes, rule


@rule(
    "ML502",
    "sidecar-outbound-policy",
    Severity.ERROR,
    impact=Impact.UNENFORCED,
    each=Kind.SIDECAR,
    needs=["outboundTrafficPolicy"],
    reads=[Kind.NAMESPACE, Kind.ARGO_APPLICATION, *WORKLOADS],
    evidence="docs",
    sources=[
        "https://ambientmesh.io/docs/setup/sidecar-migration",
        "https://istio.io/latest/docs/reference/config/networking/sidecar/#OutboundTrafficPolicy",
        "istio/api PR 3517",
    ],
    remedy="Admit only 15008, DNS and what else the pods need with an egress NetworkPolicy, and control the external hosts at an egress "
    "waypoint that their ServiceEntries are bound to.",
    points_to=[],
)
def sidecar_outbound_policy(sidecar: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A Sidecar restricts which destinations its pods may call (`outboundTrafficPolicy` with `REGISTRY_ONLY`, or an
    `egressProxy`); in ambient nobody reads the Sidecar resource, so the restriction disappears.

    ztunnel forwards a destination that it does not know straight to it, whatever the policy said. What was blocked, or
    sent through an egress proxy, leaves the cluster directly from the moment the pods are ambient, without any error.
    An empty `outboundTrafficPolicy: {}` is REGISTRY_ONLY as well: that mode is the enum's value 0.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata:
      name: default
      namespace: payments
    spec:
      outboundTrafficPolicy:
        mode: REGISTRY_ONLY # expect: ML502
    ```

    Remedy: an egress NetworkPolicy for the namespace that admits only the mesh (port 15008) and DNS; external hosts as
    ServiceEntries bound to an egress waypoint, with AuthorizationPolicies there:

        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: egress-only-mesh, namespace: payments}
        spec:
          podSelector: {}
          policyTypes: [Egress]
          egress:
          - ports: [{port: 15008, protocol: TCP}]
            to: [{namespaceSelector: {}}]
          - ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]

    Once the pods are ambient, or with `--phase switch` or `cleanup`, the fix takes the setting away and adds a NetworkPolicy under
    which these pods send to pods of the cluster and to name servers only, in the mesh or not. It needs a look: what a
    pod reaches past the registry, such as the API server, may have to be admitted, and the CNI plugin must enforce it. There is no
    automatic fix for an egress proxy, for a Sidecar of the whole mesh, and where a ServiceEntry that the pods can read
    has no waypoint: its hosts would be out of reach.

    Not reported when: the mode is ALLOW_ANY and there is no egress proxy; the Sidecar selects gateway pods only, or
    nothing that may become ambient; a template decides the mode.
    """
    found = _restriction(sidecar.spec.get("outboundTrafficPolicy"))
    if found is None or not _moves(sidecar, mesh):
        return
    at, what = found
    yield Problem(
        at,
        f"{sidecar.title} {what} {_whom(sidecar, mesh)}. In ambient nobody reads the Sidecar resource: ztunnel forwards every "
        "destination, so this egress control is gone without an error.",
        subject=_ambient_pods(sidecar, mesh),
        fix=partial(_fix, sidecar, mesh),
    )


def _restriction(policy: Node) -> tuple[Node, str] | None:
    """Where a policy restricts anything, and how: the mode, the egress proxy, or the policy as a whole if it names no mode."""
    mode, proxy = policy.get("mode"), policy.get("egressProxy")
    if not policy.is_map or mode.unknown:
        return None
    if mode.text == "REGISTRY_ONLY" or (mode and mode.value == 0):
        return mode, "blocks destinations outside of the registry (mode REGISTRY_ONLY) for"
    if proxy.is_map:
        return proxy, f"sends unknown destinations through the egress proxy {proxy.get('host').text or '(unnamed)'} for"
    if mode:
        return None
    return policy, "blocks destinations outside of the registry (an outboundTrafficPolicy without a mode is REGISTRY_ONLY) for"


def _moves(sidecar: Resource, mesh: Mesh) -> bool:
    """Does the Sidecar configure pods that are or may become ambient?"""
    written = sidecar.spec.get("workloadSelector", "labels")
    selector = written.strings()
    templated = written.unknown or any(value.unknown for _, value in written.items())
    if templated or not mesh.candidate(sidecar) or mesh.selects_only_gateways(selector, sidecar.namespace):
        return False
    found = mesh.workloads(selector, sidecar.namespace) if selector else ()
    return not found or any(mesh.candidate(workload.resource) for workload in found)


def _ambient_pods(sidecar: Resource, mesh: Mesh) -> Resource | None:
    """A workload among its pods that is ambient now, be its namespace or not; None: the namespace tells."""
    selector = sidecar.spec.get("workloadSelector", "labels").strings()
    found = mesh.workloads(selector, sidecar.namespace) if selector else ()
    return next((workload.resource for workload in found if mesh.ambient_now(workload.resource)), None)


def _whom(sidecar: Resource, mesh: Mesh) -> str:
    selector = sidecar.spec.get("workloadSelector", "labels").strings()
    if selector:
        return f"the pods with {', '.join(f'{key}={value}' for key, value in selector.items())}"
    if sidecar.namespace == mesh.settings.root_namespace:
        return "the whole mesh (root namespace, no selector)"
    return "the whole namespace"


def _fix(sidecar: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import networks, pods

    policy, selector = sidecar.spec.get("outboundTrafficPolicy"), sidecar.spec.get("workloadSelector", "labels").strings()
    everywhere = sidecar.namespace == mesh.settings.root_namespace
    gone = mesh.settings.phase == "switch" or pods.sidecars_gone(_ambient_pods(sidecar, mesh) or sidecar, mesh)
    if policy.get("egressProxy").present or everywhere or not gone:
        return None
    instead = networks.within_cluster(sidecar, selector, mesh)
    if instead is None:
        return None
    made = changes().add_object(sidecar, instead)
    alone = {key for key, _ in sidecar.spec.items()} <= {"outboundTrafficPolicy", "workloadSelector"}
    return (made.remove_document(sidecar.root) if alone else made.remove(policy)).fix("Keep these pods to the cluster by a NetworkPolicy")
