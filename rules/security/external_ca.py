"""ML225 external-ca."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import ISTIO_CSR, ISTIOD, MESH, ZTUNNEL, Fix, Impact, Installer, Mesh, Node, Problem, Severity, changes, flag, rule

_ACCOUNTS = ("app", "server", "caTrustedNodeAccounts")


@rule(
    "ML225", "external-ca", Severity.WARNING, impact=Impact.BREAKS, reads=[], evidence="docs",
    sources=[
        "istio@86c9f01:architecture/ambient/ztunnel.md", "https://istio.io/latest/docs/ambient/architecture/",
        "https://github.com/cert-manager/istio-csr (deploy/charts/istio-csr/values.yaml)",
    ],
    remedy="Give ztunnel the CA's address (caAddress), and tell the CA to trust ztunnel's account for the pods of its node.",
    points_to=[],
)  # fmt: skip
def external_ca(mesh: Mesh) -> Iterator[Problem]:
    """Certificates come from another CA than istiod, and ztunnel is not told so, or the CA does not know ztunnel.

    A sidecar asks for its own certificate. ztunnel asks on behalf of all pods of its node, at the address in its own values, by default
    istiod's; and a CA that only knows the token of the pod itself refuses it.

    ```yaml
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: istio-csr
      namespace: cert-manager
    spec:
      chart: {spec: {chart: cert-manager-istio-csr}}
      values:
        app: # expect: ML225
          tls: {trustDomain: cluster.local}
    ```

    Remedy: `caAddress: cert-manager-istio-csr.cert-manager.svc:443` for ztunnel, and for istio-csr

        app: {server: {caTrustedNodeAccounts: istio-system/ztunnel}}

    The fix writes them into values that stand in the repository as a mapping, with the address that istiod has, and with the namespace
    of ztunnel as it is installed here (else the root namespace). It needs a look: what else the CA needs is not in these values. None
    is offered where no address is told, and while no ztunnel is installed.

    Reported are an istiod with `global.caAddress` or ENABLE_CA_SERVER=false whose ztunnel has no caAddress (at the setting, if the
    repository installs no ztunnel yet), and istio-csr without caTrustedNodeAccounts. Not reported when: the CA is istiod, with its own
    root, one in the Secret `cacerts`, or as a registration authority for the signer of Kubernetes (EXTERNAL_CA, which ztunnel does not
    notice); ztunnel has an address, shares `global` with istiod, or comes with another istiod in one IstioOperator or umbrella chart;
    a template, or values from elsewhere, decide.
    """
    for plane in mesh.installers(ISTIOD):
        if (at := _elsewhere(plane)) is not None:
            yield from _address(plane, at, mesh)
    for one in mesh.installers(ISTIO_CSR):
        accounts = one.value(*_ACCOUNTS)
        if (not accounts.present and one.closed) or accounts.value == "":
            message = f"{one.title} sets no app.server.caTrustedNodeAccounts: it refuses the certificates that ztunnel asks for."
            yield Problem(accounts, message, fix=partial(_trusted, one, accounts, mesh), subject=MESH)


def _elsewhere(plane: Installer) -> Node | None:
    """What says that the CA is not istiod."""
    address, server = plane.value("global", "caAddress"), plane.env("ENABLE_CA_SERVER")
    if address.text and not address.text.startswith("istiod"):
        return address
    return server if server.present and flag(server) is False else None


def _address(plane: Installer, at: Node, mesh: Mesh) -> Iterator[Problem]:
    tunnels = mesh.installers(ZTUNNEL)
    if not tunnels and not mesh.installers(ZTUNNEL, anywhere=True):
        message = f"{plane.title} leaves certificates to another CA: ztunnel needs its address, and the CA must trust ztunnel's account."
        yield Problem(at, message, subject=MESH)
    planes = {other.root for other in mesh.installers(ISTIOD)}
    for one in tunnels:
        if one.root != plane.root and one.root in planes:
            continue  # it comes with an istiod of its own
        found = [node for node in (one.value("caAddress"), one.value("global", "caAddress"), one.env("CA_ADDRESS")) if node.present]
        missing = not found and one.closed and one.root != plane.root
        if missing or any((node.text or "").startswith("istiod") for node in found):
            place = found[0] if found else one.value("caAddress")
            message = f"{one.title} asks istiod for certificates, which {plane.title} leaves to another CA."
            fix = partial(_addressed, one, found, plane.value("global", "caAddress").text)
            yield Problem(place, message, related=((at, "the other CA"),), fix=fix, subject=MESH)


def _addressed(tunnel: Installer, found: Sequence[Node], address: str | None) -> Fix | None:
    if not address or len(found) > 1:
        return None
    if found:
        return changes().set(found[0], address).fix("Give ztunnel the address of the CA")
    values = _values(tunnel)
    return None if values is None else changes().set_key(values, "caAddress", address).fix("Give ztunnel the address of the CA")


def _trusted(csr: Installer, accounts: Node, mesh: Mesh) -> Fix | None:
    namespaces = {one.namespace or mesh.settings.root_namespace for one in mesh.installers(ZTUNNEL, anywhere=True)}
    values = _values(csr)
    if len(namespaces) > 1 or (values is None and not accounts.present):
        return None
    account = f"{namespaces.pop() if namespaces else mesh.settings.root_namespace}/ztunnel"
    made = changes().set(accounts, account) if accounts.present or values is None else changes().set_key(values, _ACCOUNTS, account)
    return made.fix("Trust the account of ztunnel")


def _values(one: Installer) -> Node | None:
    """The mapping of values that wins, if they stand as one."""
    found = [layer.node for layer in one.layers if not layer.named and not layer.env and not layer.only]
    return found[0] if found and found[0].is_map and len(found) == len(one.layers) else None
