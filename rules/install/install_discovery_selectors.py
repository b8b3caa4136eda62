"""ML711 install-discovery-selectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from meshlint.api import (
    MESH,
    ZTUNNEL,
    Fix,
    Impact,
    Kind,
    Mesh,
    MeshSetting,
    Mode,
    Node,
    Problem,
    Resource,
    Severity,
    changes,
    rule,
    selects_namespace,
)

_NAME = "kubernetes.io/metadata.name"  # which the API server sets
_UNSEEN = "istiod sees none of its objects"
_REFUSED = "istiod finds no pod of ztunnel, and refuses the certificates of all ambient pods"


@rule(
    "ML711", "install-discovery-selectors", Severity.ERROR, impact=Impact.IGNORED, each=Kind.NAMESPACE,
    reads=[Kind.K8S_GATEWAY, Kind.SERVICE_ENTRY, Kind.CONFIG_MAP], evidence="code",
    sources=[
        "https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/", "istio@86c9f01:pkg/kube/namespace/filter.go",
        "istio@86c9f01:pilot/pkg/serviceregistry/ambient/ambientindex.go", "istio@86c9f01:security/pkg/server/ca/node_auth.go",
        "https://github.com/istio/istio/issues/52057",
    ],
    remedy="Give the namespace a label that the discoverySelectors ask for, or add a selector.",
)  # fmt: skip
def install_discovery_selectors(namespace: Resource, mesh: Mesh) -> Iterator[Problem]:
    """The MeshConfig has `discoverySelectors`, and none takes a namespace that is ambient, or holds ztunnel, a waypoint, a Gateway or
    ServiceEntries.

    istiod does not look at the objects of such a namespace at all. A shared namespace without sidecars could be left out; its
    waypoint is then never programmed, its Services and ServiceEntries are not known to ztunnel, and a label for ambient does nothing
    but redirect the pods. ztunnel's own namespace (istio-system is no exception) is needed as well: before istiod gives ztunnel the
    certificate of a pod it looks for both pods, and one that it does not see is "not found".

    ```yaml
    apiVersion: install.istio.io/v1alpha1
    kind: IstioOperator
    metadata:
      name: mesh
      namespace: istio-system
    spec:
      profile: ambient
      meshConfig:
        discoverySelectors:
          - matchLabels: {mesh: member}
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      labels: # expect: ML711
        istio.io/dataplane-mode: ambient
    ```

    Remedy: the label. The fix gives it where there is one selector, of plain labels that the namespace lacks; it needs a look, because
    a selector may leave a namespace out on purpose. There is no automatic fix for several selectors or expressions.

    One finding for a namespace. Not reported when: a selector takes it; there are no selectors; several MeshConfigs of the environment
    differ in them; a template fills in one of them; nothing of the mesh is seen in the namespace. The name of a namespace counts as
    its label `kubernetes.io/metadata.name`.
    """
    setting = _selectors(mesh)
    if setting is None:
        return
    selectors = [*setting.config.each("discoverySelectors")]
    if any(selects_namespace(node, namespace.name, namespace.labels) is not False for node in selectors):
        return
    use = _use(namespace, mesh)
    if use is not None:
        at, what, subject = use
        related = ((setting.config.get("discoverySelectors"), "the selectors"), *(((at, "what istiod does not see"),) if at else ()))
        message = f"{namespace.title} {what}, and no discoverySelector takes it: {_REFUSED if subject == MESH else _UNSEEN}."
        fix, labels = partial(_fix, namespace, selectors), namespace.root.get("metadata", "labels")
        yield Problem(labels, message, related=related, fix=fix, subject=subject)


def _fix(namespace: Resource, selectors: Sequence[Node]) -> Fix | None:
    """The labels that the only selector asks for, if the namespace says nothing else of them."""
    wanted = selectors[0].get("matchLabels").strings()
    if len(selectors) > 1 or selectors[0].get("matchExpressions").present or wanted.keys() & {_NAME, *namespace.labels}:
        return None
    made = changes()
    for key, value in wanted.items():
        made.label(namespace, key, value)
    return made.fix("Give it the labels of the selector")


def _selectors(mesh: Mesh) -> MeshSetting | None:
    """The one MeshConfig that has selectors."""
    found = [setting for setting in mesh.mesh_settings() if setting.config.get("discoverySelectors").is_list]
    found = [setting for setting in found if [*setting.config.each("discoverySelectors")]]
    return found[0] if len(found) == 1 else None


def _use(namespace: Resource, mesh: Mesh) -> tuple[Node | None, str, str | None] | None:
    """What of the mesh a namespace holds, and whom that concerns."""
    for one in mesh.installers(ZTUNNEL):
        if one.namespace == namespace.name:
            return one.at, "holds ztunnel", MESH
    if mesh.mode(namespace) in (Mode.AMBIENT, Mode.BOTH):
        return None, "is labelled for ambient", None
    for gateway in mesh.all(Kind.K8S_GATEWAY):
        if gateway.namespace == namespace.name and not mesh.foreign_class(gateway) and mesh.istio_runs(gateway):
            return gateway.root, "holds a waypoint" if mesh.is_waypoint(gateway) else "holds a Gateway", None
    for entry in mesh.all(Kind.SERVICE_ENTRY):
        if entry.namespace == namespace.name:
            return entry.root, "holds ServiceEntries", None
    return None
