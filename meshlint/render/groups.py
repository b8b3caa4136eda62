"""What rendering makes of groups: their objects as the tools give them, or their static view with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from meshlint.model.document import FileRead, Trouble
from meshlint.model.tuples import NamedTuple
from meshlint.render.group import Group
from meshlint.render.recipe import Outcome, Render
from meshlint.render.tree import Tree


class Rendered(NamedTuple):
    """`troubles` are those of groups that stayed static, and of failures; `output` is what the tools printed."""

    groups: list[Group]
    troubles: list[Trouble]
    output: tuple[FileRead, ...]


def rendered(groups: Sequence[Group], tree: Tree, render: Render, said: Callable[[list[str]], Iterable[Trouble]]) -> Rendered:
    """Each group as rendered. `said`: the troubles of their static views, but for those of folders that are rendered."""
    recipes = [recipe for group in groups for recipe in group.recipes]
    outcomes = dict(zip(map(id, recipes), render(tree, recipes), strict=True)) if recipes else {}
    made = [_made(group, [outcomes[id(recipe)] for recipe in group.recipes]) for group in groups]
    troubles = [trouble for outcome in outcomes.values() for trouble in outcome.troubles]
    output = tuple(file for outcome in outcomes.values() for file in outcome.output)
    folders = [recipe.folder for group in made if group.status == "rendered" for recipe in group.recipes]
    return Rendered(made, [*said(folders), *dict.fromkeys(troubles)], output)


def _made(group: Group, outcomes: Sequence[Outcome]) -> Group:
    reason = "; ".join(dict.fromkeys(outcome.reason for outcome in outcomes if outcome.reason)) or None
    if not outcomes:
        return group
    if all(outcome.followed for outcome in outcomes):
        return group._replace(status="followed")
    if any(outcome.objects is None for outcome in outcomes):
        status = "failed" if any(outcome.failed for outcome in outcomes) else "static"
        return group._replace(status=status, reason="; ".join(filter(None, dict.fromkeys((reason, group.reason)))) or None)
    drafts = tuple(draft for outcome in outcomes for draft in outcome.objects or ())
    sources = frozenset(path for outcome in outcomes for path in outcome.sources)
    missing = tuple(dict.fromkeys((*group.missing, *(lack for outcome in outcomes for lack in outcome.missing))))
    return group._replace(drafts=drafts, status="rendered", reason=reason, sources=sources, missing=missing)
