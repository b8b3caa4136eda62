"""ML712 install-revision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from meshlint.api import CNI, ISTIOD, MESH, ZTUNNEL, Impact, Installer, Kind, Mesh, Node, Problem, Severity, rule

_REV = "istio.io/rev"
_DEFAULT = "default"


@rule(
    "ML712", "install-revision", Severity.WARNING, impact=Impact.BREAKS, evidence="docs",
    reads=[Kind.K8S_GATEWAY, Kind.NAMESPACE, Kind.SERVICE, Kind.ISTIO_REVISION_TAG],
    sources=[
        "https://github.com/istio/istio/pull/56477", "istio@86c9f01:releasenotes/notes/56477.yaml",
        "istio@86c9f01:manifests/charts/ztunnel/templates/daemonset.yaml",
        "istio@86c9f01:manifests/charts/istio-control/istio-discovery/templates/revision-tags-svc.yaml",
        "sail-operator controllers/istio/istio_controller.go (getActiveRevisionName), controllers/ztunnel/ztunnel_controller.go",
    ],
    remedy="One revision that runs ambient for ztunnel, the CNI agent and the waypoints.",
)  # fmt: skip
def install_revision(mesh: Mesh) -> Iterator[Problem]:
    """A waypoint or ztunnel belongs to a revision of istiod that does not run ambient, or to none that is there.

    ztunnel and the CNI agent are one for each node and belong to one revision, while a Gateway chooses its control plane by the label
    `istio.io/rev`, its own or that of its namespace. A control plane without ambient programs no waypoint, and ztunnel without a
    revision looks for a Service istiod, which an istiod with a revision does not have. The sail operator names revisions itself: of an
    Istio that is not called default, and of one that is updated by revisions.

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

    Tags count where the values of istiod have them (`revisionTags`), or an IstioRevisionTag. A tag does for a waypoint; ztunnel finds
    no istiod by one, whose Service is called istiod-revision-tag-TAG.

    Remedy: `revision` in the values of ztunnel (of a ZTunnel of the sail operator: `targetRef`), `istio.io/rev` on the waypoint. Not
    automatic: which revision is to stay is for the owner to say.

    Not reported when: no revisions are used; a label or value names something that no istiod of the environment is called, which may
    be a tag that is set elsewhere; an `xdsAddress` or a `targetRef` is given, or the repository holds the Service that ztunnel looks for;
    a template, or values from elsewhere, decide.
    """
    planes = [one for one in mesh.installers(ISTIOD) if not one.remote]
    names = {name: one for one in planes if (name := one.revision_name) is not None}
    if not planes or any(one.revision_name is None for one in planes):
        return
    tags = _tags(planes, mesh)
    ambient = [name for name, one in names.items() if one.ambient]
    if ambient and len(names) > 1:
        yield from _waypoints({**{tag: plane for tag, (plane, _) in tags.items()}, **names}, ambient[0], mesh)
        for component in (ZTUNNEL, CNI):
            for one in mesh.installers(component):
                at, plane = _chosen(one, names, planes)
                if plane is not None and plane.ambient is False:
                    message = f"{one.title} is of revision {plane.revision_name}, whose istiod runs without ambient; {ambient[0]} has it."
                    yield Problem(at, message, related=((plane.where, "that istiod"),), subject=MESH)
    for one in mesh.installers(ZTUNNEL):
        tag = one.revision.text or ""
        if _lost(one, planes, mesh):
            plane, sail = planes[0], one.holder is not None and one.holder.kind is Kind.ZTUNNEL
            message = f"{one.title} has no revision, and the only istiod is of revision {plane.revision_name}: "
            remedy = "Give it the targetRef of the control plane." if sail else None
            related = ((plane.revision if plane.revision.present else plane.at, "the revision"),)
            yield Problem(one.revision, message + "there is no Service istiod for it.", related=related, remedy=remedy, subject=MESH)
        elif tag in tags and tag not in names and not one.value("xdsAddress").present and not _service(one, f"istiod-{tag}", mesh):
            plane, at = tags[tag]
            message = f"{one.title} is given the tag {tag} as its revision: there is no Service istiod-{tag} for it."
            remedy = f"Write the revision that the tag stands for: {plane.revision_name}."
            yield Problem(one.revision, message, related=((at, "the tag"),), remedy=remedy, subject=MESH)


def _tags(planes: Sequence[Installer], mesh: Mesh) -> dict[str, tuple[Installer, Node]]:
    """Tags that values and objects of the sail operator give, with their places; one that several have stands for none of them."""
    found = [(tag.text, (one, tag)) for one in planes for tag in one.value("revisionTags").each() if tag.text]
    objects = [(tag, _referred(tag.spec.get("targetRef"), planes)) for tag in mesh.all(Kind.ISTIO_REVISION_TAG)]
    found += [(tag.name, (plane, tag.root)) for tag, plane in objects if plane is not None]
    counts = Counter(name for name, _ in found)
    return {name: of for name, of in found if counts[name] == 1}


def _referred(ref: Node, planes: Sequence[Installer]) -> Installer | None:
    """The control plane of the sail operator that a targetRef names."""
    wanted = (ref.get("kind").text, ref.get("name").text)
    holders = ((one, one.holder) for one in planes)
    return next((one for one, holder in holders if holder is not None and (holder.kind.kind, holder.name) == wanted), None)


def _chosen(one: Installer, names: dict[str, Installer], planes: Sequence[Installer]) -> tuple[Node, Installer | None]:
    """The control plane of ztunnel or the agent, and what says so."""
    ref = one.holder.spec.get("targetRef") if one.holder is not None and one.holder.kind is Kind.ZTUNNEL else None
    if ref is not None and ref.present and not one.revision.present:
        return ref.get("name"), _referred(ref, planes)
    return one.revision, names.get(one.revision.text or "")


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
    if one.holder is not None and one.holder.spec.get("targetRef").present:
        return False
    everywhere = mesh.installers(ISTIOD, anywhere=True)
    revised = all(plane.revision_name not in (None, _DEFAULT) for plane in (*planes, *everywhere))
    return revised and not _service(one, "istiod", mesh)


def _service(one: Installer, name: str, mesh: Mesh) -> bool:
    """Does the repository hold a Service beside ztunnel's istiod?"""
    return mesh.find(Kind.SERVICE, one.value("istioNamespace").text or "istio-system", name) is not None
