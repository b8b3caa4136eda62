"""ApplicationSets: the applications that their generators make of the template."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.node import Node
from meshlint.render.find.application import Application, Source
from meshlint.render.find.argocd import application
from meshlint.render.find.fill import Filled, unfilled
from meshlint.render.find.generators import Generators
from meshlint.render.find.repository import Holder
from meshlint.render.recipe import Missing

_MOST = 1_000


def applications(name: str, root: Node, holder: Holder) -> Iterator[Application]:
    """One for each set of parameters; what no parameter fills in stays unknown in them."""
    spec = root.get("spec")
    lost = tuple(_lost(spec))
    go = spec.get("goTemplate").value is True
    generators = Generators(holder.tree, go)
    found = [parameters for generator in spec.each("generators") for parameters in generators.parameters(generator)]
    for parameters in found[:_MOST] or [{}]:
        filled = Filled(parameters, go)
        template = filled.node(spec.get("template"))
        called = template.get("metadata", "name").text or unfilled(template.get("metadata", "name")) or name
        made = application(called, root, template.get("spec"), holder)
        sources = (source._replace(missing=(*source.missing, *lost), unsure=_unsure(source)) for source in made.sources)
        yield made._replace(lost=lost, sources=tuple(sources))


def _unsure(source: Source) -> bool:
    """Is there a parameter in what it sets that only a cluster knows?"""
    waiting = [values.node for values in source.values if values.node is not None]
    waiting += [parameter.value for parameter in source.parameters] + [node for _, node in source.overlay]
    while waiting:
        node = waiting.pop()
        if node.unknown or "{{" in (node.text or ""):
            return True
        waiting += [value for _, value in node.items()] if node.is_map else node.each() if node.is_list else ()
    return False


def _lost(spec: Node) -> Iterator[Missing]:
    """What may make of the template something else: patches, which are texts with templates of their own, and the templates of
    single generators, which go over that of all."""
    if (patch := spec.get("templatePatch")).present:
        yield Missing("the templatePatch of the ApplicationSet is not followed", patch)
    waiting = [*spec.each("generators")]
    while waiting:
        for settings in [value for _, value in waiting.pop().items()]:
            if (template := settings.get("template")).is_map and any(True for _ in template.items()):
                yield Missing("the template of a generator is not followed", template)
            waiting += settings.each("generators")
