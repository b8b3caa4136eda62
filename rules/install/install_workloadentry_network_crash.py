"""ML714 install-workloadentry-network-crash."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ISTIOD, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule

_FLAG = "AMBIENT_ENABLE_MULTI_NETWORK"
_LABEL = "topology.istio.io/network"


@rule(
    "ML714", "install-workloadentry-network-crash", Severity.ERROR, impact=Impact.BREAKS, each=Kind.WORKLOAD_ENTRY,
    reads=[Kind.NAMESPACE], evidence="code",
    needs=["network"],
    sources=["istio@86c9f01:releasenotes/notes/59321.yaml", "https://github.com/istio/istio/pull/59321"],
    remedy="Upgrade istiod first, take the network off the entry, or set AMBIENT_ENABLE_MULTI_NETWORK=true.",
)  # fmt: skip
def install_workloadentry_network_crash(entry: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A WorkloadEntry of another network crashes istiod of Istio 1.28.0 to 1.28.5 and 1.29.0 as soon as ambient is on.

    That stops configuration for the pods with sidecars, too. Such entries are often left from trials with VMs or several networks.

    ```yaml
    # args: --target istio=1.29.0
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: mesh
      namespace: istio-system
    spec:
      profile: ambient
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: istio-system
      labels: {topology.istio.io/network: east}
    ---
    apiVersion: networking.istio.io/v1
    kind: WorkloadEntry # expect: ML316
    metadata:
      name: billing
      namespace: shop
    spec:
      address: 10.2.0.7
      network: west # expect: ML714
    ```

    Remedy: any of the three. Not automatic: an upgrade is more than a number, and the entry may be needed.

    An error as soon as istiod runs ambient, a warning before. Not reported when: the entry has no network, or that of the cluster (the
    label `topology.istio.io/network` of istiod's namespace, else `global.network`); neither is known; the flag is on; the repository
    does not install istiod; other releases are the target (before 1.28 the code is another one).
    """
    network = entry.spec.get("network")
    affected = mesh.target.istio_at_least("1.28.0") and not mesh.target.istio_at_least("1.28.6", "1.29.1", "1.30.0")
    if not network.text or not affected:
        return
    local, ambient = _local(mesh), mesh.ambient_control_plane()
    if local is None or not local.text or local.text == network.text or ambient is None:
        return
    if (mesh.istiod_env(_FLAG) or "").lower() in ("true", "1"):
        return
    message = f"{entry.title} is of network {network.text}, this cluster of {local.text}: istiod {mesh.target.istio_tag} crashes on it"
    when = "." if ambient else ", once it runs ambient."
    severity = Severity.ERROR if ambient else Severity.WARNING
    yield Problem(network, message + when, severity, related=((local, "this cluster's network"),), final=bool(ambient))


def _local(mesh: Mesh) -> Node | None:
    """The name of this cluster's network."""
    for one in mesh.installers(ISTIOD):
        home = mesh.find(Kind.NAMESPACE, "", one.namespace) if one.namespace else None
        if home is not None and home.label(_LABEL).present:
            return home.label(_LABEL)
        if one.value("global", "network").present:
            return one.value("global", "network")
    return None
