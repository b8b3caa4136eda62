"""Rules find nothing in objects without the keys that they say they need (`needs`), whatever else these hold."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from meshlint.check.registry import scan
from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.resource import Environment
from meshlint.model.rule import Rule
from meshlint.model.target import resolve_target
from meshlint.project import project
from tests.rules_harness import CASES

NEEDING = [rule for rule in scan() if rule.needs and rule.check is not None]


@cache
def _environments() -> list[tuple[MeshIndex, Environment]]:
    """The environments of all cases, each case a repository of its own."""
    return [found for folder in sorted(CASES.glob("*/*/")) for found in _of(folder)]


def _of(folder: Path) -> Iterator[tuple[MeshIndex, Environment]]:
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    for environment in loaded.environments:
        yield repository.index(environment), environment


@pytest.mark.parametrize("rule", NEEDING, ids=lambda rule: rule.name)
def test_finds_nothing_without_what_it_needs(rule: Rule) -> None:
    assert rule.each, "a rule about the environment as a whole needs nothing of one object"
    assert rule.check is not None
    for mesh, environment in _environments():
        for resource in environment.resources:
            if resource.kind in rule.each and not resource.may_hold(rule.needs):
                assert not list(rule.check(resource, mesh)), f"{resource} holds none of {sorted(rule.needs)}"
