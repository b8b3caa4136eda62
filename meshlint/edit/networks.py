"""NetworkPolicies that fixes add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from meshlint.edit.emit import Plain
from meshlint.edit.waypoints import namespace_of
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource

HBONE: Final = 15008
GATEWAY_NAME: Final = "gateway.networking.k8s.io/gateway-name"


def within_cluster(beside: Resource, labels: Mapping[str, str], mesh: Mesh) -> dict[str, Plain] | None:
    """A NetworkPolicy that lets pods of a namespace (all but gateways and waypoints, or those with the labels) send to pods of the
    cluster, and ask for names, and nowhere else; its name follows that of the object beside it. None: there is a policy of that
    name, or an external host that the repository declares for them would be out of reach."""
    namespace, name = beside.namespace, f"{beside.root.get('metadata', 'name').text or ''}-egress"
    if not namespace or mesh.find(Kind.NETWORK_POLICY, namespace, name) is not None or _cut_off(beside, mesh):
        return None
    expression: Plain = {"key": GATEWAY_NAME, "operator": "DoesNotExist"}
    pods: dict[str, Plain] = {"matchLabels": dict(labels)} if labels else {"matchExpressions": [expression]}
    names: Plain = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, **namespace_of(beside)},
        "spec": {
            "podSelector": pods,
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"namespaceSelector": {}}]}, {"ports": names}],
        },
    }


def _cut_off(beside: Resource, mesh: Mesh) -> bool:
    """Is there a ServiceEntry for hosts outside of the mesh that its readers reach directly, without a waypoint?"""
    for entry in mesh.all(Kind.SERVICE_ENTRY):
        inside = entry.spec.get("location").text == "MESH_INTERNAL"
        if not inside and mesh.readable(entry, beside.namespace) and not mesh.waypoint(entry).bound:
            return True
    return False
