"""ML705 install-istio-version."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import ISTIOD, MESH, Impact, Kind, Mesh, Node, Problem, Resource, Severity, rule


@rule(
    "ML705", "install-istio-version", Severity.ERROR, impact=Impact.BREAKS, reads=[Kind.DEPLOYMENT], evidence="docs",
    sources=[
        "https://istio.io/latest/blog/2024/ambient-reaches-ga/", "https://istio.io/latest/docs/releases/supported-releases/",
        "https://istio.io/latest/news/releases/1.23.x/announcing-1.23/change-notes/",
        "istio 1.23.6, 1.24.6 manifests/charts (istio-operator)",
    ],
    remedy="Upgrade Istio, with its sidecars, before the migration.",
    points_to=[Kind.DEPLOYMENT],
)  # fmt: skip
def install_istio_version(mesh: Mesh) -> Iterator[Problem]:
    """The repository installs an Istio release in which ambient was not generally available (before 1.24), or one that gets no
    fixes any more.

    Before 1.24 the labels, APIs and defaults of ambient differ. After that, much of what a migration needs came
    release by release (see the versions in the other rules), and its bugs are fixed in maintained releases only. The in-cluster
    operator, which installs what IstioOperators say, went with 1.24: who relies on it has to install Istio otherwise to get there.

    ```yaml
    apiVersion: sailoperator.io/v1
    kind: Istio
    metadata:
      name: default
    spec:
      version: v1.22.4 # expect: ML705
      namespace: istio-system
      profile: ambient
    ---
    apiVersion: sailoperator.io/v1
    kind: IstioCNI
    metadata:
      name: default
    spec:
      version: v1.22.4
      profile: ambient
    ---
    apiVersion: sailoperator.io/v1alpha1
    kind: ZTunnel
    metadata:
      name: default
    spec:
      version: v1.22.4
      namespace: istio-system
    ```

    Remedy: the upgrade first, one minor release at a time, still with sidecars. Not automatic: an upgrade is more than a number.

    A release without fixes is a warning: older than the two before the newest that meshlint's tables know, whatever the date.

    Not reported when: the release is not written, or a template or range fills it in (the newest one is then assumed, and the summary
    says so); for a release without fixes, when a target was asked for, which says that an upgrade is planned.
    """
    for deployment in mesh.all(Kind.DEPLOYMENT):
        if (image := _operator(deployment)) is not None:
            message = f"{deployment.title} is the in-cluster operator, which ended with 1.23; ambient is generally available from 1.24 on."
            remedy = "Install Istio by its charts, istioctl or the sail operator, and take this operator away before."
            yield Problem(image, message, remedy=remedy, subject=MESH)
    for one in mesh.installers(ISTIOD):
        release = one.release
        if release is None or release.major != 1:
            continue
        if not mesh.target.ambient_stable(release):
            message = f"{one.source} installs Istio {release}: ambient is generally available from 1.24 on."
            yield Problem(one.version, message, subject=MESH)
        elif not mesh.target.maintained(release) and not _planned(mesh):
            message = f"{one.source} installs Istio {release}, which gets no fixes any more: upgrade before you move workloads."
            yield Problem(one.version, message, Severity.WARNING, impact=Impact.ADVICE, subject=MESH)


def _operator(deployment: Resource) -> Node | None:
    """The image of the in-cluster operator, as its chart and `istioctl operator init` deploy it."""
    if not deployment.name.startswith("istio-operator"):
        return None
    images = [container.get("image") for container in deployment.spec.each("template", "spec", "containers")]
    named = (image for image in images if (image.text or "").partition("@")[0].rpartition("/")[2].partition(":")[0] == "operator")
    return next(named, None)


def _planned(mesh: Mesh) -> bool:
    """Was the target asked for, rather than found in the repository (a place in a file) or taken as it comes?"""
    source = mesh.target.detected_from.get("istio", "default")
    return source != "default" and ":" not in source
