"""What has to be looked at where only findings about some files are wanted.

A finding stands in the object that a rule looked at, or in a copy of it; its related places may stand in others, whose kinds
the rule declares (Rule.points_to). So an object of another file is looked at only by rules that may point to one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from meshlint.check.concern import Asked, Concerns, Objects
from meshlint.index.mesh import MeshIndex
from meshlint.model.document import FileRead
from meshlint.model.kind import Kind, kind_of
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node, Table
from meshlint.model.problem import Finding, Problem
from meshlint.model.resource import Environment, Resource
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple
from meshlint.render.shaping import is_plain, is_taken, takes_values

if TYPE_CHECKING:
    from meshlint.check.sent import Sent

_MANY = 1_000  # objects
_PART = 10


class Look(NamedTuple):
    """A rule, by its place among the chosen ones, at an object; None: at the environment as a whole."""

    row: int
    resource: Resource | None
    mesh: MeshIndex


class About(NamedTuple):
    """The objects of some files: the tables that they stand in, their kinds, and what they are called."""

    files: frozenset[str]
    tables: frozenset[Table]
    kinds: frozenset[Kind]
    called: frozenset[tuple[Kind, str]]

    def has(self, resource: Resource) -> bool:
        """Is it one of them, or a copy?"""
        return resource.root.table in self.tables or (resource.kind, resource.name) in self.called

    def counting(self, *found: Iterable[Finding | Sent]) -> Callable[[Finding | Sent], bool]:
        """Which findings count for those about the files: they may become one, give way, or are told apart by their numbers."""
        touching = [one for some in found for one in some if self._touches(one)]
        alike = {_alike(one) for one in touching}
        files = {one.location.file for one in touching}
        return lambda one: one.location.file in files or _alike(one) in alike

    def _touches(self, one: Finding | Sent) -> bool:
        return one.location.file in self.files or any(place.file in self.files for place, _ in one.related)


def about(files: Sequence[FileRead], environments: Iterable[Environment], wanted: Callable[[str], bool]) -> About | None:
    """`wanted`: is a file of this path one that findings are to be about? None where everything is to be looked at: one of these files is
    more than objects that stand there as they are applied (a patch, values, what installs the mesh), or they are much of the whole."""
    own = [file for file in files if wanted(file.path)]
    if not all(is_plain(file, lambda name: is_taken(name, filter(takes_values, files))) for file in own):
        return None
    documents = [(document, kind_of(document.api_version, document.kind)) for file in own for document in file.documents]
    tables = frozenset(document.root.table for document, kind in documents if kind is not None)
    judged = [resource for environment in environments for resource in environment.resources]
    held = {resource for resource in judged if resource.root.table in tables}
    if {resource.root for resource in held} != {document.root for document, kind in documents if kind is not None}:
        return None
    if _MANY < len(judged) < _PART * len(held):  # several processes are sooner done with all of them
        return None
    called = frozenset((resource.kind, resource.name) for resource in held)
    return About(frozenset(file.path for file in own), tables, frozenset(kind for kind, _ in called), called)


class Narrow:
    """Which rules look at which objects in a run about some of them, and what of that counts."""

    def __init__(self, about: About, concerns: Concerns, owner: Callable[[Node], tuple[Resource | None, str]]) -> None:
        """`owner`: the object that a value stands in."""
        self._about = about
        self._concerns = concerns
        self._owner = owner
        self._wide = concerns.pointing_to(about.kinds)
        self._wide_kinds = concerns.kinds(self._wide)
        self._asked = Asked(self._rows, self._wide.intersection(concerns.alone))
        self._far: list[tuple[Look, Problem]] = []

    def calls(self, mesh: Mesh) -> Iterator[tuple[int, Objects]]:
        """The rules that are asked in an environment, each with its objects."""
        return self._concerns.calls(mesh, self._asked if mesh.environment.status != "rendered" else None)

    def _rows(self, resource: Resource) -> Sequence[int]:
        if self._about.has(resource):
            return self._concerns.of(resource)
        return [row for row in self._concerns.of(resource) if row in self._wide] if resource.kind in self._wide_kinds else ()

    def is_near(self, resource: Resource | None, mesh: Mesh) -> bool:
        """Does all count that is found in an object? What a tool printed may stand in any file."""
        return resource is not None and (self._about.has(resource) or mesh.environment.status == "rendered")

    def note(self, look: Look, problems: Iterable[Problem]) -> None:
        """What a rule says of another object, or of an environment."""
        self._far += ((look, problem) for problem in problems)

    def pointing(self) -> list[Look]:
        """Where something was found that points to a file, that may become one with such, or that is counted with it."""
        touched = {(look.row, _place(problem.at)) for look, problem in self._far if self._touches(problem)}
        if not touched:
            return []
        alike = {self._alike(look, problem) for look, problem in self._far if (look.row, _place(problem.at)) in touched}
        return list(dict.fromkeys(look for look, problem in self._far if self._alike(look, problem) in alike))

    def _touches(self, problem: Problem) -> bool:
        return any(_place(node)[0] in self._about.files for node in (problem.at, *(node for node, _ in problem.related)))

    def _alike(self, look: Look, problem: Problem) -> tuple[object, ...]:
        """What findings have in common that are counted together (meshlint.check.findings.fingerprinted), and some more."""
        named = self._owner(problem.at)[0] or look.resource
        return (look.row, named.identity if named is not None else _place(problem.at)[0])

    def saying_more(self, found: Iterable[tuple[Rule, Finding]]) -> Asked | None:
        """The rules to be asked, because these findings may give way to theirs."""
        files: dict[int, set[str]] = {}
        for rule, finding in found:
            for other in self._concerns.named(rule.gives_way_to):
                files.setdefault(other, set()).add(finding.location.file)
        if not files:
            return None
        return Asked(lambda resource: [row for row in self._concerns.of(resource) if resource.file in files.get(row, ())], ())


def _alike(one: Finding | Sent) -> tuple[str, object]:
    """What findings have in common that are counted together (meshlint.check.findings.fingerprinted)."""
    return one.rule, one.location.file if one.resource is None else one.resource[1:]


def _place(node: Node) -> tuple[str, int, int]:
    source, start, end = node.marked
    return source.path, start, end
