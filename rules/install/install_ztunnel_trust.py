"""ML713 install-ztunnel-trust."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ISTIOD, MESH, ZTUNNEL, Fix, Impact, Installer, Kind, Mesh, Node, Problem, Severity, changes, rule

_ACCOUNTS = "CA_TRUSTED_NODE_ACCOUNTS"


@rule(
    "ML713", "install-ztunnel-trust", Severity.WARNING, impact=Impact.BREAKS, reads=[], evidence="code",
    sources=[
        "istio@86c9f01:manifests/charts/istio-control/istio-discovery/templates/deployment.yaml",
        "istio@86c9f01:manifests/charts/ztunnel/values.yaml (resourceName)", "istio@86c9f01:architecture/ambient/ztunnel.md",
    ],
    remedy="Set trustedZtunnelNamespace of istiod to ztunnel's namespace, and give ztunnel istiod's network and cluster name.",
    points_to=[],
)  # fmt: skip
def install_ztunnel_trust(mesh: Mesh) -> Iterator[Problem]:
    """istiod does not trust ztunnel where it runs or as it is called, or the two disagree on the name of the cluster or network.

    ztunnel asks for certificates on behalf of all pods of its node, which istiod grants to the accounts of its
    CA_TRUSTED_NODE_ACCOUNTS only; the chart fills in ztunnel in istiod's own namespace. Where `resourceName` calls ztunnel's account
    otherwise (from Istio 1.25 on), `trustedZtunnelName` has to. The names of cluster and network are values of both
    charts: where they differ, ztunnel's tokens are taken for those of another cluster, and pods next to it for remote ones.

    ```yaml
    apiVersion: sailoperator.io/v1
    kind: Istio
    metadata:
      name: default
    spec:
      namespace: istio-system
      profile: ambient
      values: # expect: ML713
        meshConfig: {accessLogEncoding: TEXT}
    ---
    apiVersion: sailoperator.io/v1
    kind: IstioCNI
    metadata:
      name: default
    spec:
      namespace: istio-cni
      profile: ambient
    ---
    apiVersion: sailoperator.io/v1
    kind: ZTunnel
    metadata:
      name: default
    spec:
      namespace: ztunnel
    ```

    Remedy: `trustedZtunnelNamespace: ztunnel` (or `trustedZtunnelName`) for istiod; `network` and `multiCluster.clusterName` for
    ztunnel. The fix writes that where the repository has the values, and takes istiod for right; it needs a look, because ztunnel may
    be where it is by mistake.

    Not reported when: both run in one namespace, or the setting names it (also in CA_TRUSTED_NODE_ACCOUNTS, or by a platform or
    profile of OpenShift, which stands for kube-system); an environment has several of them, or a namespace is not
    known; a ZTunnel with `targetRef` takes names over from its Istio; ztunnel has the names from its `env` (NETWORK,
    ISTIO_META_CLUSTER_ID); a template, or values from elsewhere, decide.
    """
    planes = [one for one in mesh.installers(ISTIOD) if not one.remote]
    tunnels = mesh.installers(ZTUNNEL)
    if len(planes) != 1 or len(tunnels) != 1:
        return
    plane, tunnel = planes[0], tunnels[0]
    if (at := _distrust(plane, tunnel)) is not None:
        message = f"{plane.title} does not trust ztunnel in namespace {tunnel.namespace}: it refuses the certificates of ambient pods."
        yield Problem(at, message, related=((tunnel.at, "ztunnel"),), fix=partial(_trusted, plane, tunnel), subject=MESH)
    if mesh.target.istio_at_least("1.25.0") and (at is None or not plane.env(_ACCOUNTS).present):
        yield from _account(plane, tunnel)
    if plane.root != tunnel.root:
        yield from _names(plane, tunnel)


def _distrust(plane: Installer, tunnel: Installer) -> Node | None:
    """What says whom istiod trusts, if that is not ztunnel."""
    if not plane.namespace or not tunnel.namespace:
        return None
    accounts, named = plane.env(_ACCOUNTS), plane.value("trustedZtunnelNamespace")
    if accounts.present:
        known = [part.strip().partition("/")[0] for part in (accounts.text or "").split(",")]
        return accounts if accounts.text and tunnel.namespace not in known else None
    if named.present and named.value != "":
        return named if named.text and named.text != tunnel.namespace else None
    if not plane.closed or named.unknown or plane.rendered:
        return None
    platform = plane.value("global", "platform") if plane.value("global", "platform").present else plane.value("platform")
    if platform.unknown:
        return None
    openshift = platform.text == "openshift" or any((node.text or "").startswith("openshift") for node in plane.profile)
    trusted = "kube-system" if openshift else plane.namespace
    return named if tunnel.namespace != trusted else None


def _account(plane: Installer, tunnel: Installer) -> Iterator[Problem]:
    """Is ztunnel's account called as istiod expects?"""
    own, named, accounts = tunnel.value("resourceName"), plane.value("trustedZtunnelName"), plane.env(_ACCOUNTS)
    if not own.text or named.unknown or accounts.unknown or plane.rendered or not (named.present or accounts.present or plane.closed):
        return
    trusted = [part.strip() for part in accounts.text.split(",")] if accounts.text else [f"{tunnel.namespace}/{named.text or 'ztunnel'}"]
    if not tunnel.namespace or f"{tunnel.namespace}/{own.text}" in trusted:
        return
    message = f"{tunnel.title} calls ztunnel's account {own.text}, which istiod does not trust: it gives ambient pods no certificates."
    remedy = f"Set trustedZtunnelName of istiod to {own.text}."
    if accounts.text or _of_sail(plane):
        remedy = f"Add {tunnel.namespace}/{own.text} to {_ACCOUNTS} of istiod, or leave ztunnel its name."
    related = ((accounts if accounts.text else named if named.present else plane.at, "whom istiod trusts"),)
    yield Problem(own, message, related=related, remedy=remedy, fix=partial(_called, plane, tunnel, own.text), subject=MESH)


