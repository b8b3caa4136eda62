"""ML316 vm-workloads."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import Impact, Kind, Mesh, Problem, Resource, Severity, rule


@rule(
    "ML316", "vm-workloads", Severity.ERROR, impact=Impact.BREAKS, each=(Kind.WORKLOAD_GROUP, Kind.WORKLOAD_ENTRY), reads=[],
    evidence="docs",
    sources=["https://istio.io/latest/docs/ambient/migrate/", "https://ambientmesh.io/docs/setup/sidecar-migration"],
    remedy="Leave the machine and the namespaces that it calls on sidecars, or make it a plain ServiceEntry endpoint outside of the mesh.",
    points_to=[],
)  # fmt: skip
def vm_workloads(resource: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A virtual machine is a workload of the mesh, and ambient has no data plane for machines.

    ztunnel runs on Kubernetes nodes. A machine keeps its sidecar: workloads in ambient can call it, but it uses no waypoints and
    sends no HBONE unless that is enabled for it, so L7 rules of the Services that it calls do not apply to it. Upstream lists
    machines as a reason not to migrate yet.

    ```yaml
    apiVersion: networking.istio.io/v1
    kind: WorkloadGroup # expect: ML316
    metadata:
      name: billing
      namespace: shop
    spec:
      template:
        serviceAccount: billing
    ```

    Remedy: keep the machine and the namespaces that it talks to on sidecars, in a mesh of both kinds; or take it out of the
    mesh and reach it as a ServiceEntry, by an egress waypoint. There is no automatic fix.

    A WorkloadGroup is one, and a WorkloadEntry with a serviceAccount (an identity of the mesh) or a network of its own.

    Not reported when a WorkloadEntry only states the address of an endpoint of a ServiceEntry, and when the namespace stays out
    of ambient.
    """
    if not mesh.candidate(resource):
        return
    if resource.kind is Kind.WORKLOAD_GROUP:
        yield Problem(resource.root, f"{resource.title} registers machines in the mesh, and ambient has no data plane for machines.")
        return
    for field, what in (("serviceAccount", "an identity of the mesh"), ("network", "a network of its own")):
        at = resource.spec.get(field)
        if at.text:
            yield Problem(
                resource.root,
                f"{resource.title} is a machine with {what} ({field}: {at.text}), and ambient has no data plane for machines.",
                related=((at, "this makes it a workload of the mesh"),),
            )
            return
