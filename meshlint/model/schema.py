"""What the schema of a kind says against an object."""

from __future__ import annotations

from enum import Enum

from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple


class FaultKind(Enum):
    """By the names of the rules that report them."""

    UNKNOWN = "unknown-field"
    INVALID = "invalid-value"
    MISSING = "missing-field"
    EXCLUSIVE = "exclusive-fields"


class Fault(NamedTuple):
    """One thing that the API server prunes (unknown fields) or refuses (everything else).

    `text` goes on behind the name of the object; `remedy` is empty where the rule's own says it all. `meant`: the name that an
    unknown field probably stands for, empty where none is near.
    """

    kind: FaultKind
    at: Node
    text: str
    related: tuple[tuple[Node, str], ...] = ()
    remedy: str = ""
    meant: str = ""
