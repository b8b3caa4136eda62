"""What charts are told of the cluster: always the same, with Istio and the Gateway API there."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.kind import Kind

KUBE_VERSION = "1.33.0"
_VERSIONS = {
    "networking.istio.io": ("v1", "v1beta1", "v1alpha3"),
    "security.istio.io": ("v1", "v1beta1"),
    "telemetry.istio.io": ("v1", "v1alpha1"),
    "extensions.istio.io": ("v1alpha1",),
    "gateway.networking.k8s.io": ("v1", "v1beta1", "v1alpha3", "v1alpha2"),
}


def api_versions() -> Iterator[str]:
    """In both forms that charts ask for: networking.istio.io/v1, networking.istio.io/v1/VirtualService."""
    for group, versions in _VERSIONS.items():
        for version in versions:
            yield f"{group}/{version}"
            yield from (f"{group}/{version}/{kind.kind}" for kind in Kind if kind.group == group)
