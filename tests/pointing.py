"""Holds findings to what their rules declare: where they stand, and what they point to (Rule.points_to)."""

from __future__ import annotations

from collections.abc import Mapping

from meshlint.check import findings
from meshlint.index.repository import Repository
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.problem import Finding, Problem, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule
from meshlint.render.shaping import SHAPING, is_of_installation


class Watch:
    """Stands in for meshlint.check.findings.stamp. `astray`: what stood, or pointed, where it may not."""

    def __init__(self) -> None:
        self.astray: list[str] = []

    def stamp(
        self, rule: Rule, problem: Problem, checked: Resource | None, mesh: Mesh, repository: Repository, forced: Mapping[str, Severity]
    ) -> Finding:
        if rule.points_to is not None:
            other = _other(problem.at, checked, repository)
            if other is not None and (checked is not None or other.kind not in rule.points_to):
                self.astray.append(f"{rule.id} stands in {other}, not in {checked}")
            for node, _ in problem.related:
                other = _other(node, checked, repository)
                if other is not None and other.kind not in rule.points_to:
                    self.astray.append(f"{rule.id} points to {other}, of a kind that it does not name")
        return findings.stamp(rule, problem, checked, mesh, repository, forced)


def _other(node: Node, checked: Resource | None, repository: Repository) -> Resource | None:
    """Another object that the value stands in, but for copies and for what installs the mesh (about that, all rules are asked)."""
    owner, inside = repository.owner(node)
    if owner is None or inside or owner.kind in SHAPING or is_of_installation(node.table.source):
        return None
    if checked is not None and (owner.root.table is checked.root.table or (owner.kind, owner.name) == (checked.kind, checked.name)):
        return None
    return owner
