"""ML505 egress-file-mounted-certs."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import WORKLOADS, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_FIELDS = ("clientCertificate", "privateKey", "caCertificates")
_MODES = frozenset({"SIMPLE", "MUTUAL"})


@rule(
    "ML505",
    "egress-file-mounted-certs",
    Severity.ERROR,
    impact=Impact.BREAKS,
    each=Kind.DESTINATION_RULE,
    needs=["clientCertificate", "privateKey", "caCertificates"],
    reads=[Kind.SERVICE, Kind.SERVICE_ENTRY, Kind.VIRTUAL_SERVICE, Kind.GATEWAY, Kind.K8S_GATEWAY, *WORKLOADS],
    evidence="docs",
    sources=[
        "https://istio.io/latest/docs/reference/config/networking/destination-rule/",
        "istio@86c9f01:pilot/pkg/networking/core/cluster_waypoint.go",
    ],
    remedy="Use credentialName, with the Secret in the namespace of the waypoint.",
    points_to=[],
)
def egress_file_mounted_certs(policy: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A DestinationRule names certificates by the path of a file; that file is in the client's sidecar, and the waypoint does
    not have it.

    Such files come into the sidecar by a volume (annotation `sidecar.istio.io/userVolume`). In ambient the waypoint opens
    the connection: without the file it has no certificate, and the connection fails.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: ServiceEntry
    metadata:
      name: partner
      namespace: shop
      labels:
        istio.io/use-waypoint: egress
    spec:
      hosts:
        - api.example.com
      location: MESH_EXTERNAL
      resolution: DNS
      ports:
        - number: 80
          name: http
          protocol: HTTP
          targetPort: 443
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata:
      name: egress
      namespace: shop
    spec:
      gatewayClassName: istio-waypoint
      listeners:
        - name: mesh
          port: 15008
          protocol: HBONE
    ---
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata:
      name: partner
      namespace: shop
    spec:
      host: api.example.com
      trafficPolicy:
        tls:
          mode: MUTUAL
          clientCertificate: /etc/certs/cert.pem # expect: ML505
          privateKey: /etc/certs/key.pem
    ```

    Remedy: the certificates in a Secret of the waypoint's namespace (a proxy looks for it in its own):

        trafficPolicy: {tls: {mode: MUTUAL, credentialName: partner-client-cert}}

    There is no automatic fix: the Secret has to be made first. One finding for each tls setting, at the first file.

    Not reported when: caCertificates is `system`; the host is not in the mesh or stays out of ambient; a VirtualService for
    the host is bound to a gateway, or the rule is for the pods of gateways (workloadSelector), where a gateway that mounts the files
    goes on reading them.
    """
    host = mesh.host(policy.spec.get("host"), policy)
    subject = mesh.moves(host, policy)
    if subject is None or any(mesh.binding(service).gateways for service in mesh.virtual_services(host)):
        return
    if mesh.selects_only_gateways(policy.spec.get("workloadSelector", "matchLabels").strings(), policy.namespace):
        return
    for tls in _settings(policy):
        files = [tls.get(field) for field in _FIELDS if _is_file(tls.get(field))]
        if files and tls.get("mode").text in _MODES and not tls.get("credentialName").present:
            message = f"{policy.title} reads {files[0].text} for TLS to {host.title}: that file is in the sidecar, not in a waypoint."
            yield Problem(files[0], message, subject=subject)


def _settings(policy: Resource) -> Iterator[Node]:
    traffic = policy.spec.get("trafficPolicy")
    holders = [traffic, *traffic.each("portLevelSettings")]
    for subset in policy.spec.each("subsets"):
        holders += [subset.get("trafficPolicy"), *subset.each("trafficPolicy", "portLevelSettings")]
    yield from (holder.get("tls") for holder in holders if holder.get("tls"))


def _is_file(node: Node) -> bool:
    return bool(node.text) and node.text != "system"
