"""ML706 install-platform-cni."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import CILIUM, ISTIOD, MESH, Fix, Impact, Installer, Kind, Mesh, Mode, Node, Problem, Severity, changes, flag, rule

_MESHED = (Mode.SIDECAR, Mode.AMBIENT, Mode.BOTH)


@rule(
    "ML706", "install-platform-cni", Severity.WARNING, impact=Impact.BREAKS, reads=[Kind.NAMESPACE], evidence="docs",
    sources=[
        "https://istio.io/latest/docs/ambient/install/platform-prerequisites/", "https://docs.cilium.io/en/stable/network/servicemesh/istio/",
    ],
    remedy="Give Cilium cni.exclusive: false, socketLB.hostNamespaceOnly: true where it replaces kube-proxy, and no bpf.masquerade.",
    points_to=[],
)  # fmt: skip
def install_platform_cni(mesh: Mesh) -> Iterator[Problem]:
    """Cilium is installed with settings under which ambient does not work.

    The istio-cni agent adds itself to the configuration of the primary CNI. Cilium removes what it did not write
    (`cni.exclusive`, the default), so that new pods are not redirected. Masquerading in eBPF (`bpf.masquerade`) loses the answers to
    the kubelet's probes, and where Cilium replaces kube-proxy, balancing at the socket hides the Service's address from ztunnel,
    and with it the waypoint.

    ```yaml
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: cilium
      namespace: kube-system
    spec:
      chart:
        spec:
          chart: cilium
          sourceRef: {kind: HelmRepository, name: cilium}
      values:
        cni:
          exclusive: true # expect: ML706
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ```

    Remedy: the three settings. The fix sets them; it needs a look, because they change how every pod of the cluster is networked.

    Looked at are releases of Cilium's chart. Not reported when: the repository shows no mesh; values may come from elsewhere (for
    a setting that is only missing); Cilium is not the primary CNI by this release (`cni.chainingMode` is set). GKE, OpenShift, k3s and EKS
    are not recognised from files.
    """
    if not mesh.installers(ISTIOD) and not any(mesh.mode(namespace) in _MESHED for namespace in mesh.all(Kind.NAMESPACE)):
        return
    for one in mesh.installers(CILIUM):
        for at, message, path, value in _wrong(one):
            yield Problem(at, f"{one.title}: {message}", fix=partial(_fix, one, path, value), subject=MESH)


def _fix(one: Installer, path: tuple[str, ...], value: bool) -> Fix | None:
    from meshlint.api import installs

    made = changes()
    done = installs.set_value(made, one, path, value)
    return made.fix(f"Set {'.'.join(path)} to {str(value).lower()}") if done else None


def _wrong(one: Installer) -> Iterator[tuple[Node, str, tuple[str, ...], bool]]:
    """Where, what is wrong, and which value it should have."""
    if one.value("cni", "chainingMode").text not in (None, "none"):
        return
    exclusive = one.value("cni", "exclusive")
    if _on(exclusive) if exclusive.present else one.closed:
        said = "cni.exclusive is true" if exclusive.present else "cni.exclusive is true by default"
        message = f"{said}, so Cilium removes istio-cni from the CNI configuration, and pods are not redirected to ztunnel."
        yield exclusive, message, ("cni", "exclusive"), False
    masquerade = one.value("bpf", "masquerade")
    if _on(masquerade):
        yield masquerade, "with bpf.masquerade the kubelet's probes of ambient pods fail.", ("bpf", "masquerade"), False
    replaces, only = one.value("kubeProxyReplacement"), one.value("socketLB", "hostNamespaceOnly")
    if _on(replaces) and (flag(only) is False if only.present else one.closed):
        message = "it replaces kube-proxy without socketLB.hostNamespaceOnly, so ztunnel sees pod addresses instead of Services."
        yield only if only.present else replaces, message, ("socketLB", "hostNamespaceOnly"), True


def _on(node: Node) -> bool:
    return flag(node) is True or node.text == "strict"
