"""Helm charts: a folder with a Chart.yaml, and which files are its own."""

from __future__ import annotations

from meshlint.render.tree import Tree, above, base, below, joined, parent

_FILES = ("Chart.yaml", "Chart.yml")
_PARTS = ("templates", "crds", "charts")
_TEXT = ("templates", "crds", "ci")


def charts_of(tree: Tree) -> list[str]:
    """The folders of charts that are not subcharts of another one of the repository."""
    folders = {parent(path) for path in tree.files if base(path) in _FILES}
    return sorted(folder for folder in folders if not _is_subchart(folder, folders))


def _is_subchart(folder: str, folders: set[str]) -> bool:
    return any(upper in folders and below(folder, joined(upper, "charts")) for upper in above(folder))


def chart_files(tree: Tree, chart: str, nested: list[str]) -> list[str]:
    """The files of a chart; of one at the root of the repository, only those in the folders that Helm knows."""
    inner = [other for other in nested if other != chart and below(other, chart)]
    parts = [joined(chart, part) for part in _PARTS] if chart == tree.root else [chart]
    return [path for part in parts for path in tree.under(part) if not any(below(path, other) for other in inner)]


def included(path: str) -> bool:
    """Is a template only for others to include? Helm leaves out what it prints."""
    return base(path).startswith("_")


def inside_chart(folder: str, charts: list[str]) -> bool:
    """Is it a part of a chart that Helm applies or tests with, where no kustomization can stand?"""
    return any(below(folder, chart) and _part(folder[len(chart) :].strip("/")) in _TEXT for chart in charts)


def _part(path: str) -> str:
    """The part of its chart, or subchart, that a path is in."""
    steps = path.split("/")
    while steps[0] == "charts" and len(steps) > 2:
        steps = steps[2:]
    return steps[0]
