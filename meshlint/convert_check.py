"""Which conversions are written into the files: those after which the project is found no worse, by all rules."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
from meshlint.model.tuples import NamedTuple

if TYPE_CHECKING:
    from meshlint.conversions import Run


Group = Sequence[Converted]
Place = tuple[str, str]


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
        refused = {one.resource.root: why for one, why in together(found)[1]}
        going = []
        for group in self._groups(found):
            reasons = [why for one in group if (why := refused.get(one.resource.root))]
            if reasons:
                self._leave(group, reasons[0])
            else:
                going.append(group)
        kept = [one for group in self._settle((), going, self._findings({})) for one in group]
        edits = self._edits(kept)
        changes = tuple(Change(path, self._old(path), applied(self._old(path), edits[path])) for path in sorted(edits))
        return Plan(changes, {path: sorted_cuts(own) for path, own in edits.items()}, tuple(self._left))

    def _groups(self, found: Sequence[Converted]) -> list[list[Converted]]:
        """What goes together or not at all: an Istio Gateway, in every file that has it, and all that is bound to it."""
        groups: dict[int, list[Converted]] = {}
        held: dict[Place, int] = {}
        bound = self._bound() if any(one.resource.kind is Kind.GATEWAY for one in found) else {}
        for number, one in enumerate(found):
            places = bound.get(one.written, ())
            joined = sorted({held[place] for place in places if place in held})
            groups[number] = [*(other for group in joined for other in groups.pop(group)), one]
            held.update({place: number for place, group in held.items() if group in joined})
            held.update(dict.fromkeys(places, number))
        return list(groups.values())

    def _bound(self) -> dict[Node, set[Place]]:
        """The places (namespace and name) of Istio Gateways, and those that VirtualServices are bound to."""
        out: dict[Node, set[Place]] = {}
        for mesh in self._run.meshes:
            for gateway in mesh.all(Kind.GATEWAY):
                out.setdefault(gateway.root.origin, set()).add((gateway.namespace, gateway.name))
            for service in mesh.all(Kind.VIRTUAL_SERVICE):
                refs = [ref.istio for ref in mesh.binding(service).gateways if ref.istio is not None]
                out.setdefault(service.root.origin, set()).update((held.namespace, held.name) for held in refs)
        return out

    def _settle(self, held: Sequence[Group], batch: Sequence[Group], before: Sequence[Finding]) -> Sequence[Group]:
        """As many as leave the project no worse; by halves, where some do not."""
        if not batch:
            return held
        both = [*held, *batch]
        edits = self._edits([one for group in both for one in group])
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
        going = {other.root.origin for one in found if one.whole for other in (one.resource, *one.inlined)}
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
            sent.route.root.origin not in going
            for mesh in self._run.meshes
            for rule in mesh.all(Kind.DESTINATION_RULE)
            if rule.root.origin.table is subset.origin.table and any(item.origin == subset.origin for item in rule.spec.each("subsets"))
            for sent in mesh.subset_users(rule, name)
        )

    def _old(self, path: str) -> str:
        return next(file.source.text for file in self._run.loaded.files if file.path == path and file.source is not None)

    def _leave(self, group: Group, why: str) -> None:
        for one in group:
            self._left.append(f"{one.resource.title} in {self._run.project.show(one.resource.file)} is left as it is: {why}")
