"""ML715 install-gateway-api-channel-switch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import GATEWAY_API_KINDS, MESH, CrdSource, Impact, Kind, Mesh, Problem, Severity, rule, standard_since

_GUARDED = (1, 5, 0)  # the first bundle with the admission policy
_REFUSED = (1, 4, 0)  # which refuses bundles below this one


@rule(
    "ML715", "install-gateway-api-channel-switch", Severity.WARNING, impact=Impact.BREAKS, reads=[Kind.CRD], evidence="code",
    sources=["gateway-api@4564255:config/crd/standard/gateway.networking.k8s.io_vap_safeupgrades.yaml"],
    remedy="Install the CRDs from one source, of one channel and one release.",
    points_to=[],
)  # fmt: skip
def install_gateway_api_channel_switch(mesh: Mesh) -> Iterator[Problem]:
    """One environment installs CRDs of Gateway API from two channels, or an old bundle beside one that forbids it.

    From 1.5 on the bundle brings an admission policy. It refuses the CRDs of the experimental channel where those of the standard
    channel are installed, and every CRD of an old bundle. A sync then stops half-way, with CRDs of both.

    ```yaml
    # args: --target istio=1.30
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: httproutes.gateway.networking.k8s.io
      annotations:
        gateway.networking.k8s.io/bundle-version: v1.5.1
        gateway.networking.k8s.io/channel: standard
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata:
      name: grpcroutes.gateway.networking.k8s.io
      annotations:
        gateway.networking.k8s.io/bundle-version: v1.3.0 # expect: ML715
        gateway.networking.k8s.io/channel: standard
    ```

    Remedy: one source. Where the switch is meant, take the policy `safe-upgrades.gateway.networking.k8s.io` away in the same commit. Not
    automatic: which of the two is meant is not in the files.

    Not reported when: the two stand in different environments (clusters); no bundle is of 1.5 or later, so that there is no policy;
    the experimental CRD is of a kind that the standard channel does not have; the release is not written plainly. The policy's text
    lets bundles of 1.4 pass, whatever its message says.
    """
    sources = [source for source in mesh.crd_sources() if source.bundle is not None]
    guards = [source for source in sources if source.bundle and source.bundle.order >= _GUARDED]
    if not guards:
        return
    for source in sources:
        if source.bundle is not None and source.bundle.order < _REFUSED:
            message = f"The CRDs are of Gateway API {source.bundle}, and the admission policy that {guards[0].bundle} brings refuses them."
            yield Problem(source.at, message, related=((guards[0].at, "the newer bundle"),), subject=MESH)
        elif source.channel == "experimental" and (standard := _standard(source, sources)) is not None:
            message = "The CRDs are experimental, and here are standard ones of the same kinds: the bundle's admission policy refuses them."
            yield Problem(source.at, message, related=((standard.at, "the standard channel"),), subject=MESH)


def _standard(source: CrdSource, sources: Sequence[CrdSource]) -> CrdSource | None:
    """What installs the same CRD from the standard channel."""
    for other in sources:
        if other.channel == "standard":
            whole = not other.name and bool(source.name)
            if _in_standard(source, other) if whole else source.name in ("", other.name):
                return other
    return None


def _in_standard(single: CrdSource, whole: CrdSource) -> bool:
    """Has the standard channel of a bundle the kind of one CRD?"""
    plural = single.name.partition(".")[0]
    kind = next((kind for kind in GATEWAY_API_KINDS if plural in (f"{kind.kind.lower()}s", f"{kind.kind.lower()[:-1]}ies")), None)
    since = standard_since(kind) if kind is not None else None
    if since is None or whole.bundle is None:
        return False
    return tuple(int(part) for part in since.split(".")[:2]) <= whole.bundle.order[:2]
