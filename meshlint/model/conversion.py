"""What becomes of an object in the Gateway API."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple

Document = Mapping[str, Any]  # an object as it would be written: keys in their order, lists, scalars


class Outcome(Enum):
    """How much of an object converts so that every request goes the same way."""

    CONVERTS = "converts"
    SPLIT = "split"  # a part does; the remainder is named
    STAYS = "stays"


class Because(NamedTuple):
    """A reason or a remark: the place that decides, what it says, and what would help."""

    at: Node
    text: str
    remedy: str = ""


class Converted(NamedTuple):
    """The verdict on one VirtualService or Istio Gateway, and the objects that take its place.

    `documents` are to be applied; `remainder` is what is left of the object (None: it can be deleted, or nothing of it
    converts). `because` says what keeps it or a part of it; `notes` what to know. `unused` are the subsets of DestinationRules
    that nothing uses once this is applied, `alone` the lists of subsets whose DestinationRules say nothing else and hide no other
    one, so that they go with the last of their subsets; `inlined` are the delegates that it takes in.
    """

    resource: Resource
    outcome: Outcome
    documents: tuple[Document, ...] = ()
    remainder: Document | None = None
    because: tuple[Because, ...] = ()
    notes: tuple[Because, ...] = ()
    unused: tuple[Node, ...] = ()
    inlined: tuple[Resource, ...] = ()
    alone: tuple[Node, ...] = ()

    @property
    def whole(self) -> bool:
        return self.outcome is Outcome.CONVERTS

    @property
    def written(self) -> Node:
        """The object as its file holds it, also where environments are rendered."""
        return self.resource.root.origin

    @property
    def place(self) -> tuple[str, int]:
        """Where it is written: the same for all environments."""
        return self.written.file, self.written.span.start.offset


class Manner(NamedTuple):
    """How to convert. `gateways`: Istio Gateways too. `segments`: a prefix stands for whole path segments, as in the Gateway API,
    so that /api no longer takes /apiv2."""

    gateways: bool = False
    segments: bool = False
