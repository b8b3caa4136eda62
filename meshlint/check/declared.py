"""Rules as data: YAML files that say of which objects (`kind`, `where`) what must hold (`require`). They run no code.

The form is schemas/meshlint/declared-rule.v1.json; docs/writing-rules.md explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from meshlint.check.declared_kind import Selected, said_at, selected_by
from meshlint.model.mesh import Mesh
from meshlint.model.node import Node
from meshlint.model.problem import Impact, Problem, Severity
from meshlint.model.resource import Resource
from meshlint.model.rule import Rule
from meshlint.read.file import read_file
from meshlint.semantics.json_compile import compiled
from meshlint.semantics.json_schema import Schema, SchemaError
from meshlint.semantics.patterns import Budget

LONGEST: Final = 1_000_000  # bytes of a file of rules
FAMILY: Final = "declared"


class DeclaredError(ValueError):
    """A file of rules that cannot be used: a line a problem, each with file and line."""


def trusted(path: str, module: str) -> list[Rule]:
    """The rules of a bundled file, which the tests have judged; its schemas are compiled when an object is judged."""
    budget = Budget(1_000_000_000)  # they are known to be cheap
    return [_rule(root, "meshlint", module, budget) for root in _documents(path, path)]


def declared(path: str, shown: str, budget: Budget) -> list[Rule]:
    """The rules of somebody's file, judged by the published schema first. `budget` is what all of them together may cost.

    Raises DeclaredError with everything that is wrong.
    """
    try:
        return _judged(path, shown, budget)
    except RecursionError:
        raise DeclaredError(f"{shown}: nested too deeply") from None


def _judged(path: str, shown: str, budget: Budget) -> list[Rule]:
    from meshlint.check.declared_form import flaws

    roots = _documents(path, shown)
    said = [line for root in roots for line in flaws(root)]
    if said:
        raise DeclaredError("\n".join(said))
    rules = [_rule(root, shown, shown, budget) for root in roots]
    for root in roots:
        for key in ("where", "require"):
            if root.get(key).present:
                _compiled(root.get(key), budget)
    return rules


def _documents(path: str, shown: str) -> list[Node]:
    read = read_file(path, shown, LONGEST, parse_all=True)
    if read.troubles:
        trouble = read.troubles[0]
        line = f"{trouble.span[0].line + 1}:" if trouble.span is not None else ""
        raise DeclaredError(f"{shown}:{line} {trouble.message}")
    roots = [document.root for document in read.documents]
    if not roots:
        raise DeclaredError(f"{shown}: holds no rule; a rule is a mapping with id, name, kind, require and message")
    return roots


def _compiled(at: Node, budget: Budget) -> Schema:
    try:
        return compiled(at, budget)
    except SchemaError as error:
        raise DeclaredError(said_at(error.at, str(error))) from None


def _rule(root: Node, origin: str, module: str, budget: Budget) -> Rule:
    text = {key: node.text or "" for key, node in root.items()}
    selected = tuple(selected_by(one.text or "") for one in root.each("kind"))
    check = _Check(root, tuple(one for one in selected if one is not None), budget)
    return Rule(
        text["id"],
        text["name"],
        Severity(text["severity"]),
        impact=Impact(text["impact"]),
        check=check,
        doc=_doc(root),
        each=tuple(dict.fromkeys(one.kind for one in check.selected)),
        points_to=(),
        evidence=text.get("evidence", "docs"),
        sources=_texts(root, "sources"),
        remedy=" ".join(text["remedy"].split()),
        since=text.get("since", "0.1"),
        aliases=_texts(root, "aliases"),
        yields_to=_texts(root, "yields-to"),
        yields_in_object=_texts(root, "yields-in-object"),
        module=module,
        family=text.get("family", FAMILY),
        origin=origin,
    )


def _texts(root: Node, key: str) -> Sequence[str]:
    return tuple(one.text for one in root.each(key) if one.text is not None)


def _doc(root: Node) -> str:
    """The documentation page: the first paragraph, the examples, the rest."""
    first, _, rest = (root.get("documentation").text or "").strip().partition("\n\n")
    examples = [f"```yaml\n{example.rstrip()}\n```" for example in _texts(root, "examples")]
    return "\n\n".join(part for part in (first, *examples, rest) if part)


class _Check:
    """Judges one object: called as the generator of a rule is."""

    def __init__(self, root: Node, selected: Sequence[Selected], budget: Budget) -> None:
        self.selected = selected
        self._root = root
        self._budget = budget
        self._message = root.get("message").text or ""
        self._final = root.get("final").value is True
        self._schemas: tuple[Schema | None, Schema] | None = None

    def __call__(self, resource: Resource, mesh: Mesh) -> Iterator[Problem]:
        if resource.partial or not any(one.kind is resource.kind and one.version in ("", resource.version) for one in self.selected):
            return
        from meshlint.check.declared_judge import breaches, filled

        where, require = self._schemas = self._schemas or self._compile()
        for breach in breaches(where, require, resource, mesh, self._budget):
            yield Problem(breach.at, filled(self._message, breach, resource, mesh), final=self._final)

    def _compile(self) -> tuple[Schema | None, Schema]:
        where = self._root.get("where")
        return _compiled(where, self._budget) if where.present else None, _compiled(self._root.get("require"), self._budget)
