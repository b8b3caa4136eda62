"""Which kinds a rule asks the mesh for, recorded by the index itself."""

from __future__ import annotations

from pathlib import Path

from meshlint.config import Config
from meshlint.engine import load
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.rule import Rule
from meshlint.model.target import resolve_target
from meshlint.project import project


def asked_by(rule: Rule, folder: Path) -> set[Kind]:
    """Run one rule alone over a folder, with an index that has answered nothing before."""
    loaded = load(project([str(folder)]), Config())
    targets = [resolve_target(None, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    out: set[Kind] = set()
    for environment in loaded.environments:
        mesh = repository.index(environment)
        judged = [resource for kind in rule.each for resource in mesh.all(kind)]
        mesh.asked.clear()
        if rule.check is not None:
            for resource in judged if rule.each else [None]:
                list(rule.check(mesh) if resource is None else rule.check(resource, mesh))
        out |= mesh.asked
    return out
