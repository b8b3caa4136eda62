"""The converter at work on objects in memory."""

from __future__ import annotations

import json
from typing import Any

from meshlint.config import Config
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.conversion import Converted, Manner
from meshlint.model.kind import Kind
from meshlint.model.target import resolve_target
from meshlint.read.file import read_text
from meshlint.render.environments import environments

TARGET = "istio=1.31,gateway-api=1.6,channel=experimental"


def mesh_of(objects: list[dict[str, Any]], target: str = TARGET) -> MeshIndex:
    """One environment with these objects."""
    text = "\n---\n".join(json.dumps(one) for one in objects)
    file = read_text(text, "objects.yaml")
    built = environments([file], [])
    (environment,) = built.list
    return Repository(built.list, [file], [resolve_target(target)], Config().settings).index(environment)


def converted(objects: list[dict[str, Any]], target: str = TARGET, manner: Manner | None = None) -> Converted:
    """The verdict on the last VirtualService."""
    mesh = mesh_of(objects, target)
    return mesh.convert(mesh.all(Kind.VIRTUAL_SERVICE)[-1], manner)
