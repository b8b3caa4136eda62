"""Does the API server take what is there, and would the target's take what was made?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from meshlint.model.conversion import Document
from meshlint.model.kind import kind_of
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.model.resource import Resource
from meshlint.model.schema import FaultKind
from meshlint.model.target import Target
from meshlint.read.values import table_of
from meshlint.semantics.convert.stay import Stay
from meshlint.semantics.schema_walk import faults

_MADE: Final = Source("converted.json", "")


def valid(resource: Resource, mesh: Mesh) -> None:
    """Stay with the first value that the API server refuses: nothing acts by it, and what is meant by it is not known."""
    for fault in mesh.schema(resource):
        if fault.kind is FaultKind.INVALID:
            raise Stay(fault.at, f"is refused by the API server: {fault.text}", fault.remedy)


def accepted(documents: Sequence[Document], at: Node, target: Target) -> None:
    """Stay with the first thing that the target's CRDs have against a made object."""
    for resource in resources(documents):
        for fault in faults(resource, target):
            raise Stay(at, f"would become a {resource.kind.kind} that the target refuses: {fault.text}")


def resources(documents: Sequence[Document]) -> list[Resource]:
    """Made objects as if they had been read."""
    out = []
    for document in documents:
        root = table_of(document, _MADE).root
        version = root.get("apiVersion").text or ""
        kind = kind_of(version, root.get("kind").text or "")
        if kind is not None:
            metadata = root.get("metadata")
            out.append(Resource(kind, version, metadata.get("name").text or "", metadata.get("namespace").text or "", root))
    return out
