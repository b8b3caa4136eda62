"""exportTo of VirtualServices and DestinationRules that a waypoint elsewhere has to read."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain
from meshlint.edit.operations import RefusedError
from meshlint.model.kind import Kind
from meshlint.model.mesh import Host, Mesh
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource


def add(resource: Resource, read_from: Sequence[tuple[Host, str]], mesh: Mesh) -> Fix | None:
    """Export an object to the namespaces from which the waypoints of its hosts have to read it as well. Safe where it stands beside
    all of these hosts, no other object speaks for them, and no sidecars of the namespaces would begin to read it."""
    missing = dict.fromkeys(where for _, where in read_from if not mesh.readable(resource, where))
    own, exported = resource.spec.get("exportTo"), mesh.export_to(resource)
    made = Changes()
    if exported == own:
        for where in missing:
            made.append(own, where)
    else:
        try:
            default = plain(exported)
        except RefusedError:
            return None
        if not isinstance(default, list) or not known(default):
            return None
        made.set_key(resource.root, ("spec", "exportTo"), [*default, *missing])
    beside = all(host.service is not None and host.namespace == resource.namespace for host, _ in read_from)
    alone = not any(_has_rivals(resource, host, mesh) for host, _ in read_from)
    safe = beside and alone and not any(_has_sidecars(where, mesh) for where in missing)
    return made.fix(f"Export it to {', '.join(missing)}", safe=safe)


def _has_rivals(resource: Resource, host: Host, mesh: Mesh) -> bool:
    """Does another object of the kind speak for the host, which would act together with it then?"""
    every = mesh.virtual_services(host) if resource.kind is Kind.VIRTUAL_SERVICE else mesh.destination_rules(host)
    return any(other.identity != resource.identity for other in every)


def _has_sidecars(namespace: str, mesh: Mesh) -> bool:
    """Are there pods in a namespace, other than gateways, that are not ambient yet?"""
    return any(not pod.gateway and not mesh.ambient_now(pod.resource) for pod in mesh.workloads({}, namespace))
