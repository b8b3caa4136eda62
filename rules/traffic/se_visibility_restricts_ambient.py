"""ML143 se-visibility-restricts-ambient."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import GATEWAY_API_KINDS, WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML143", "se-visibility-restricts-ambient", Severity.ERROR, impact=Impact.IGNORED, each=Kind.SERVICE_ENTRY, evidence="code",
    reads=[
        Kind.SERVICE, Kind.VIRTUAL_SERVICE, Kind.GATEWAY, Kind.ISTIO_OPERATOR, Kind.ISTIO, Kind.CONFIG_MAP, Kind.HELM_RELEASE,
        *GATEWAY_API_KINDS, *WORKLOADS,
    ],
    sources=[
        "istio/api mesh/v1alpha1/config.proto (ServiceEntryVisibility)", "istio pilot/pkg/model/serviceentry_visibility.go",
        "istio pilot/pkg/serviceregistry/ambient/waypoints.go (fetchWaypointForService)",
        "istio releasenotes/notes/60870-serviceentry-visibility.yaml",
    ],
    remedy="Add a policy to serviceEntryVisibility that gives this namespace PUBLIC, or move the waypoint next to the entry.",
)  # fmt: skip
def se_visibility_restricts_ambient(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """MeshConfig's `serviceEntryVisibility` hides a ServiceEntry from ambient clients or from its waypoint.

    From Istio 1.31 this setting decides who sees a ServiceEntry in ambient. Sidecars go by exportTo and heed it only with
    `applyToSidecars: true`, so nothing shows before the clients move. NONE: ztunnel and waypoints do not know the entry at
    all. NAMESPACE: clients of other namespaces do not know it, and a waypoint of another namespace refuses it.

    ```yaml
    # args: --target istio=1.31
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: istio
      namespace: istio-system
    data:
      mesh: |-
        serviceEntryVisibility:
          defaultVisibility: NAMESPACE
    ---
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        istio.io/use-waypoint: egress  # expect: ML143
        istio.io/use-waypoint-namespace: istio-egress
    spec:
      hosts: [api.example.com]
      location: MESH_EXTERNAL
      resolution: DNS
      ports: [{number: 443, name: tls, protocol: TLS}]
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: egress
      namespace: istio-egress
    spec:
      gatewayClassName: istio-waypoint
      listeners: [{name: mesh, port: 15008, protocol: HBONE, allowedRoutes: {namespaces: {from: All}}}]
    ```

    Remedy: a policy for the namespace, the first that matches wins:

        serviceEntryVisibility:
          defaultVisibility: NAMESPACE
          policies:
            - visibility: PUBLIC
              matchingRules: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}]

    or the waypoint, and the clients' own entry, in the namespace where it is needed. There is no automatic fix: the setting is
    a decision of who runs the mesh.

    With `applyToSidecars: true` it is an error before the move as well. A namespace's labels that the repository does not hold
    decide nothing here, but for its name.

    Not reported when: Istio is older than 1.31; the setting is absent, or PUBLIC decides; NAMESPACE decides, and the waypoint and
    all routes that send to the host stand in the entry's namespace; no ambient client may read the entry. Kubernetes Services
    are not governed by it.
    """
    if not mesh.target.istio_at_least("1.31.0") or not mesh.read_in_ambient(entry):
        return
    found = mesh.visibility(entry)
    if found is None or found[0] == "PUBLIC":
        return
    visibility, said = found
    at, what = _hidden(entry, mesh) if visibility == "NAMESPACE" else (entry.spec.get("hosts"), "neither ztunnel nor a waypoint knows it")
    if at is not None:
        said_by = f"in ambient of Istio {mesh.target.istio}, by serviceEntryVisibility"
        message = f"{entry.title} has the visibility {visibility} {said_by}: {what}."
        yield Problem(at, message, related=((said, "the setting that decides"),), final=_for_sidecars(said))


def _hidden(entry: Resource, mesh: Mesh) -> tuple[Node | None, str]:
    """What of another namespace needs the entry, and what becomes of that."""
    waypoint = mesh.waypoint(entry)
    if waypoint.bound and waypoint.namespace not in ("", entry.namespace) and waypoint.label is not None:
        return waypoint.label, f"the waypoint {waypoint.namespace}/{waypoint.name} is in another namespace and refuses it"
    keys = {host.fqdn: host.written for host in mesh.hosts_of(entry)}
    for route in mesh.all(Kind.VIRTUAL_SERVICE):
        if route.namespace in ("", entry.namespace) or not mesh.candidate(route):
            continue
        for sent in mesh.destinations(route):
            if sent.mesh and sent.host.fqdn in keys and entry in sent.host.entries and len(sent.host.entries) == 1:
                node = next(node for node in entry.spec.each("hosts") if node.text == keys[sent.host.fqdn])
                return node, f"{route.title} sends to {sent.host.title} from another namespace, where nobody knows it"
    return None, ""


def _for_sidecars(said: Node) -> bool:
    """Do sidecars heed the setting as well?"""
    node: Node | None = said
    while node is not None:
        if node.get("applyToSidecars").value is True:
            return True
        node = node.parent
    return False
