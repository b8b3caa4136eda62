"""Rules find nothing in objects without the keys that they say they need (`needs`), whatever else these hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshlint.check.registry import scan
from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.resource import Environment
from meshlint.model.rule import Rule
from meshlint.model.target import resolve_target
from meshlint.project import project
from meshlint.read.discover import discover
from tests.rules_harness import CASES

NEEDING = [rule for rule in scan() if rule.needs and rule.check is not None]
BY_KIND: dict[Kind, list[Rule]] = defaultdict(list)
for _rule in NEEDING:
    for _kind in _rule.each:
        BY_KIND[_kind].append(_rule)


def _environments(folder: Path) -> Iterator[tuple[MeshIndex, Environment]]:
    """Those of a case, which is a repository of its own."""
    read = project([str(folder)])
    loaded = load(read, Config(), found=discover(read.root, read.paths, use_git=False))
    targets = [resolve_target(None, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    for environment in loaded.environments:
        yield repository.index(environment), environment


@pytest.mark.parametrize("rule", NEEDING, ids=lambda rule: rule.name)
def test_what_needs_something_is_about_objects(rule: Rule) -> None:
    assert rule.each, "a rule about the environment as a whole needs nothing of one object"


@pytest.mark.parametrize("cases", sorted(path.name for path in CASES.iterdir()))
def test_finds_nothing_without_what_it_needs(cases: str) -> None:
    """Every such rule, in the cases of every rule: each is read once, for all of them."""
    for folder in sorted(path for path in (CASES / cases).iterdir() if path.is_dir()):
        for mesh, environment in _environments(folder):
            for resource in environment.resources:
                for rule in BY_KIND[resource.kind]:
                    if rule.check is not None and not resource.may_hold(rule.needs):
                        assert not list(rule.check(resource, mesh)), f"{rule.name}: {resource} holds none of {sorted(rule.needs)}"
