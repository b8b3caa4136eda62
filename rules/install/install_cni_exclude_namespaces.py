"""ML704 install-cni-exclude-namespaces."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.api import CNI, Impact, Installer, Kind, Mesh, Node, Problem, Resource, Severity, rule, selects_namespace

_MODE = "istio.io/dataplane-mode"
_HEEDED = (1, 30, 0)  # from here on the agent heeds excludeNamespaces


@rule(
    "ML704", "install-cni-exclude-namespaces", Severity.ERROR, impact=Impact.IGNORED, each=Kind.NAMESPACE, reads=[], evidence="code",
    needs=[_MODE],
    sources=[
        "istio@86c9f01:cni/pkg/util/enablement_selector.go", "istio@86c9f01:manifests/charts/istio-cni/values.yaml",
        "https://github.com/istio/istio/pull/59295", "istio@86c9f01:releasenotes/notes/59295.yaml",
    ],
    remedy="Take the namespace off the list (or make a selector take it), or take away the label.",
)  # fmt: skip
def install_cni_exclude_namespaces(namespace: Resource, mesh: Mesh) -> Iterator[Problem]:
    """A namespace is labelled for ambient, and the istio-cni agent is told to leave it alone: `excludeNamespaces` names it, or no
    `ambient.enablementSelectors` takes it.

    Its pods are then not redirected, in spite of the label: no mTLS, no policy. Up to Istio 1.29 only the CNI plugin looked at
    `excludeNamespaces`, the agent enrolled the pods all the same; from 1.30 the agent leaves them out, so an upgrade takes a
    namespace out of the mesh.

    ```yaml
    apiVersion: sailoperator.io/v1
    kind: IstioCNI
    metadata:
      name: default
    spec:
      namespace: istio-cni
      profile: ambient
      values:
        cni:
          excludeNamespaces:
            - kube-system
            - shop # expect: ML704
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels:
        istio.io/dataplane-mode: ambient
    ```

    Remedy: one of the two. Not automatic: which one is meant is for the owner to say.

    A warning where the agent is older than Istio 1.30, for the list; selectors are read from 1.27 on. Not reported when: the
    namespace is not labelled for ambient; a selector takes pods by their own labels (these may be in any namespace); a template decides.
    """
    if namespace.labels.get(_MODE) != "ambient":
        return
    label = namespace.label(_MODE)
    for one in mesh.installers(CNI):
        if (at := _excluded(one, namespace.name)) is not None:
            yield _listed(at, one, namespace, mesh)
            return
    agents = mesh.installers(CNI)
    if agents and mesh.target.istio_at_least("1.27.0") and all(_unselected(one, namespace) for one in agents):
        message = f"{namespace.title} is labelled for ambient, and no enablementSelector of {agents[0].title} takes it: its pods stay out."
        yield Problem(label, message, related=((agents[0].value("ambient", "enablementSelectors"), "the selectors"),))


def _listed(at: Node, one: Installer, namespace: Resource, mesh: Mesh) -> Problem:
    related = ((namespace.label(_MODE), "the label"),)
    release = (None if _asked(mesh) else one.release) or mesh.target.istio  # the agent's may be another than istiod's
    if release.order >= _HEEDED:
        said = f"Istio {release} leaves its pods out"
        return Problem(at, f"{one.title} excludes namespace {namespace.name}, which is labelled for ambient: {said}.", related=related)
    message = f"{one.title} excludes namespace {namespace.name}, which is labelled for ambient: from Istio 1.30 on its pods stay out."
    return Problem(at, message, Severity.WARNING, related=related)


def _asked(mesh: Mesh) -> bool:
    """Was the target asked for, so that an upgrade is planned?"""
    source = mesh.target.detected_from.get("istio", "default")
    return source != "default" and ":" not in source


def _excluded(one: Installer, name: str) -> Node | None:
    listed = one.value("excludeNamespaces")
    if listed.text is not None:
        return listed if name in [part.strip() for part in listed.text.split(",")] else None
    return next((item for item in listed.each() if item.text == name), None)


def _unselected(one: Installer, namespace: Resource) -> bool:
    """Is there a selector, and does each ask for other labels of the namespace?"""
    selectors = [*one.value("ambient", "enablementSelectors").each()] if one.value("ambient", "enablementSelectors").is_list else []
    wanted = [item.get("namespaceSelector") for item in selectors]
    taken = [selects_namespace(node, namespace.name, namespace.labels) for node in wanted]
    return bool(wanted) and all(bool(node.value) for node in wanted) and not any(answer is not False for answer in taken)
