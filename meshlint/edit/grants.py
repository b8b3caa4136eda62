"""ReferenceGrants that fixes add."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.edit import names
from meshlint.edit.changes import Changes
from meshlint.edit.document import known, plain
from meshlint.edit.emit import Plain
from meshlint.edit.operations import RefusedError
from meshlint.edit.waypoints import namespace_of
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.problem import Fix
from meshlint.model.resource import Resource


def allow(made: Changes, referrer: Resource, namespace: str, group: str, kind: str, name: str, mesh: Mesh) -> bool:
    """Let an object refer to one in another namespace, beside what the repository holds there: the target, its Namespace, or any
    Service or grant. False: it holds nothing of that namespace."""
    beside = _beside(namespace, kind, name, mesh)
    own = names.joined(referrer.kind.kind.lower(), referrer.namespace, name)
    if beside is None or mesh.find(Kind.REFERENCE_GRANT, namespace, own) is not None:
        return False
    come: Plain = [{"group": referrer.kind.group, "kind": referrer.kind.kind, "namespace": referrer.namespace}]
    to: Plain = [{"group": group, "kind": kind, "name": name}]
    made.add_object(beside, _grant(_version(mesh), own, namespace_of(beside), come, to))
    return made.refused is None


def _beside(namespace: str, kind: str, name: str, mesh: Mesh) -> Resource | None:
    target = mesh.find(Kind.SERVICE, namespace, name) if kind == "Service" else None
    if target is not None:
        return target
    kinds = (Kind.REFERENCE_GRANT, Kind.NAMESPACE, Kind.SERVICE)
    found = (one for of in kinds for one in mesh.all(of) if namespace == (one.name if of is Kind.NAMESPACE else one.namespace))
    return next(found, None)


def _version(mesh: Mesh) -> str:
    """Istio reads v1beta1, which the CRDs serve as well."""
    served = mesh.target.serves(Kind.REFERENCE_GRANT)
    return f"{Kind.REFERENCE_GRANT.group}/{'v1beta1' if 'v1beta1' in served or not served else served[0]}"


def _grant(version: str, name: str, metadata: dict[str, Plain], come: Plain, to: Plain) -> Plain:
    spec: Plain = {"from": come, "to": to}
    return {"apiVersion": version, "kind": "ReferenceGrant", "metadata": {"name": name, **metadata}, "spec": spec}


def split(grant: Resource, moving: Sequence[Node], mesh: Mesh) -> Fix | None:
    """Give targets of a grant grants of their own. None: a template fills in a part, or a name is taken."""
    made, seen = Changes(), set[str]()
    try:
        come = plain(grant.spec.get("from"))
        targets = [plain(to) for to in moving]
    except RefusedError:
        return None
    if not known(come) or not known(targets) or grant.partial:
        return None
    for to, target in zip(moving, targets, strict=True):
        name = names.joined(grant.name, to.get("name").text or "")
        if name in seen or mesh.find(Kind.REFERENCE_GRANT, grant.namespace, name) is not None:
            return None
        seen.add(name)
        made.remove(to).add_object(grant, _grant(grant.api_version, name, namespace_of(grant), come, [target]))
    return made.fix("Write one grant for each target")
