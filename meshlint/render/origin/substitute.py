"""Flux's postBuild: variables in the output, put in as Flux does it, and where their values were written."""

from __future__ import annotations

import re

from meshlint.model.node import Node, scalar_text
from meshlint.render.origin.match import Claims
from meshlint.render.recipe import Recipe
from meshlint.render.run.plain import written

_VARIABLE = re.compile(r"\$?\$\{(\w+)(?:(:?[=-])([^{}]*))?\}")
_DISABLED = re.compile(r"^    [\"']?kustomize\.toolkit\.fluxcd\.io/substitute[\"']?: [\"']?disabled", re.MULTILINE)


class Substitution:
    """A variable that nobody sets has its default, else nothing; where sources of variables are missing it may be set there,
    so it stays as it is, and nothing is concluded from it."""

    def __init__(self, recipe: Recipe) -> None:
        self._texts = {name: text for name, text, _ in recipe.substitute or ()}
        self._nodes = {name: node for name, _, node in recipe.substitute or ()}
        self._whole = not (recipe.missing or recipe.unsure)

    def on(self, document: str) -> str:
        if "${" not in document or _DISABLED.search(document):
            return document
        return _VARIABLE.sub(self._value, document)

    def _value(self, match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        text = self._texts.get(match[1])
        if text is None and not self._whole:
            return match[0]
        if not text and match[2] and (text is None or ":" in match[2]):
            return match[3]
        return text or ""

    def claim(self, root: Node, claims: Claims) -> None:
        """A value that is one variable as a whole was written where the variable is set."""
        for row, source in list(claims.near.items()):
            if source.is_map or source.is_list or row in claims.exact:
                continue
            whole = _VARIABLE.fullmatch(written(source))
            if whole is None:
                continue
            node = self._nodes.get(whole[1])
            value = Node(root.table, row).value
            text = None if isinstance(value, (dict, list)) else scalar_text(value)
            if node is not None and text == scalar_text(node.value):
                claims.exact[row] = node
            elif text is not None and text == whole[3]:
                claims.exact[row] = source
