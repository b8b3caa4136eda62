"""Charts that no application names: the sets of values that the repository pairs with them, each an environment."""

from __future__ import annotations

from collections.abc import Iterator

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.render.tree import Tree, base, joined

_NAMED = lazy_regex(r"values[-._]([\w-]+)\.ya?ml")
_PLAIN = lazy_regex(r"([\w-]+)\.ya?ml")
_FOLDERS = ("environments", "envs", "env", "values")
_MOST = 50


class ValueSet(NamedTuple):
    """`name`: of the environment; `file`: what goes over the chart's own values."""

    name: str
    file: str


def value_sets(tree: Tree, chart: str) -> list[ValueSet]:
    """values-<environment>.yaml beside the chart's values.yaml, else the files of a folder of environments in the chart."""
    beside = [ValueSet(match[1], path) for path in tree.folders.get(chart, ()) if (match := _NAMED.fullmatch(base(path)))]
    found = [one for one in beside if _is_values(tree, one.file)] or [*_in_folders(tree, chart)]
    return found[:_MOST]


def _in_folders(tree: Tree, chart: str) -> Iterator[ValueSet]:
    for folder in _FOLDERS:
        for path in tree.folders.get(joined(chart, folder), ()):
            match = _NAMED.fullmatch(base(path)) or _PLAIN.fullmatch(base(path))
            if match and _is_values(tree, path):
                yield ValueSet(match[1], path)


def _is_values(tree: Tree, path: str) -> bool:
    """A mapping that is no object."""
    documents = tree.files[path].documents
    return len(documents) == 1 and documents[0].root.is_map and not documents[0].kind and not documents[0].api_version


def library(tree: Tree, chart: str) -> bool:
    """Is it a chart of helpers only, which Helm does not render?"""
    files = [tree.files.get(joined(chart, name)) for name in ("Chart.yaml", "Chart.yml")]
    return any(document.root.get("type").text == "library" for file in files if file for document in file.documents)
