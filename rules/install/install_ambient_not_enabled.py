"""ML701 install-ambient-not-enabled."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from meshlint.api import CNI, ISTIOD, MESH, ZTUNNEL, Fix, Impact, Installer, Kind, Mesh, Mode, Node, Problem, Severity, changes, flag, rule


@rule(
    "ML701", "install-ambient-not-enabled", Severity.ERROR, impact=Impact.BREAKS, reads=[Kind.NAMESPACE, Kind.K8S_GATEWAY],
    evidence="code",
    sources=[
        "istio@86c9f01:pilot/pkg/features/ambient.go", "istio@86c9f01:manifests/helm-profiles/ambient.yaml",
        "https://ambientmesh.io/docs/setup/sidecar-migration",
    ],
    remedy="Install istiod and istio-cni with the profile ambient.",
)  # fmt: skip
def install_ambient_not_enabled(mesh: Mesh) -> Iterator[Problem]:
    """The repository installs istiod without ambient, although it uses ambient: a namespace is labelled for it, a waypoint or
    ztunnel stands beside it.

    All ambient controllers of istiod hang on one switch, PILOT_ENABLE_AMBIENT, which the profile `ambient` sets. Without it
    ztunnel gets no workloads, and no waypoint is programmed.

    ```yaml
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease # expect: ML701
    metadata:
      name: istiod
      namespace: istio-system
    spec:
      chart:
        spec:
          chart: istiod
          sourceRef: {kind: HelmRepository, name: istio}
      values:
        pilot: {autoscaleMin: 2}
    ---
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: istio-cni
      namespace: istio-system
    spec:
      chart:
        spec:
          chart: cni
          sourceRef: {kind: HelmRepository, name: istio}
      values: {profile: ambient}
    ---
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata:
      name: ztunnel
      namespace: istio-system
    spec:
      chart:
        spec:
          chart: ztunnel
          sourceRef: {kind: HelmRepository, name: istio}
    ```

    Remedy: `profile: ambient` in the values of istiod and of istio-cni (of an IstioOperator in `spec.profile`), or the variable
    together with the HBONE metadata. The fix sets the profile of istiod, and of an istio-cni that is installed without it; where the
    variable is switched off, it switches it on. It needs a look, because the profile also changes what sidecars are injected with.
    There is no automatic fix for rendered manifests, and for another profile such as demo, whose settings would be lost.

    Settings are looked for in IstioOperators, the sail operator's objects, releases of the chart by Flux, Argo CD, Kustomize,
    helmfile and wrapper charts, and istiod's own Deployment. One finding for an environment, at the profile or variable that
    decides, else at what installs istiod. Not reported when: one control plane of the environment has ambient; the repository
    installs none, or one of another cluster (profile `remote`); a template, a Secret or a ConfigMap that is not here may say it; an
    IstioOperator names no profile, since the command line may; nothing uses ambient yet
    ([install-cni-or-ztunnel-missing](install-cni-or-ztunnel-missing.md) then says what comes first).
    """
    planes = [one for one in mesh.installers(ISTIOD) if not one.remote]
    if not planes or any(one.ambient is not False for one in planes):
        return
    use = _use(mesh)
    if use is not None:
        at, said = use
        decides = planes[0].where
        message = f"{planes[0].source} installs istiod without ambient, but {said}: it programs no waypoints, and ztunnel gets no "
        message += "workloads."
        related = ((at, "uses ambient"),) if at != decides else ()
        yield Problem(decides, message, related=related, fix=partial(_fix, planes[0], mesh), subject=MESH)


def _use(mesh: Mesh) -> tuple[Node, str] | None:
    """What uses ambient."""
    for namespace in mesh.all(Kind.NAMESPACE):
        if mesh.mode(namespace) in (Mode.AMBIENT, Mode.BOTH):
            return namespace.label("istio.io/dataplane-mode"), f"namespace {namespace.name} is labelled for it"
    for gateway in mesh.all(Kind.K8S_GATEWAY):
        if mesh.is_waypoint(gateway):
            return gateway.root, f"{gateway.title} is a waypoint"
    for one in mesh.installers(ZTUNNEL):
        return one.at, "ztunnel is installed"
    if mesh.ambient_now(MESH):
        return mesh.installers(ISTIOD)[0].where, "the mesh is said to be ambient"
    return None


def _fix(plane: Installer, mesh: Mesh) -> Fix | None:
    from meshlint.api import installs

    made, variable = changes(), plane.env("PILOT_ENABLE_AMBIENT")
    if variable.present:
        installs.switch(made, variable, True)
        return made.fix("Switch ambient on") if not plane.rendered and flag(variable) is False else None
    whole = installs.set_profile(made, plane)
    for agent in mesh.installers(CNI) if whole else ():
        if agent.ambient is False and agent.root != plane.root:
            whole = installs.set_profile(made, agent)
    return made.fix("Install istiod with the profile ambient") if whole else None