def _called(plane: Installer, tunnel: Installer, name: str) -> Fix | None:
    from meshlint.api import installs

    made, accounts = changes(), plane.env(_ACCOUNTS)
    if accounts.text:
        return made.set(accounts, f"{accounts.text},{tunnel.namespace}/{name}").fix("Trust ztunnel as it is called")
    done = not _of_sail(plane) and installs.set_value(made, plane, ("trustedZtunnelName",), name)
    return made.fix("Trust ztunnel as it is called") if done else None


def _of_sail(plane: Installer) -> bool:
    """The API of the sail operator has no trustedZtunnelName."""
    return plane.holder is not None and plane.holder.kind in (Kind.ISTIO, Kind.ISTIO_REVISION)


def _names(plane: Installer, tunnel: Installer) -> Iterator[Problem]:
    """Names that istiod is given and ztunnel is not, or others."""
    if tunnel.holder is not None and tunnel.holder.spec.get("targetRef").present:
        return
    pairs = (
        ("network", plane.value("global", "network"), ("network",), "NETWORK"),
        ("cluster name", plane.value("global", "multiCluster", "clusterName"), ("multiCluster", "clusterName"), "ISTIO_META_CLUSTER_ID"),
    )
    for what, said, path, variable in pairs:
        if not said.text or (what == "cluster name" and said.text == "Kubernetes"):
            continue
        own = _own(tunnel, path, variable)
        if own.unknown or (not own.present and not tunnel.closed) or own.text == said.text:
            continue
        at = own if own.present else tunnel.value(*path)
        has = f'gives ztunnel the {what} "{own.text}"' if own.text else f"gives ztunnel no {what}"
        message = f'{tunnel.title} {has}, and istiod has "{said.text}": they take each other\'s pods for remote ones.'
        fix = partial(_named, tunnel, path, said.text)
        yield Problem(at, message, related=((said, f"istiod's {what}"),), fix=fix, subject=MESH)


def _own(tunnel: Installer, path: tuple[str, ...], variable: str) -> Node:
    """What ztunnel is given; the chart puts variables of its environment behind what it makes of its values, so that they win."""
    metadata = tunnel.value("meshConfig", "defaultConfig", "proxyMetadata", variable)
    ways = (tunnel.env(variable), metadata, tunnel.value(*path))
    return next((node for node in ways if node.present), tunnel.value("global", *path))


def _trusted(plane: Installer, tunnel: Installer) -> Fix | None:
    from meshlint.api import installs

    made, accounts = changes(), plane.env(_ACCOUNTS)
    if accounts.present:
        account = f"{tunnel.namespace}/{tunnel.value('resourceName').text or 'ztunnel'}"
        return made.set(accounts, f"{accounts.text},{account}").fix("Trust ztunnel where it runs")
    done = installs.set_value(made, plane, ("trustedZtunnelNamespace",), tunnel.namespace)
    return made.fix("Trust ztunnel where it runs") if done else None


def _named(tunnel: Installer, path: tuple[str, ...], name: str) -> Fix | None:
    from meshlint.api import installs

    made, below = changes(), tunnel.value("global", *path)
    done = installs.set_value(made, tunnel, path if tunnel.value(*path).present or not below.present else ("global", *path), name)
    return made.fix(f"Give ztunnel istiod's {path[-1]}") if done else None
