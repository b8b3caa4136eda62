"""What something else than a plain folder holds together, on its way to an environment."""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.render.draft import Draft
from meshlint.render.recipe import Missing, Recipe


class Applied(NamedTuple):
    """By which application: `by` as Application has it; `way`: by what the first one on the way to it is applied;
    `cluster`: where it lands, empty: where the first one does, None: not known. `said`: the source as it is named;
    `number`: one for all sources of an application."""

    by: str
    name: str
    way: str
    at: Node
    cluster: str | None
    said: str
    number: int


class Group(NamedTuple):
    """`drafts` are its static view; `recipes` how it is rendered, none where it is not. `tool`: what it is for. `root`: where
    the way to it began, a folder, with the set of values where a chart has several. `folders`: the kustomizations and charts that
    it is made of; `sources`: the templates that gave something; `missing`: what is not in the repository, `gone`: that is all of
    it. `like`: two of one kind are the same, `again`: another cluster gets this one, too."""

    kind: str
    name: str
    path: str
    drafts: tuple[Draft, ...]
    files: frozenset[str]
    reason: str | None = None
    recipes: tuple[Recipe, ...] = ()
    status: str = "static"
    tool: str = ""
    applied: Applied | None = None
    root: str = ""
    folders: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()
    gone: bool = False
    like: tuple[object, ...] = ()
    again: bool = False
