"""What ztunnel makes of the modes of a PeerAuthentication, against the conversion of istiod carried out rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from meshlint.semantics.peer_modes import DISABLE, PERMISSIVE, STRICT, UNSET, Written, asked, at_ztunnel, parent_mode

MODES = (STRICT, PERMISSIVE, DISABLE, UNSET)
Clause = Callable[[object], bool]
ABOVE = (None, STRICT, PERMISSIVE, DISABLE, UNSET)


def modes(mode: str, **ports: str) -> Written:
    return Written(mode, {port[1:]: value for port, value in ports.items()}, {})


def test_without_ports_ztunnel_refuses_plaintext_exactly_where_sidecars_do() -> None:
    for own, namespace, mesh in product(MODES, ABOVE, ABOVE):
        parent = parent_mode([mode for mode in (namespace, mesh) if mode is not None])
        strict = asked(modes(own), parent, "") == STRICT
        assert (at_ztunnel(modes(own), namespace, mesh, "") == STRICT) is strict, (own, namespace, mesh)


@pytest.mark.parametrize("own", MODES)
def test_the_modes_of_two_ports_come_out_as_the_conversion_says(own: str) -> None:
    for one, two, namespace, mesh in product(MODES, MODES, ABOVE, ABOVE):
        for number in ("", "1", "2"):
            expected = _istiod(own, {"1": one, "2": two}, namespace, mesh, number)
            found = at_ztunnel(modes(own, p1=one, p2=two), namespace, mesh, number)
            assert (found == STRICT) is expected, (one, two, namespace, mesh, number)


def test_what_falls_through() -> None:
    assert at_ztunnel(modes(UNSET, p1=DISABLE), STRICT, None, "1") == STRICT  # the exception is dropped
    assert at_ztunnel(modes(UNSET, p1=PERMISSIVE), STRICT, None, "1") == PERMISSIVE
    assert at_ztunnel(modes(PERMISSIVE, p1=STRICT), None, STRICT, "1") == PERMISSIVE  # fails open
    assert at_ztunnel(modes(UNSET, p1=PERMISSIVE), UNSET, STRICT, "") == PERMISSIVE  # fails open
    assert at_ztunnel(modes(STRICT, p1=PERMISSIVE), None, None, "") == STRICT


def _istiod(own: str, ports: dict[str, str], namespace: str | None, mesh: str | None, number: str) -> bool:
    """Is plaintext to a port refused? The two steps of istiod: which policies a pod refers to, and what they say."""
    static = mesh == STRICT if namespace in (None, UNSET) else namespace == STRICT
    static = {STRICT: True, PERMISSIVE: False, DISABLE: False, UNSET: static}[own]
    refers = False
    if own == STRICT and {PERMISSIVE, DISABLE} & set(ports.values()):
        refers, static = True, False
    elif own in (PERMISSIVE, DISABLE):
        refers = STRICT in ports.values()
    elif own == UNSET and static and PERMISSIVE in ports.values():
        refers, static = True, False
    elif own == UNSET and not static:
        refers = STRICT in ports.values()
    return static or (refers and any(all(clause(number) for clause in group) for group in _groups(own, ports, namespace, mesh)))


def _groups(own: str, ports: dict[str, str], namespace: str | None, mesh: str | None) -> list[list[Clause]]:
    """The groups of the converted DENY policy as they meet plaintext: clauses on the port, all of which must hold."""
    groups: list[list[Clause]] = []
    rules: list[Clause] = [_any] if own == STRICT else []
    lenient = False
    for port, mode in ports.items():
        if mode == STRICT:
            by_parent = (own == UNSET and namespace == STRICT) or (namespace in (None, UNSET) and mesh == STRICT)
            if not (own == STRICT or by_parent):
                groups.append([port.__eq__])
        elif mode in (PERMISSIVE, DISABLE) and own not in (PERMISSIVE, DISABLE):
            idle = (namespace is not None and namespace != STRICT) or (namespace is None and mesh != STRICT)
            if own == UNSET and idle:
                continue
            lenient = True
            rules.append(port.__ne__)
    if own == STRICT and not lenient:
        return []
    return groups + ([rules] if rules else [])


def _any(_number: object) -> bool:
    return True
