"""What fixes do to pod templates, and when what only a sidecar reads may go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from meshlint.edit.changes import Changes
from meshlint.model.answers import Subject, Workload
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource

MODE: Final = "istio.io/dataplane-mode"
REVISION: Final = "istio.io/rev"
OF_ISTIO: Final = frozenset({"istio-proxy", "istio-init", "istio-validation"})


def sidecars_gone(of: Subject, mesh: Mesh) -> bool:
    """May what only a sidecar reads go: because it is ambient (or was enrolled a moment ago), or with `--phase cleanup`?"""
    return mesh.ambient_now(of) or mesh.settings.phase == "cleanup"


def stay_out(workload: Workload, why: Node, *, safe: bool) -> Fix | None:
    """Say on the pods that ambient leaves them out, where the reason is written: the base of a patch may have overlays that are
    not patched."""
    template = _patched(workload, why) if overlaid(workload, why) else workload.template
    if template is None:
        return None
    return Changes().set_key(template, ("metadata", "labels", MODE), "none").fix(f"Label the pods {MODE}: none", safe=safe)


def _patched(workload: Workload, node: Node) -> Node | None:
    """The pod template in the patch that a value comes from; None: it comes from something else, such as a list of operations."""
    patch = node.origin.table.root
    found = patch
    for step in workload.template.origin.path:
        found = found.get(step)
    return found if found.is_map and patch.get("kind").text == workload.resource.kind.kind else None


def without(nodes: Iterable[Node], title: str, *, safe: bool = False) -> Fix | None:
    """Take labels, annotations or list items away, and what becomes empty with them."""
    made = Changes()
    for node in nodes:
        made.remove(node, prune=True)
    return made.fix(title, safe=safe)


def overlaid(workload: Workload, node: Node) -> bool:
    """Does a patch set it, so that something else would show below?"""
    return node.origin.table is not workload.template.origin.table


def selected(workload: Workload, label: str, mesh: Mesh) -> bool:
    """Does a selector ask for this label of the pods: the workload's own, or a Service's?"""
    if workload.resource.spec.get("selector", "matchLabels", label).present:
        return True
    return any(service.spec.get("selector", label).present for service in mesh.services_of(workload))


def application(containers: Iterable[Node]) -> Node | None:
    """The one container that is not Istio's."""
    found = [one for one in containers if one.get("name").text not in OF_ISTIO]
    return found[0] if len(found) == 1 else None


def hand_on(made: Changes, namespace: Resource, mesh: Mesh) -> None:
    """Before a namespace loses its revision: the waypoints of it that have none of their own keep it."""
    revision = namespace.label(REVISION).text
    for gateway in mesh.all(Kind.K8S_GATEWAY) if revision else ():
        if gateway.namespace == namespace.name and mesh.is_waypoint(gateway) and not gateway.label(REVISION).present:
            made.label(gateway, REVISION, revision)
