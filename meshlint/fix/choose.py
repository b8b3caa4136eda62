"""Which fixes are made together: in the order of the findings, without any that touch what an earlier one touches."""

from __future__ import annotations

from collections.abc import Iterable

from meshlint.fix.compare import Repair
from meshlint.fix.texts import Chosen


def together(repairs: Iterable[Repair]) -> list[Repair]:
    """As many as can be made at once; the first that claims a place gets it. What is the same in several is made once."""
    out: list[Repair] = []
    chosen = Chosen()
    new_files: dict[str, str] = {}
    for repair in repairs:
        fits = all(new_files.get(new.path, new.text) == new.text for new in repair.fix.new_files)
        if fits and all(map(chosen.takes, repair.fix.edits)) and not any(map(chosen.leaves, repair.fix.edits)):
            for edit in repair.fix.edits:
                chosen.add(edit)
            new_files.update((new.path, new.text) for new in repair.fix.new_files)
            out.append(repair)
    return out
