"""Generators of ApplicationSets: the parameters of each application that they make, as far as the repository tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.read.inner import documents_of
from meshlint.render.find.fill import Filled, Written, unfilled
from meshlint.render.find.globs import fits
from meshlint.render.tree import Tree, base, parent

Parameters = dict[str, str]
_MOST = 1_000
_DEEPEST = 4
_NOT_A_NAME = lazy_regex(r"[^a-z0-9.-]")


class Generators:
    """`go`: goTemplate is on. A generator that only a cluster could answer (clusters, SCM, pull requests) makes one
    application of which nothing is known."""

    def __init__(self, tree: Tree, go: bool) -> None:
        self._tree = tree
        self._go = go

    def parameters(self, generator: Node, depth: int = 0) -> list[Parameters]:
        """One entry an application, in the order of the text."""
        if depth > _DEEPEST:
            return [{}]
        if generator.get("matrix").is_map:
            found = self._matrix(generator.get("matrix"), depth)
        elif generator.get("merge").is_map:
            found = self._merge(generator.get("merge"), depth)
        elif generator.get("list").is_map:
            found = [flat(item) for item in generator.each("list", "elements")]
        elif generator.get("git").is_map:
            found = self._git(generator.get("git"))
        else:
            found = [flat(generator.get("clusters", "values"), "values")]
        selects = Selection(generator.get("selector"), _answered(generator))
        return [one for one in found[:_MOST] if selects(one)]

    def _matrix(self, matrix: Node, depth: int) -> list[Parameters]:
        """Each of the first with each of the second, which may use the parameters of the first."""
        made: list[Parameters] = [{}]
        for child in matrix.each("generators"):
            made = [
                {**given, **own}
                for given in made[:_MOST]
                for own in self.parameters(Filled(given, self._go).node(child) if given else child, depth + 1)
            ]
        return made

    def _merge(self, merge: Node, depth: int) -> list[Parameters]:
        keys = [key.text or "" for key in merge.each("mergeKeys")]
        sets = [self.parameters(child, depth + 1) for child in merge.each("generators")]
        made = [dict(one) for one in sets[0]] if sets else []
        for one, other in product(made, [other for later in sets[1:] for other in later]):
            if keys and all(one.get(key) == other.get(key) and key in other for key in keys):
                one.update(other)
        return made

    def _git(self, git: Node) -> list[Parameters]:
        prefix = f"{prefix}." if (prefix := git.get("pathParamPrefix").text) else ""
        found = [*self._folders([*git.each("directories")], prefix), *self._files([*git.each("files")], prefix)]
        return [{**one, **flat(Filled(one, self._go).node(git.get("values")), "values")} for one in found or [{}]]

    def _folders(self, wanted: Sequence[Node], prefix: str) -> Iterator[Parameters]:
        patterns = _patterns(wanted)
        for folder in self._tree.folders if patterns else ():
            path = self._tree.called(folder)
            if path != "." and not any(step.startswith(".") for step in path.split("/")) and _chosen(patterns, path):
                yield _of_path(path, prefix)

    def _files(self, wanted: Sequence[Node], prefix: str) -> Iterator[Parameters]:
        patterns = _patterns(wanted)
        for file in self._tree.files.values() if patterns else ():
            path = self._tree.called(file.path)
            if not _chosen(patterns, path):
                continue
            name = base(path)
            about = {**_of_path(parent(path), prefix), f"{prefix}path.filename": name, f"{prefix}path.filenameNormalized": _normal(name)}
            roots = [document.root for document in file.documents] or (documents_of(file.source) if file.source is not None else [])
            for root in roots:
                yield from ({**flat(one), **about} for one in (root.each() if root.is_list else (root,)))


def _patterns(wanted: Sequence[Node]) -> list[tuple[str, bool]]:
    """The patterns of paths, and whether what fits is left out."""
    return [(unfilled(item.get("path")), item.get("exclude").value is True) for item in wanted]


def _chosen(patterns: Sequence[tuple[str, bool]], path: str) -> bool:
    """Is it among the patterns, and not among those that exclude?"""
    taken = False
    for pattern, excluded in patterns:
        if fits(pattern, path):
            if excluded:
                return False
            taken = True
    return taken


def _of_path(path: str, prefix: str) -> Parameters:
    """What a path gives to templates, by the names of both engines. `prefix`: what goes before these."""
    name = base(path)
    out = {"path": path, "path.path": path, "path.basename": name, "path.basenameNormalized": _normal(name)}
    for at, step in enumerate(path.split("/")):
        out[f"path[{at}]"] = out[f"path.segments[{at}]"] = step
    return {f"{prefix}{key}": value for key, value in out.items()} if prefix else out


def _normal(name: str) -> str:
    return _NOT_A_NAME.sub("-", name.lower().replace("_", "-")).strip("-.")


def flat(node: Node, prefix: str = "") -> Parameters:
    """Nested values by dotted keys; what a template fills in is left out."""
    out: Parameters = {}
    waiting = [(prefix, node)]
    while waiting and len(out) < _MOST:
        name, at = waiting.pop()
        if at.is_map:
            waiting += [(f"{name}.{key}" if name else key, value) for key, value in at.items()]
        elif at.is_list:
            waiting += [(f"{name}[{number}]", item) for number, item in enumerate(at.each())]
        elif at and name:
            out[name] = Written.at(at)
    return out


def _answered(generator: Node) -> bool:
    """Does the repository tell all parameters of a generator? What only a cluster answers may have others."""
    below = [generator.get(kind) for kind in ("matrix", "merge") if generator.get(kind).is_map]
    if below:
        return all(_answered(child) for child in below[0].each("generators"))
    return generator.get("list").is_map or generator.get("git").is_map


class Selection:
    """The `selector` of a generator, asked for the parameters of one application. `whole`: it has no parameters but these."""

    def __init__(self, selector: Node, whole: bool) -> None:
        self._labels = selector.get("matchLabels").strings()
        self._expressions = [*selector.each("matchExpressions")]
        self._whole = whole

    def __call__(self, parameters: Parameters) -> bool:
        return all(self._open(key, parameters) or parameters.get(key) == value for key, value in self._labels.items()) and all(
            self._open(item.get("key").text or "", parameters) or _fulfilled(item, parameters) for item in self._expressions
        )

    def _open(self, key: str, parameters: Parameters) -> bool:
        return not self._whole and key not in parameters


def _fulfilled(expression: Node, parameters: Parameters) -> bool:
    """As selectors of labels are: what is absent is in no list."""
    value, listed = parameters.get(expression.get("key").text or ""), [item.text for item in expression.each("values")]
    operator = expression.get("operator").text
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) == (operator == "Exists")
    return (value is not None and value in listed) == (operator == "In") if operator in ("In", "NotIn") else True
