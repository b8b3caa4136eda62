"""The parts of a VirtualService that convert or stay on their own, and the VirtualService that is left."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from meshlint.model.conversion import Document
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.plain import plain

SECTIONS = ("http", "tls", "tcp")


class Part(NamedTuple):
    """`host` counts the hosts of a mesh part; -1 for gateways, where all hosts go together."""

    section: str
    mesh: bool
    host: int


def closed(staying: Collection[Part], parts: Sequence[Part], sections_apart: bool) -> set[Part]:
    """What has to stay with the parts that stay, so that one VirtualService can hold it: some sections, for some hosts in the mesh
    or all of them at gateways."""
    out = set(staying)
    while True:
        sections = {part.section for part in out} if sections_apart else {part.section for part in parts}
        gateways = any(not part.mesh for part in out)
        in_mesh = any(part.mesh for part in out)
        hosts = {part.host for part in (parts if gateways and in_mesh else out)}
        more = (
            {part for part in parts if part.section in sections and part.host in hosts and (in_mesh if part.mesh else gateways)}
            if out
            else set()
        )
        if more <= out:
            return out
        out |= more


def remainder(service: Resource, staying: Collection[Part]) -> Document:
    """The VirtualService that executes the parts that stay."""
    spec: dict[str, Any] = dict(plain(service.spec))
    for section in SECTIONS:
        if section not in {part.section for part in staying}:
            spec.pop(section, None)
    if not any(part.mesh for part in staying):
        spec["gateways"] = [name for name in spec.get("gateways") or () if name != "mesh"]
    elif all(part.mesh for part in staying):
        kept = {part.host for part in staying}
        spec["hosts"] = [host for number, host in enumerate(spec["hosts"]) if number in kept]
        if any(name != "mesh" for name in spec.get("gateways") or ()):
            spec["gateways"] = ["mesh"]
    return {**plain(service.root), "spec": spec}


def named(staying: Collection[Part], service: Resource) -> str:
    """What stays, in words."""
    hosts = [node.text or "" for node in service.spec.each("hosts")]
    sections = "/".join(section for section in SECTIONS if section in {part.section for part in staying})
    places = []
    if any(part.mesh for part in staying):
        places.append("the mesh (" + ", ".join(hosts[number] for number in sorted({part.host for part in staying if part.mesh})) + ")")
    if any(not part.mesh for part in staying):
        places.append("its gateways")
    return f"{sections} for {' and '.join(places)}"
