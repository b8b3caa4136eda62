"""ApplicationSets: the applications that their generators make of the template."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node
from meshlint.render.find.application import Application
from meshlint.render.find.argocd import application
from meshlint.render.find.fill import Filled, unfilled
from meshlint.render.find.generators import Generators
from meshlint.render.find.repository import Holder

_MOST = 1_000


def applications(name: str, root: Node, holder: Holder) -> Iterator[Application]:
    """One for each set of parameters; what no parameter fills in stays unknown in them."""
    spec = root.get("spec")
    go = spec.get("goTemplate").value is True
    generators = Generators(holder.tree, go)
    made = [parameters for generator in spec.each("generators") for parameters in generators.parameters(generator)]
    for parameters in made[:_MOST] or [{}]:
        filled = Filled(parameters, go)
        template = filled.node(spec.get("template"))
        called = template.get("metadata", "name").text or unfilled(template.get("metadata", "name")) or name
        yield application(called, root, template.get("spec"), holder)
