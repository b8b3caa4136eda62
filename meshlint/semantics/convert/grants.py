"""ReferenceGrants for the backends of a route in other namespaces. Istio asks for them at gateways only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshlint.edit import names
from meshlint.model.conversion import Document
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.semantics.convert.naming import metadata

_GROUP = Kind.REFERENCE_GRANT.group


def grants_for(kind: Kind, namespace: str, spec: dict[str, Any], mesh: Mesh, version: str) -> dict[tuple[str, str], Document]:
    """The grants that are missing, one for each backend: with several in one object, older releases of Istio read only one."""
    out: dict[tuple[str, str], Document] = {}
    for ref in _refs(spec):
        there = ref.get("namespace")
        if there and there != namespace and not _held(kind, namespace, there, ref["name"], mesh):
            out.update([grant(kind, namespace, there, "", "Service", ref["name"], version)])
    return out


def grant(kind: Kind, namespace: str, there: str, group: str, of: str, name: str, version: str) -> tuple[tuple[str, str], Document]:
    """A grant that lets objects of a kind in one namespace refer to an object in another."""
    own = names.joined(kind.kind.lower(), namespace, name)
    spec = {"from": [{"group": kind.group, "kind": kind.kind, "namespace": namespace}], "to": [{"group": group, "kind": of, "name": name}]}
    return (there, own), {"apiVersion": f"{_GROUP}/{version}", "kind": "ReferenceGrant", "metadata": metadata(own, there), "spec": spec}


def _refs(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for rule in spec["rules"]:
        yield from rule.get("backendRefs", ())
        yield from (one["requestMirror"]["backendRef"] for one in rule.get("filters", ()) if "requestMirror" in one)


def _held(kind: Kind, namespace: str, there: str, name: str, mesh: Mesh) -> bool:
    for held in mesh.all(Kind.REFERENCE_GRANT):
        if held.namespace != there:
            continue
        come = [(one.get("group").text, one.get("kind").text, one.get("namespace").text) for one in held.spec.each("from")]
        go = [(one.get("group").text or "", one.get("kind").text, one.get("name").text) for one in held.spec.each("to")]
        if (kind.group, kind.kind, namespace) in come and any(one in go for one in (("", "Service", None), ("", "Service", name))):
            return True
    return False
