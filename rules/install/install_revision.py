"""ML712 install-revision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshlint.api import CNI, ISTIOD, MESH, ZTUNNEL, Impact, Installer, Kind, Mesh, Node, Problem, Severity, rule

_REV = "istio.io/rev"
_DEFAULT = "default"


@rule(
    "ML712", "install-revision", Severity.WARNING, impact=Impact.BREAKS, reads=[Kind.K8S_GATEWAY, Kind.NAMESPACE, Kind.SERVICE],
    evidence="docs",
    sources=[
        "https://github.com/istio/istio/pull/56477", "istio@86c9f01:releasenotes/notes/56477.yaml",
        "istio@86c9f01:manifests/charts/ztunnel/templates/daemonset.yaml",
    ],
    remedy="One revision that runs ambient for ztunnel, the CNI agent and the waypoints.",
)  # fmt: skip
def install_revision(mesh: Mesh) -> Iterator[Problem]:
    """A waypoint or ztunnel belongs to a revision of istiod that does not run ambient, or to none that is there.

    ztunnel and the CNI agent are one for each node and belong to one revision, while a Gateway chooses its control plane by the label
    `istio.io/rev`, its own or that of its namespace. A control plane without ambient programs no waypoint, and ztunnel without a
    revision looks for a Service istiod, which an istiod with a revision does not have.

    ```yaml
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: istiod, namespace: istio-system}
    spec:
      chart: {spec: {chart: istiod}}
      values: {profile: ambient, revision: blue}
    ---
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: istio-cni, namespace: istio-system}
    spec:
      chart: {spec: {chart: cni}}
      values: {profile: ambient}
    ---
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: ztunnel, namespace: istio-system}
    spec:
      chart: {spec: {chart: ztunnel}}
      values: # expect: ML712
        logLevel: info
    ```

    Remedy: `revision` in the values of ztunnel, `istio.io/rev` on the waypoint. Not automatic: which revision is to stay is for the
    owner to say.

    Not reported when: no revisions are used; a label or value names something that no istiod of the environment is called, which may
    be a tag; an `xdsAddress` is given, or a Service istiod is held by the repository; a template, or values from elsewhere,
    decide.
    """
    planes = [one for one in mesh.installers(ISTIOD) if not one.remote]
    if not planes or any(one.revision.unknown for one in planes):
        return
    names = {one.revision.text or _DEFAULT: one for one in planes}
    ambient = [name for name, one in names.items() if one.ambient]
    if ambient and len(names) > 1:
        yield from _waypoints(names, ambient[0], mesh)
        for component in (ZTUNNEL, CNI):
            for one in mesh.installers(component):
                if (plane := names.get(one.revision.text or "")) is not None and plane.ambient is False:
                    message = f"{one.title} is of revision {one.revision.text}, whose istiod runs without ambient; {ambient[0]} has it."
                    yield Problem(one.revision, message, related=((plane.where, "that istiod"),), subject=MESH)
    for one in mesh.installers(ZTUNNEL):
        if _lost(one, planes, mesh):
            revision = planes[0].revision
            message = f"{one.title} has no revision, and the only istiod is of revision {revision.text}: there is no Service istiod for it."
            yield Problem(one.revision, message, related=((revision, "the revision"),), subject=MESH)


def _waypoints(names: dict[str, Installer], ambient: str, mesh: Mesh) -> Iterator[Problem]:
    for gateway in mesh.all(Kind.K8S_GATEWAY):
        if not mesh.is_waypoint(gateway):
            continue
        label = gateway.label(_REV)
        if not label.present and (home := mesh.find(Kind.NAMESPACE, "", gateway.namespace)) is not None:
            label = home.label(_REV)
        plane = _named(label, names)
        if plane is not None and plane.ambient is False:
            message = f"{gateway.title} is a waypoint of revision {label.text}, whose istiod runs without ambient; {ambient} has it."
            yield Problem(label, message, related=((plane.where, "that istiod"),), subject=gateway)


def _named(label: Node, names: dict[str, Installer]) -> Installer | None:
    return names.get(label.text) if label.text else None


def _lost(one: Installer, planes: Sequence[Installer], mesh: Mesh) -> bool:
    """Does ztunnel look for a Service that no istiod has?"""
    if one.rendered or not one.closed or one.revision.present or one.value("xdsAddress").present:
        return False
    everywhere = mesh.installers(ISTIOD, anywhere=True)
    revised = all(plane.revision.text not in (None, "", _DEFAULT) for plane in (*planes, *everywhere))
    return revised and mesh.find(Kind.SERVICE, one.value("istioNamespace").text or "istio-system", "istiod") is None
