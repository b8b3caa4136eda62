"""ML702 install-hbone-metadata."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import ISTIOD, MESH, Fix, Impact, Installer, Kind, Mesh, Mode, Node, Problem, Severity, changes, flag, rule

_KEY = "ISTIO_META_ENABLE_HBONE"
_PATH = ("defaultConfig", "proxyMetadata")


@rule(
    "ML702", "install-hbone-metadata", Severity.ERROR, impact=Impact.STRICTER, reads=[Kind.NAMESPACE, Kind.CONFIG_MAP], evidence="code",
    sources=[
        "istio@86c9f01:manifests/helm-profiles/ambient.yaml", "istio@86c9f01:pilot/pkg/model/context.go (EnableHBONEListen)",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
    ],
    remedy='Set meshConfig.defaultConfig.proxyMetadata.ISTIO_META_ENABLE_HBONE: "true" and restart the pods that have sidecars.',
    points_to=[],
)  # fmt: skip
def install_hbone_metadata(mesh: Mesh) -> Iterator[Problem]:
    """Sidecars are injected without ISTIO_META_ENABLE_HBONE: "true", so ambient pods cannot reach them over mTLS.

    istiod gives only such sidecars a listener for HBONE. ztunnel sends plain text to the others: the caller loses its identity,
    and under STRICT the sidecar refuses it. That concerns the time in which some pods are ambient and others have sidecars.
    The profile `ambient` sets the metadata; switching ambient on by PILOT_ENABLE_AMBIENT alone does not.

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: mesh
      namespace: istio-system
    spec:
      profile: ambient
      meshConfig:
        defaultConfig:
          proxyMetadata:
            ISTIO_META_ENABLE_HBONE: "false" # expect: ML702
    ```

    Remedy: the metadata, then a restart of the pods with sidecars, before the first namespace is labelled. The fix sets it; that is
    safe where it is only missing, and needs a look where it is switched off, which somebody meant. It does not restart anything.

    Not reported when: the profile is ambient and nothing takes the metadata away (other keys of proxyMetadata are merged with the
    profile's, they do not replace it); the environment shows no namespace with sidecars and the metadata is only missing; a
    template, or something outside of the repository, may set it. Which pods were restarted cannot be seen in files.
    """
    said: set[Node] = set()
    for config, title in _configs(mesh):
        node = config.get(*_PATH, _KEY)
        if node.present and flag(node) is False and node not in said:
            said.add(node)
            message = f"{title} switches HBONE off for sidecars ({_KEY}): ambient pods reach them in plain text, which STRICT refuses."
            yield Problem(node, message, fix=partial(_switched_on, node), subject=MESH)
    for one in mesh.installers(ISTIOD):
        if one.ambient and not one.rendered and _missing(one) and _sidecars(mesh):
            message = (
                f"{one.title} switches ambient on by PILOT_ENABLE_AMBIENT without the profile, and sidecars get no {_KEY}: ambient "
                "pods reach them in plain text, which STRICT refuses."
            )
            yield Problem(one.env("PILOT_ENABLE_AMBIENT"), message, fix=partial(_set, one), subject=MESH)


def _configs(mesh: Mesh) -> Iterator[tuple[Node, str]]:
    for setting in mesh.mesh_settings():
        yield setting.config, setting.holder.title if setting.holder is not None else f"Configuration in {setting.file}"


def _missing(one: Installer) -> bool:
    """Is ambient on, and the metadata certainly not set, by a profile or by itself?"""
    profiles = [*one.profile, one.value("profile"), one.value("global", "profile")]
    named = one.fixed or any(node.unknown or "ambient" in (node.text or "") for node in profiles)
    metadata = one.value("meshConfig", *_PATH, _KEY)
    return one.closed and not named and not metadata.present and not metadata.unknown


def _sidecars(mesh: Mesh) -> bool:
    return any(mesh.mode(namespace) in (Mode.SIDECAR, Mode.BOTH) for namespace in mesh.all(Kind.NAMESPACE))


def _switched_on(node: Node) -> Fix | None:
    return changes().set(node, "true").fix("Let sidecars listen for HBONE")


def _set(one: Installer) -> Fix | None:
    from meshlint.api import installs

    made = changes()
    done = installs.set_value(made, one, ("meshConfig", *_PATH, _KEY), "true")
    return made.fix("Let sidecars listen for HBONE", safe=True) if done else None
