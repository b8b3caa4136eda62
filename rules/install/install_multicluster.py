"""ML707 install-multicluster."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ISTIOD, MESH, Impact, Installer, Kind, Mesh, Node, Problem, Severity, flag, rule

_FLAG = "AMBIENT_ENABLE_MULTI_NETWORK"


@rule(
    "ML707", "install-multicluster", Severity.WARNING, impact=Impact.DIFFERS, reads=[Kind.GATEWAY, Kind.K8S_GATEWAY, Kind.CONFIG_MAP],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/features/ambient.go",
        "https://istio.io/latest/docs/ambient/install/multicluster/", "https://istio.io/latest/docs/ambient/migrate/",
    ],
    remedy="Make every cluster a primary, switch AMBIENT_ENABLE_MULTI_NETWORK on, and label the Services that are shared.",
)  # fmt: skip
def install_multicluster(mesh: Mesh) -> Iterator[Problem]:
    """The mesh spans clusters in a way that ambient does not support, or not without a flag.

    With sidecars all clusters share all Services of the same name. Ambient shares what `istio.io/global: "true"` marks, needs the
    same waypoints and routes in every cluster, and an istiod in each: one cluster that is configured by another's
    (primary-remote, external control plane) blocks the migration. Several networks work from Istio 1.27 (alpha; beta from 1.29),
    with AMBIENT_ENABLE_MULTI_NETWORK on istiod.

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: remote
      namespace: istio-system
    spec:
      profile: remote
      values:
        global:
          remotePilotAddress: 10.1.2.3 # expect: ML707=warning
    ```

    Remedy: [istio.io](https://istio.io/latest/docs/ambient/install/multicluster/) describes the way: one primary for each
    cluster, the label `topology.istio.io/network` on istio-system, a Gateway of class istio-east-west, the flag. Not automatic.

    An error for a cluster under another's control plane, and for several networks before Istio 1.27. Several networks are
    `meshNetworks` with two or more, or a network name beside an east-west gateway (an Istio Gateway with AUTO_PASSTHROUGH, or a
    Gateway of class istio-east-west). Not reported when: only clusterName, meshID or network is set, as many single clusters do;
    the flag is true, or may be (a template, values from elsewhere).
    """
    for one in mesh.installers(ISTIOD):
        if (found := _controlled(one)) is not None:
            at, what = found
            message = f"{one.title} {what} (primary-remote), which ambient does not support."
            yield Problem(at, message, Severity.ERROR, impact=Impact.BREAKS, subject=MESH)
            continue
        network = one.value("global", "network")
        several = _several(one, mesh) if network.text else None
        if several is not None and _off(one):
            yield _networks(network, several, one, mesh)


def _controlled(one: Installer) -> tuple[Node, str] | None:
    """What says that a cluster is under another cluster's control plane, or that its own is also that of others."""
    profiles = (*one.profile, one.value("profile"), one.value("global", "profile"))
    remote = [node for node in (one.value("global", "remotePilotAddress"), one.value("istiodRemote", "enabled")) if _said(node)]
    remote += [node for node in profiles if node.text == "remote"]
    if remote:
        return remote[0], "puts this cluster under another cluster's control plane"
    outside = [node for node in (one.value("global", "externalIstiod"), one.env("EXTERNAL_ISTIOD")) if _said(node)]
    return (outside[0], "is the control plane of other clusters, too") if outside else None


def _said(node: Node) -> bool:
    return bool(node) and node.value != "" and str(node.value).lower() != "false"


def _off(one: Installer) -> bool:
    switch = one.env(_FLAG)
    return flag(switch) is False if switch.present else one.closed


def _several(one: Installer, mesh: Mesh) -> Node | None:
    """What shows that there are several networks."""
    networks = one.value("global", "meshNetworks")
    if len([*networks.items()]) > 1:
        return networks
    for gateway in mesh.all(Kind.GATEWAY):
        for server in gateway.spec.each("servers"):
            if server.get("tls", "mode").text == "AUTO_PASSTHROUGH":
                return server.get("tls", "mode")
    for gateway in mesh.all(Kind.K8S_GATEWAY):
        if gateway.spec.get("gatewayClassName").text == "istio-east-west":
            return gateway.spec.get("gatewayClassName")
    return None


def _networks(network: Node, shown: Node, one: Installer, mesh: Mesh) -> Problem:
    related = ((shown, "there are several networks"),)
    message = f"{one.title} is one of several networks (here {network.text})"
    if not mesh.target.istio_at_least("1.27.0"):
        said = f"{message}, and Istio {mesh.target.istio} has no ambient for that (from 1.27): ambient pods do not reach the others."
        return Problem(network, said, Severity.ERROR, impact=Impact.BREAKS, related=related, subject=MESH)
    said = f"{message}, and istiod runs without {_FLAG}=true: ambient pods do not reach Services of the others."
    remedy = (
        f"Set {_FLAG}=true on istiod, bring a Gateway of class istio-east-west, and label the Services that are shared "
        'istio.io/global: "true".'
    )
    return Problem(network, said, related=related, remedy=remedy, subject=MESH)
