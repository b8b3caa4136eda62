"""ML509 egress-waypoint-not-enforced."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import WORKLOADS, Fix, Impact, Kind, Mesh, Problem, Resource, Severity, WaypointState, changes, rule


@rule(
    "ML509",
    "egress-waypoint-not-enforced",
    Severity.NOTE,
    impact=Impact.ADVICE,
    each=Kind.AUTHORIZATION_POLICY,
    needs=["targetRefs", "targetRef"],
    reads=[Kind.K8S_GATEWAY, Kind.SERVICE_ENTRY, Kind.SERVICE, Kind.NETWORK_POLICY, *WORKLOADS],
    evidence="docs",
    sources=["https://ambientmesh.io/docs/traffic/mesh-egress/"],
    remedy="Restrict what clients can reach by NetworkPolicies: DNS, port 15008 and the waypoint.",
    points_to=[],
)
def egress_waypoint_not_enforced(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A policy controls egress at the waypoint of a ServiceEntry, and no NetworkPolicy keeps clients from going around it.

    The waypoint is entered by the address of the entry. A pod that calls another address of the same host, or another host,
    does not pass it: it routes and observes, and enforces only together with a NetworkPolicy of direction Egress.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        istio.io/use-waypoint: waypoint
    spec:
      hosts:
        - api.example.com
      location: MESH_EXTERNAL
      resolution: DNS
      ports:
        - number: 80
          name: http
          protocol: HTTP
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
    ---
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata:
      name: partner-get
      namespace: shop
    spec:
      targetRefs: # expect: ML509
        - group: networking.istio.io
          kind: ServiceEntry
          name: partner
      action: ALLOW
      rules:
        - to:
            - operation:
                methods: ["GET"]
    ```

    Remedy: a NetworkPolicy that denies egress by default, in the namespaces of the clients (egress-registry-only shows one).
    The fix adds one to the policy's namespace, if there are pods: these then send to pods of the cluster (the waypoint among them) and
    to name servers only. It needs a look: clients in other namespaces need one as well, and what else pods reach outside
    of the cluster has to be admitted. There is no automatic fix where another ServiceEntry has no waypoint: its hosts would be
    out of reach.

    Not reported when: the repository holds a NetworkPolicy for Egress, or hides some in templates; the entry has no waypoint.
    Policies of Cilium and Calico and firewalls of a cloud are not looked at: this is never more than a note.
    """
    bound = _bound(policy, mesh)
    if not bound or mesh.elsewhere(Kind.NETWORK_POLICY) or any(map(_restricts, mesh.all(Kind.NETWORK_POLICY))):
        return
    yield Problem(
        policy.spec.get("targetRefs"),
        f"{policy.title} controls what goes to {bound[0].title} at its waypoint only; no NetworkPolicy of the repository keeps clients "
        "from going to the host by another way.",
        fix=partial(_fix, policy, mesh),
    )


def _bound(policy: Resource, mesh: Mesh) -> list[Resource]:
    """The ServiceEntries for hosts outside of the mesh that a policy controls at their waypoint."""
    entries = [target.resource for target in mesh.targets(policy) if target.resource is not None and target.kind == "ServiceEntry"]
    outside = [entry for entry in entries if entry.spec.get("location").text != "MESH_INTERNAL"]
    return [entry for entry in outside if mesh.waypoint(entry).state is WaypointState.OK]


def _restricts(policy: Resource) -> bool:
    kinds = [node.text for node in policy.spec.each("policyTypes")]
    return "Egress" in kinds or policy.spec.get("egress").present


def _fix(policy: Resource, mesh: Mesh) -> Fix | None:
    from meshlint.api import networks

    alike = (one for one in mesh.all(Kind.AUTHORIZATION_POLICY) if one.namespace == policy.namespace and _bound(one, mesh))
    if next(alike, None) is not policy:
        return None
    clients = [workload for workload in mesh.workloads({}, policy.namespace) if not workload.gateway and workload.namespace]
    instead = networks.within_cluster(policy, {}, mesh) if clients else None
    return changes().add_object(policy, instead).fix("Keep the pods of the namespace to the cluster") if instead else None
