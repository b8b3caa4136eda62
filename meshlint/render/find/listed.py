"""Templates of ApplicationSets filled in without a look at the repository: where lists, and what only clusters know, generate them."""

from __future__ import annotations

from meshlint.model.node import Node
from meshlint.render.find.fill import Filled
from meshlint.render.find.generators import Generators
from meshlint.render.tree import Tree

_MOST = 100


def templates(root: Node) -> list[Node]:
    """The template with each set of parameters; none where files of git or others give them, or patches change what is made."""
    spec = root.get("spec")
    generators = [*spec.each("generators")]
    if not generators or spec.get("templatePatch").present or not all(map(_is_listed, generators)):
        return []
    go = spec.get("goTemplate").value is True
    made = Generators(Tree(()), go)
    found = [parameters for generator in generators for parameters in made.parameters(generator)]
    return [Filled(parameters, go).node(spec.get("template")) for parameters in found] if len(found) <= _MOST else []


def _is_listed(generator: Node) -> bool:
    for kind in ("matrix", "merge"):
        if generator.get(kind).is_map:
            return all(map(_is_listed, generator.each(kind, "generators")))
    return generator.get("list", "elements").is_list or generator.get("clusters").is_map
