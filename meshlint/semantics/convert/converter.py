"""Converts the objects of one environment; every answer is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from meshlint.model.conversion import Because, Converted, Document, Manner, Outcome
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.resource import Resource
from meshlint.semantics.convert.check import valid
from meshlint.semantics.convert.delegates import entries_of
from meshlint.semantics.convert.editors import what_edits
from meshlint.semantics.convert.parts import SECTIONS, Part, closed, named, remainder
from meshlint.semantics.convert.sides import Making, Sides
from meshlint.semantics.convert.stay import Stay, known
from meshlint.semantics.convert.subsets import Subsets

if TYPE_CHECKING:
    from meshlint.semantics.convert.gateways import Gateways

_CONCATENATED = ("1.28.6", "1.29.2", "1.30.0")  # a waypoint reads a route beside a VirtualService of the same host (istio 59484)
_BARE = {"host", "subsets", "exportTo"}


class Converter:
    def __init__(self, mesh: Mesh, manner: Manner) -> None:
        self._mesh = mesh
        self._manner = manner
        self._done: dict[Resource, Converted] = {}
        self._at_gateways: dict[Resource, Because | None] = {}

    @cached_property
    def _gateways(self) -> Gateways:
        """Imported and made for what is bound to gateways only."""
        from meshlint.semantics.convert.gateways import Gateways

        return Gateways(self._mesh, self._manner)

    def convert(self, resource: Resource) -> Converted:
        """The verdict on a VirtualService or Istio Gateway."""
        if resource not in self._done:
            make = self._gateways.convert if resource.kind is Kind.GATEWAY else self._service
            self._done[resource] = make(resource)
        return self._done[resource]

    def _service(self, service: Resource) -> Converted:
        try:
            self._allowed(service)
            parts = self._parts(service)
        except Stay as stay:
            return Converted(service, Outcome.STAYS, because=(stay.because,))
        tried = {part: self._alone(service, part) for part in parts}
        staying = {part: why for part, why in tried.items() if isinstance(why, Because)}
        because = tuple(dict.fromkeys(staying.values()))
        sections_apart = all(not part.mesh for part in parts) or self._mesh.target.istio_at_least(*_CONCATENATED)
        left = closed(staying, parts, sections_apart)
        going = [part for part in parts if part not in left]
        if not going:
            return Converted(service, Outcome.STAYS, because=because)
        try:
            one = tried[going[0]] if len(going) == 1 else None
            made = one if isinstance(one, Making) else self._made(service, going)
            if not made.routes:
                raise Stay(service.root, "has no rule that acts for its hosts and gateways: it can be deleted")
        except Stay as stay:
            return Converted(service, Outcome.STAYS, because=(*because, stay.because))
        outcome, rest = (Outcome.SPLIT, remainder(service, left)) if left else (Outcome.CONVERTS, None)
        made.notes += made.subsets.notes
        notes = made.notes if not left else [*made.notes, Because(service.root, f"stays for {named(left, service)}")]
        inlined = () if left else tuple(made.inlined)
        notes += [Because(one.root, f"takes in {one.title}, which can go when nothing else delegates to it") for one in inlined]
        unused = _unused(service, made, self._mesh) if not left else ()
        documents = tuple(_in_order(made))
        alone = tuple(rule.spec.get("subsets") for rule in dict.fromkeys(made.subsets.used.values()) if self._is_alone(rule))
        return Converted(service, outcome, documents, rest, because, tuple(dict.fromkeys(notes)), unused, inlined, alone)

    def _allowed(self, service: Resource) -> None:
        if service.partial:
            raise Stay(service.root, "is changed by a patch that is not followed", "Convert what is rendered from it.")
        known(service.root)
        valid(service, self._mesh)
        for editor in self._mesh.editors(service):
            said, remedy = what_edits(editor, service)
            raise Stay(service.root, said, remedy)
        if not service.spec.get("hosts").value:
            above = ", ".join(one.title for one in self._delegators(service))
            raise Stay(service.root, f"is a delegate: {above or 'what delegates to it'} takes it in")
        if not any(service.spec.get(section).value for section in SECTIONS):
            raise Stay(service.root, "has no rules")
        if not self._mesh.binding(service).known:
            raise Stay(service.spec.get("gateways"), "is bound to gateways that a template fills in")

    def _delegators(self, service: Resource) -> list[Resource]:
        place = (service.namespace, service.name)
        return [
            other
            for other in self._mesh.all(Kind.VIRTUAL_SERVICE)
            if any(
                (one.get("namespace").text or other.namespace, one.get("name").text) == place for one in other.spec.each("http", "delegate")
            )
        ]

    def _parts(self, service: Resource) -> list[Part]:
        binding = self._mesh.binding(service)
        out: list[Part] = []
        for section in SECTIONS:
            if not service.spec.get(section).value:
                continue
            if binding.mesh:
                out += [Part(section, True, number) for number in range(len(list(service.spec.each("hosts"))))]
            if binding.gateways:
                out.append(Part(section, False, -1))
        return out

    def _alone(self, service: Resource, part: Part) -> Making | Because:
        """What is made of a part, or why it stays."""
        try:
            made = self._made(service, [part])
            if not part.mesh:
                self._gateways.sharing.apart(service, self._gateways.doors(service))
                self._gateways.parents(service)
        except Stay as stay:
            return stay.because
        return made

    def keeps(self, service: Resource) -> Because | None:
        """What keeps a VirtualService at its Istio Gateways, leaving aside what keeps the others there; None: nothing."""
        if service not in self._at_gateways:
            try:
                self._allowed(service)
                self._made(service, [part for part in self._parts(service) if not part.mesh])
                self._gateways.sharing.apart(service, self._gateways.doors(service))
                self._at_gateways[service] = None
            except Stay as stay:
                self._at_gateways[service] = stay.because
        return self._at_gateways[service]

    def _made(self, service: Resource, parts: Sequence[Part]) -> Making:
        subsets = Subsets(self._mesh)
        making = Making(subsets)
        sides = Sides(self._mesh, self._manner, lambda: self._gateways, making)
        rules, making.inlined = entries_of(service, self._mesh) if any(part.section == "http" for part in parts) else ([], [])
        sides.mesh(service, parts, rules)
        sides.gateways(service, parts, rules)
        making.check(service, self._mesh.target)
        return making

    def _is_alone(self, rule: Resource) -> bool:
        """Does a DestinationRule only declare subsets, and is it the only one for its host?"""
        host = self._mesh.host(rule.spec.get("host"), rule)
        if host.wildcard or rule.partial:
            return False
        return {key for key, _ in rule.spec.items()} <= _BARE and len(self._mesh.destination_rules(host)) == 1


def _unused(service: Resource, made: Making, mesh: Mesh) -> tuple[Node, ...]:
    """The subsets that only this VirtualService uses; its delegates stay, and with them what they name."""
    used = made.subsets.used.items()
    return tuple(
        at for at, rule in used if all(sent.route.root == service.root for sent in mesh.subset_users(rule, at.get("name").text or ""))
    )


def _in_order(made: Making) -> list[Document]:
    """Services and policies in front of the routes that need them."""
    return [*made.subsets.documents.values(), *made.routes, *made.grants.values()]
