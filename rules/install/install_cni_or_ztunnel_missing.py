"""ML703 install-cni-or-ztunnel-missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import CNI, ISTIOD, MESH, ZTUNNEL, Fix, Impact, Installer, Kind, Mesh, Problem, Severity, changes, rule

_NAMES = {CNI: "the istio-cni agent", ZTUNNEL: "ztunnel"}
_OBJECTS = {CNI: Kind.ISTIO_CNI, ZTUNNEL: Kind.ZTUNNEL}


@rule(
    "ML703", "install-cni-or-ztunnel-missing", Severity.ERROR, impact=Impact.BREAKS, reads=[], evidence="docs",
    sources=[
        "https://ambientmesh.io/docs/setup/sidecar-migration", "https://istio.io/latest/docs/ambient/install/helm/",
        "https://istio.io/latest/docs/ambient/upgrade/helm/",
    ],
    remedy="Install istio-cni (profile ambient) and ztunnel beside istiod, in its release.",
    points_to=[],
)  # fmt: skip
def install_cni_or_ztunnel_missing(mesh: Mesh) -> Iterator[Problem]:
    """The repository installs istiod, but not the istio-cni agent or ztunnel, without which there is no ambient; or they are of
    releases that do not go together.

    The data plane of ambient consists of these two DaemonSets: the agent redirects the pods' traffic, ztunnel carries it.
    Installations with sidecars often run without the agent (each pod has an init container), so it is new with ambient.

    ```yaml
    apiVersion: sailoperator.io/v1
    kind: Istio # expect: ML703
    metadata:
      name: default
    spec:
      version: v1.30.2
      namespace: istio-system
      profile: ambient
    ---
    apiVersion: sailoperator.io/v1
    kind: IstioCNI
    metadata:
      name: default
    spec:
      version: v1.30.2
      namespace: istio-cni
      profile: ambient
    ```

    Remedy: both, with the release of istiod. ztunnel may be one minor release older than istiod and never newer; the agent may be
    one minor older or newer. The fix adds the missing part as istiod is installed (Flux, Argo CD, the operators, helmfile), in its
    namespace and release and with the profile ambient for all, sets the profile of the agent, or gives both istiod's release. It
    needs a look: platforms and sync order are the owner's. There is no automatic fix for rendered manifests and wrapper charts.

    One finding for an environment says what is missing, and one stands at each part that is of another release (a warning) or
    that is installed without ambient. Not reported when: another folder of the repository installs it; istiod is not installed
    here (a managed mesh, another repository) or is that of another cluster; an IstioOperator names no profile, or a template may
    hold the missing part; releases are not written plainly.
    """
    planes = [one for one in mesh.installers(ISTIOD) if not one.remote]
    if not planes:
        return
    if all(map(_whole, planes)):
        yield from _missing(planes[0], mesh)
    for component in (CNI, ZTUNNEL):
        for one in mesh.installers(component):
            if component == CNI and one.ambient is False and not _with_plane(planes, one):
                message = f"{one.source} installs the istio-cni agent without ambient: it redirects no pods."
                yield Problem(one.where, message, fix=partial(_with_profile, one), subject=MESH)
            yield from _skew(one, planes)


def _whole(plane: Installer) -> bool:
    """Does it tell all that is installed? An IstioOperator without a profile may get one; a file of values is not alone."""
    if plane.holder is None:
        return bool(plane.version) or plane.root.get("name").present
    return plane.holder.kind is not Kind.ISTIO_OPERATOR or plane.closed


def _with_plane(planes: Sequence[Installer], cni: Installer) -> bool:
    """Does the object that installs it also install an istiod without ambient, so that one profile decides on both?"""
    return any(plane.root == cni.root and plane.ambient is False for plane in planes)


def _missing(plane: Installer, mesh: Mesh) -> Iterator[Problem]:
    """A part that is installed anywhere in the repository, or by something that was not analysed, is not missing."""
    hidden = [part for part in _NAMES if mesh.elsewhere(_OBJECTS[part])]
    missing = [part for part in _NAMES if part not in hidden and not mesh.installers(part, anywhere=True)]
    if not missing:
        return
    names = " or ".join(_NAMES[part] for part in missing)
    why = "no pod's traffic is redirected" if CNI in missing else "nothing carries the traffic of ambient pods"
    operator = plane.holder is not None and plane.holder.kind is Kind.ISTIO_OPERATOR
    if operator and plane.ambient is False and mesh.ambient_now(MESH):
        return  # the same profile is what install-ambient-not-enabled asks for
    remedy = None
    if operator:
        remedy = "Enable it under spec.components." if plane.ambient else "Set the profile to ambient, which brings what is missing."
    message = f"{plane.source} installs istiod, but nothing in the repository installs {names}: in ambient, {why}."
    yield Problem(plane.at, message, remedy=remedy, fix=partial(_added, plane, missing, mesh), subject=MESH)


def _skew(one: Installer, planes: Sequence[Installer]) -> Iterator[Problem]:
    releases = [(plane, release) for plane in planes if (release := plane.release) is not None]
    here = one.release
    if here is None or len(releases) != len(planes):
        return
    oldest, newest = (1, 0) if one.component == ZTUNNEL else (1, 1)
    fits = [there.major == here.major and -newest <= there.minor - here.minor <= oldest for _, there in releases]
    if not any(fits):
        plane, there = releases[0]
        allowed = "be of the same minor release or one older" if one.component == ZTUNNEL else "differ by one minor release"
        message = f"{one.title} is of release {here.release}, istiod of {there.release}: {_NAMES[one.component]} may {allowed}."
        related = ((plane.version, "istiod's release"),)
        yield Problem(one.version, message, Severity.WARNING, related=related, fix=partial(_same_release, one, plane), subject=MESH)


def _with_profile(one: Installer) -> Fix | None:
    from meshlint.api import installs

    made = changes()
    return made.fix("Install it with the profile ambient") if not one.rendered and installs.set_profile(made, one) else None


def _added(plane: Installer, missing: Sequence[str], mesh: Mesh) -> Fix | None:
    from meshlint.api import installs, parts

    made = changes()
    operator = plane.holder is not None and plane.holder.kind is Kind.ISTIO_OPERATOR
    if plane.ambient is False and not operator and not installs.set_profile(made, plane):
        return None
    if plane.rendered or not all(parts.add_part(made, plane, part, mesh) for part in missing):
        return None
    return made.fix(f"Install {' and '.join(_NAMES[part] for part in missing)}")


def _same_release(one: Installer, plane: Installer) -> Fix | None:
    """As istiod's is written."""
    old, new = str(one.version.value), str(plane.version.value)
    if one.rendered or plane.rendered or ":" in old + new:
        return None
    new = f"v{new.lstrip('v')}" if old.startswith("v") else new.lstrip("v")
    return changes().set(one.version, new).fix(f"Install release {new}")
