"""The kinds that rules as data name, and where in their files something is wrong."""

from __future__ import annotations

import re
from typing import Final

from meshlint.model.kind import Kind, kind_of
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple

_VERSION: Final = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")


class Selected(NamedTuple):
    """The objects a rule looks at: a kind, and the version of its API if only one is meant."""

    kind: Kind
    version: str


def selected_by(written: str) -> Selected | None:
    """`networking.istio.io/VirtualService`, `networking.istio.io/v1/VirtualService`, `v1/Namespace`, `Namespace`; None where
    it is no kind that meshlint reads."""
    *api, name = written.split("/")
    version = api.pop() if api and _VERSION.fullmatch(api[-1]) else ""
    kind = kind_of(f"{'/'.join(api)}/v1" if api else "v1", name) if len(api) < 2 else None
    return Selected(kind, version) if kind is not None else None


def said_at(at: Node, message: str) -> str:
    """A problem with its file and line."""
    return f"{at.file}:{at.place[0].line + 1}: {message}"
