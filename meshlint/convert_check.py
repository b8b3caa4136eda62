"""Which conversions are written into the files: those after which the project is found no worse, by all rules."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from meshlint.check.registry import bundled
from meshlint.conversion import together
from meshlint.edit.pieces import Cut
from meshlint.engine import judge, reload
from meshlint.fix.compare import worse
from meshlint.fix.offer import Offers
from meshlint.fix.texts import applied, sorted_cuts
from meshlint.fix.write import Change
from meshlint.model.conversion import Converted
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.problem import Edit, Finding, Fix

if TYPE_CHECKING:
    from meshlint.conversions import Run


class Plan(NamedTuple):
    """Changed files, with their cuts in places of the texts before; and what is left as it is, with the reason, in lines."""

    changes: tuple[Change, ...] = ()
    cuts: Mapping[str, Sequence[Cut]] = {}
    left: tuple[str, ...] = ()


def planned(run: Run, found: Sequence[Converted]) -> Plan:
    """What conversions come to in the files, without those that a file cannot hold or that bring an error or a hole."""
    return _Planning(run).plan(found) if found else Plan()


class _Planning:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._config = run.config.settled()._replace(select=None, extend_select=(), ignore=())
        self._offers = Offers(run.loaded.files, lambda path: os.path.lexists(os.path.join(run.project.root, path)))
        self._left: list[str] = []

    def plan(self, found: Sequence[Converted]) -> Plan:
        _, refused = together(found)
        for one, why in refused:
            self._leave(one, why)
        out = {one.resource.root for one, _ in refused}
        kept = self._settle((), [one for one in found if one.resource.root not in out], self._findings({}))
        edits = self._edits(kept)
        changes = tuple(Change(path, self._old(path), applied(self._old(path), edits[path])) for path in sorted(edits))
        return Plan(changes, {path: sorted_cuts(own) for path, own in edits.items()}, tuple(self._left))

    def _settle(self, held: Sequence[Converted], batch: Sequence[Converted], before: Sequence[Finding]) -> Sequence[Converted]:
        """As many as leave the project no worse; by halves, where some do not."""
        if not batch:
            return held
        both = [*held, *batch]
        edits = self._edits(both)
        reasons = worse(before, self._findings({path: applied(self._old(path), own) for path, own in edits.items()}))
        if edits and not reasons:
            return both
        if len(batch) == 1:
            self._leave(batch[0], reasons[0] if reasons else "its file cannot hold what it becomes, or a patch of Kustomize names it")
            return held
        middle = len(batch) // 2
        return self._settle(self._settle(held, batch[:middle], before), batch[middle:], before)

    def _findings(self, texts: Mapping[str, str]) -> Sequence[Finding]:
        run = self._run
        loaded = reload(run.loaded, run.project, self._config, texts) if texts else run.loaded
        return judge(loaded, run.project, self._config, bundled()).left

    def _edits(self, found: Sequence[Converted]) -> dict[str, list[Edit]]:
        """The edits of some conversions by file; none, where they cannot be made."""
        going = {other.root for one in found if one.whole for other in (one.resource, *one.inlined)}
        own = [one._replace(unused=tuple(node for node in one.unused if not self._used(node, going))) for one in found]
        made = together(own)[0].fix("") if own else None
        fix: Fix | None = self._offers.complete(made) if made is not None else None
        out: dict[str, list[Edit]] = {}
        for edit in fix.edits if fix is not None else ():
            out.setdefault(edit.file, []).append(edit)
        return out

    def _used(self, subset: Node, going: set[Node]) -> bool:
        """Does something that stays use a subset?"""
        name = subset.get("name").text or ""
        return any(
            sent.route.root not in going
            for mesh in self._run.meshes
            for rule in mesh.all(Kind.DESTINATION_RULE)
            if rule.root.table is subset.table and any(item == subset for item in rule.spec.each("subsets"))
            for sent in mesh.subset_users(rule, name)
        )

    def _old(self, path: str) -> str:
        return next(file.source.text for file in self._run.loaded.files if file.path == path and file.source is not None)

    def _leave(self, one: Converted, why: str) -> None:
        self._left.append(f"{one.resource.title} in {self._run.project.show(one.resource.file)} is left as it is: {why}")
