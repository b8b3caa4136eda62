"""ML708 install-proxy-capture-values."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ISTIOD, MESH, Impact, Installer, Kind, Mesh, Node, Problem, Resource, Severity, rule

_LISTS = {
    "excludeIPRanges": "keeps these addresses out of the sidecars",
    "excludeOutboundPorts": "keeps calls to these ports out of the sidecars",
    "excludeInboundPorts": "keeps calls of these ports out of the sidecars",
    "includeIPRanges": "leads calls to these addresses only through the sidecars",
    "includeOutboundPorts": "leads calls to these ports, too, through the sidecars",
    "includeInboundPorts": "leads calls of these ports only through the sidecars",
}


@rule(
    "ML708", "install-proxy-capture-values", Severity.ERROR, impact=Impact.DIFFERS, reads=[Kind.PEER_AUTHENTICATION, Kind.CONFIG_MAP],
    evidence="issue",
    sources=["https://github.com/istio/istio/issues/49829", "istio@86c9f01:cni/pkg/util/enablement_selector.go"],
    remedy="Check what the list is for: give ports that must stay plain a PERMISSIVE portLevelMtls, and keep pods out by "
    "istio.io/dataplane-mode: none where nothing else does; take the list away with the last sidecar.",
    points_to=[Kind.PEER_AUTHENTICATION],
)  # fmt: skip
def install_proxy_capture_values(mesh: Mesh) -> Iterator[Problem]:
    """The installation keeps addresses or ports out of all sidecars; ambient has no such lists and captures all TCP traffic.

    `global.proxy.excludeIPRanges` and its like become iptables rules of the injected pods. In ambient the traffic in question goes through
    ztunnel, which matters most for ports that are called without mTLS: with STRICT, which did not reach them, those calls are
    refused.

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: mesh
      namespace: istio-system
    spec:
      profile: ambient
      values:
        global:
          proxy:
            excludeInboundPorts: "9090" # expect: ML708=warning
    ```

    Remedy: most exclusions are not needed, since ztunnel passes on what it does not know. Not automatic: only the owner knows what a
    list is for. For lists at pods see [pod-traffic-annotations](pod-traffic-annotations.md).

    An error where inbound ports are kept out and a PeerAuthentication of the environment is STRICT, else a warning. Also reported is
    `interceptionMode: TPROXY`. Not reported when: a list is empty or at its default (`"*"`), or a template fills it in.
    `privileged`, `proxy_init` and `chained` are not reported: nothing is lost with them.
    """
    strict = next((node for node in map(_strict, mesh.all(Kind.PEER_AUTHENTICATION)) if node is not None), None)
    for one in mesh.installers(ISTIOD):
        for name, what in _LISTS.items():
            node = one.value("global", "proxy", name)
            if node and str(node.value).strip() not in ("", "*"):
                yield _list(one, name, what, node, strict)
    for setting in mesh.mesh_settings():
        mode = setting.config.get("defaultConfig", "interceptionMode")
        if mode.text == "TPROXY":
            message = "interceptionMode TPROXY is of sidecars only: ambient redirects in its own way, and keeps the caller's address."
            yield Problem(mode, message, Severity.WARNING, impact=Impact.IGNORED, subject=MESH)


def _list(one: Installer, name: str, what: str, node: Node, strict: Node | None) -> Problem:
    message = f"{one.title}: global.proxy.{name} {what} in the whole mesh; ambient captures all TCP traffic, whatever is listed here"
    if name == "excludeInboundPorts" and strict is not None:
        refused = f"{message}, and STRICT refuses callers of these ports that have no mTLS."
        return Problem(node, refused, impact=Impact.STRICTER, related=((strict, "STRICT"),), subject=MESH)
    return Problem(node, f"{message}.", Severity.WARNING, subject=MESH)


def _strict(policy: Resource) -> Node | None:
    mode = policy.spec.get("mtls", "mode")
    return mode if mode.text == "STRICT" else None
