"""How recipes are rendered, as the user wishes. The tools are looked for, and everything for them is imported, only where a
recipe needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshlint.model.tuples import NamedTuple
from meshlint.render.recipe import Outcome, Recipe, Render
from meshlint.render.tree import Tree

_FOLLOWED = Outcome(None, followed=True)
_NEVER = Outcome(None, "not rendered, as --render never says")


class Wish(NamedTuple):
    """`how`: auto, always (what is followed exactly, too; a tool that is missing is an error) or never. `cached`: results
    are kept, in the folder of caches as it is configured. `jobs`: children at a time, None: one for each CPU."""

    how: str = "auto"
    cached: bool = False
    cache_dir: str | None = None
    jobs: int | None = None


def rendering(root: str, wish: Wish, texts: Mapping[str, str]) -> Render:
    """`texts`: files that an editor holds, by path."""

    def render(tree: Tree, recipes: Sequence[Recipe]) -> Sequence[Outcome]:
        needed = [recipe for recipe in recipes if wish.how == "always" or not recipe.exact]
        outcomes = iter(_with_tools(tree, needed))
        return [next(outcomes) if wish.how == "always" or not recipe.exact else _FOLLOWED for recipe in recipes]

    def _with_tools(tree: Tree, recipes: Sequence[Recipe]) -> Sequence[Outcome]:
        if wish.how == "never" or not recipes:
            return [_NEVER] * len(recipes)
        from meshlint.cache.store import cache_folder
        from meshlint.render.run.renderer import Renderer, Settings

        folder = cache_folder(wish.cache_dir) if wish.cached else None
        return Renderer(root, Settings(wish.how == "always", folder, wish.jobs), texts)(tree, recipes)

    return render
