"""What a child may use up, and what is copied for it."""

from __future__ import annotations

from meshlint.model.tuples import NamedTuple


class Limits(NamedTuple):
    """`seconds` on the clock, `cpu` seconds of processor time, `memory` bytes of address space (0: as much as there is),
    `output` bytes that it may write. `input`: bytes of all files of one rendering, `files`: how many."""

    seconds: float = 30.0
    cpu: int = 60
    memory: int = 2 << 30
    output: int = 64 << 20
    input: int = 256 << 20
    files: int = 20_000


LIMITS = Limits()
