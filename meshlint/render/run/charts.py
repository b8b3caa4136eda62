"""A chart and its subcharts: which folder each is, and by what name Helm calls it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.node import Node
from meshlint.model.tuples import NamedTuple
from meshlint.model.version import Version
from meshlint.read.file import read_content
from meshlint.render.recipe import Missing
from meshlint.render.run.plain import plain
from meshlint.render.run.stage import Files, Refusal
from meshlint.render.tree import joined, parent, resolve

_NAMES = ("Chart.yaml", "Chart.yml")
_DEEPEST = 10
_RANGE = lazy_regex(r"(\^|~|>=|=)?\s*v?((?:\d{1,6}|[xX*])(?:\.(?:\d{1,6}|[xX*])){0,2})")


class Chart(NamedTuple):
    """`folder` in the repository; `called`: its name, or alias, as values and output have it; `root` of its Chart.yaml."""

    folder: str
    called: str
    file: str
    root: Node
    data: dict[str, Any]
    below: tuple[Chart, ...]
    missing: tuple[Missing, ...]

    def find(self, steps: list[str]) -> tuple[list[Chart], list[str]] | None:
        """The charts on the way of a path of the output (shop/charts/cart/templates/x.yaml), and the rest of the path."""
        if not steps or steps[0] != self.called:
            return None
        if steps[1:2] == ["charts"]:
            for chart in self.below:
                if (found := chart.find(steps[2:])) is not None:
                    return [self, *found[0]], found[1]
        return [self], steps[1:]

    def all(self) -> Iterator[Chart]:
        yield self
        for chart in self.below:
            yield from chart.all()


def chart_at(files: Files, folder: str, called: str = "", depth: int = 0) -> Chart | None:
    """The chart of a folder with what it depends on; None: there is none."""
    if depth > _DEEPEST:
        raise Refusal(f"charts nested deeper than {_DEEPEST} levels")
    found = _chart_file(files, folder)
    if found is None:
        return None
    file, root = found
    data = plain(root)
    name = data.get("name")
    own = called or (name if isinstance(name, str) else "chart")
    held = _held(files, folder)
    below: dict[str, Chart] = {}
    missing: list[Missing] = []
    kept: list[Any] = []
    for entry in _dependencies(files, folder, data):
        as_ = str(entry.get("alias") or entry.get("name"))
        chart = _dependency(files, folder, entry, held, as_, depth)
        if chart is not None:
            below[as_] = chart
            entry = {**entry, "repository": ""}
        elif not _packed(files, folder, str(entry.get("name"))):
            what = f"chart {entry['name']} of {entry.get('repository') or 'an unnamed repository'} is not in the repository"
            missing.append(Missing(what, _named(root, str(entry["name"]))))
            continue
        kept.append(entry)
    listed = {str(entry.get("name")) for entry in kept}
    for name, at in held.items():
        if name not in listed and (chart := chart_at(files, at, "", depth + 1)) is not None:
            below[chart.called] = chart
    missing += [lack for chart in below.values() for lack in chart.missing]
    data = {**data, "apiVersion": "v2", "dependencies": kept}
    data.pop("kubeVersion", None)  # which clusters it is for: the one that it is told of here is none of them
    return Chart(folder, own, file, root, data, tuple(below.values()), tuple(dict.fromkeys(missing)))


def _named(root: Node, name: str) -> Node:
    """Where a dependency is written."""
    return next((found for entry in root.each("dependencies") if (found := entry.get("name")).text == name), root)


def _chart_file(files: Files, folder: str) -> tuple[str, Node] | None:
    for name in _NAMES:
        path = joined(folder, name)
        content = files.content(path)
        if content is not None:
            documents = read_content(content, path).documents
            return (path, documents[0].root) if documents else None
    return None


def _dependencies(files: Files, folder: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Of Chart.yaml, or of the requirements.yaml of old charts."""
    entries = data.get("dependencies")
    if entries is None and (content := files.content(joined(folder, "requirements.yaml"))) is not None:
        documents = read_content(content, joined(folder, "requirements.yaml")).documents
        entries = plain(documents[0].root).get("dependencies") if documents else None
    return [entry for entry in entries if isinstance(entry, dict) and entry.get("name")] if isinstance(entries, list) else []


def _held(files: Files, folder: str) -> dict[str, str]:
    """The charts in charts/, by name."""
    out: dict[str, str] = {}
    for name in files.names(joined(folder, "charts")):
        at = joined(joined(folder, "charts"), name)
        if files.is_folder(at) and (found := _chart_file(files, at)) is not None:
            out[found[1].get("name").text or name] = at
    return out


def _dependency(files: Files, folder: str, entry: dict[str, Any], held: dict[str, str], called: str, depth: int) -> Chart | None:
    at = held.get(str(entry["name"]))
    if at is None:
        kind, _, path = str(entry.get("repository", "")).partition("://")
        at = resolve(folder, path) if kind == "file" else _beside(files, folder, entry)
    real = files.real(at) if at is not None else None
    return chart_at(files, real, called, depth + 1) if real is not None else None


def _beside(files: Files, folder: str, entry: dict[str, Any]) -> str | None:
    """What an alias of a repository (@own, alias:own) stands for only the machine of its author knows. A chart of that name in the folder
    beside, of a version that is asked for, is the one that is published there."""
    if not str(entry.get("repository", "")).startswith(("@", "alias:")):
        return None
    at = joined(parent(folder), str(entry["name"]))
    found = _chart_file(files, at)
    version = str(plain(found[1].get("version"))) if found is not None else ""
    named = found is not None and found[1].get("name").text == entry["name"]
    return at if named and _fits(str(entry.get("version", "")), version) else None


def _fits(wanted: str, version: str) -> bool:
    """Is the version in a range of one part, as people write them for charts of their own?"""
    found = _RANGE.fullmatch(wanted.strip())
    has = Version.find(version)
    if found is None or has is None:
        return wanted == version
    numbers = tuple(int(number) for number in found[2].split(".") if number.isdigit()) if found[2] else ()
    fixed = {"^": 2 if numbers[:1] == (0,) else 1, "~": min(2, len(numbers)), ">=": 0}.get(found[1], len(numbers))
    return has.order[:fixed] == numbers[:fixed] and has.order >= numbers


def _packed(files: Files, folder: str, name: str) -> bool:
    return any(entry.startswith(f"{name}-") and entry.endswith(".tgz") for entry in files.names(joined(folder, "charts")))
