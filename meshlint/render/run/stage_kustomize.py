"""A kustomization and what it uses, copied for one run of kustomize.

Each kustomization is written anew from what was read of it: with references to copies only, without what is remote, what
lies outside of the repository, and what would run a program. So nothing that kustomize and meshlint could read differently
decides what is reached.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from meshlint.model.document import Document
from meshlint.model.node import Node
from meshlint.model.position import Source
from meshlint.read.compose import compose
from meshlint.read.file import read_content
from meshlint.render.level import FILE_NAMES, Level, folder_of, kustomization_in, remote
from meshlint.render.recipe import Recipe
from meshlint.render.run.lenient import lenient, unmerged
from meshlint.render.run.overlay import overlay_of
from meshlint.render.run.plain import plain
from meshlint.render.run.stage import Files, Refusal, Stage
from meshlint.render.tree import Tree, base, below, joined, resolve

REPOSITORY, WRAPPER = "repo", "root"  # folders of the copy: the repository's files, and what an application puts around them
_HEAD = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
_ANNOTATIONS = ("originAnnotations", "transformerAnnotations")
_CHARTS = ("helmCharts", "helmChartInflationGenerator", "helmGlobals")
_LISTS = ("resources", "bases", "components", "crds", "configurations")
_PATHS = ("patches", "patchesJson6902", "replacements")
_PLUGINS = ("transformers", "generators", "validators")
_DEEPEST = 50
_MOST_MISSING = 200


def staged(path: str) -> str:
    """Where the copy of a file or folder of the repository lies."""
    return f"{REPOSITORY}/{path}" if path else REPOSITORY


class KustomizeStage:
    """`levels`: the kustomizations in use, by folder. `missing`: what is left out, and why. `start`: the folder to build."""

    def __init__(self, tree: Tree, files: Files, stage: Stage, recipe: Recipe) -> None:
        self.tree = tree
        self.files = files
        self.stage = stage
        self.levels: dict[str, Level] = {}
        self.missing: list[str] = []
        self._data: dict[str, dict[str, Any]] = {}
        self._empty: set[str] = set()
        self._open = 0
        self._apart = recipe.apart
        folder = files.real(recipe.folder)
        if folder is not None and recipe.tool == "directory":
            self._directory(folder, recipe)
        elif folder is None or not self.level(folder):
            raise Refusal(f"{recipe.folder or '.'} holds no kustomization")
        elif self.levels[folder].component:
            raise Refusal("a component is rendered where it is used")
        self.start = self._wrapped(folder, recipe) if recipe.overlay else staged(folder)
        data = self._data[folder] if not recipe.overlay else self._data[WRAPPER + ":"]
        data["buildMetadata"] = list(dict.fromkeys([*_texts(data.get("buildMetadata")), *_ANNOTATIONS]))
        if self.missing:
            unmerged([*self._data.values()], stage.contents.values())
        for where, written in self._data.items():
            target = WRAPPER if where == WRAPPER + ":" else staged(where)
            file = self.levels[where].file if where in self.levels and recipe.tool != "directory" else None
            if self.missing:
                lenient(written, partial(self._copy, target), self._empty)
            stage.put(f"{target}/kustomization.yaml", json.dumps(written, ensure_ascii=False).encode("utf-8", "replace"), file)

    def _copy(self, target: str, reference: str) -> bytes | None:
        return self.stage.contents.get(posixpath.normpath(f"{target}/{reference}"))

    def _directory(self, folder: str, recipe: Recipe) -> None:
        """The kustomization that Flux makes of a folder without one."""
        named = [posixpath.relpath(joined("/", path), joined("/", folder)) for path in recipe.files]
        data = {**_HEAD, "resources": named}
        text = json.dumps(data)
        file = recipe.applied_by.file if recipe.applied_by is not None else joined(folder, FILE_NAMES[0])
        (table,) = compose(text, Source(file, text))
        self.levels[folder] = Level(folder, Document(table.root, "", ""))
        self._data[folder] = data
        self._rewrite(folder, data)

    def _wrapped(self, folder: str, recipe: Recipe) -> str:
        data: dict[str, Any] = {**_HEAD, "resources": [f"../{staged(folder)}"], **overlay_of(recipe.overlay)}
        components = [self._component(folder, reference) for reference in data.pop("components", ())]
        if any(components):
            data["components"] = [reference for reference in components if reference]
        for patch in data.get("patches", ()):
            if "path" in patch:
                found = self._file(folder, str(patch.pop("path")))
                content = self.stage.contents[found] if found else None
                patch["patch"] = content.decode("utf-8", "replace") if content is not None else ""
        data["patches"] = [patch for patch in data.get("patches", ()) if patch.get("patch")]
        self._data[WRAPPER + ":"] = data
        return WRAPPER

    def _component(self, folder: str, reference: str) -> str | None:
        path = resolve(folder, reference)
        real = self.files.real(path) if path is not None else None
        if real is not None and self.level(real):
            return f"../{staged(real)}"
        self._miss(f"{reference} does not exist")
        return None

    def _miss(self, what: str) -> None:
        if len(self.missing) < _MOST_MISSING:
            self.missing.append(what)

    def level(self, folder: str) -> bool:
        """Copy the kustomization of a folder, and what it uses; False: there is none."""
        if folder in self._data:
            return True
        document = self._document(folder)
        if document is None:
            return False
        self._open += 1
        if self._open > _DEEPEST:
            raise Refusal(f"kustomizations nested deeper than {_DEEPEST} levels")
        self.levels[folder] = document
        data = plain(document.root)
        if not isinstance(data, dict):
            raise Refusal(f"{document.file} is no mapping")
        self._data[folder] = data
        self._rewrite(folder, data)
        self._open -= 1
        return True

    def _document(self, folder: str) -> Level | None:
        for name in FILE_NAMES:
            path = joined(folder, name)
            file = self.tree.files.get(path)
            if file is None and (content := self.files.content(path)) is not None:
                file = read_content(content, path)
            if file is not None and (document := kustomization_in(file)) is not None:
                return Level(folder, document)
        return None

    def _rewrite(self, folder: str, data: dict[str, Any]) -> None:
        self._without_charts(folder, data)
        for key, rewritten in {**dict.fromkeys(_LISTS, self._use), "patchesStrategicMerge": self._merge}.items():
            if key in data:
                data[key] = [new for old in _texts(data[key]) if (new := rewritten(folder, old)) is not None]
        for key in filter(data.__contains__, _PATHS):
            data[key] = [entry for entry in _maps(data[key]) if "path" not in entry or self._path(folder, entry)]
        if not any("path" in entry and self._path(folder, entry) for entry in _maps(data.get("openapi"))):
            data.pop("openapi", None)
        for entry in (*_maps(data.get("configMapGenerator")), *_maps(data.get("secretGenerator"))):
            self._generator(folder, entry)
        for key in filter(data.__contains__, _PLUGINS):
            data[key] = [new for old in _texts(data[key]) for new in self._plugins(folder, old, key)]

    def _without_charts(self, folder: str, data: dict[str, Any]) -> None:
        if not data.keys().isdisjoint(_CHARTS):
            data.setdefault("resources", [])  # there may be nothing else in it, and kustomize refuses one that is empty
        for key in _CHARTS:
            for chart in _maps(data.pop(key, None)):
                if ("name" in chart or "chartName" in chart) and (folder, str(chart.get("name"))) not in self._apart:
                    self._miss(f"chart {chart.get('name') or chart.get('chartName')} is not rendered")

    def _path(self, folder: str, entry: dict[str, Any]) -> bool:
        new = self._reference(folder, str(entry["path"])) if isinstance(entry["path"], str) else None
        entry["path"] = new
        return new is not None

    def _merge(self, folder: str, text: str) -> str | None:
        return text if "\n" in text or text.lstrip().startswith("{") else self._reference(folder, text)

    def _use(self, folder: str, reference: str) -> str | None:
        """A file or a folder that a kustomization is made of; None: it is left out."""
        path = resolve(folder, reference)
        target = folder_of(path) if path is not None else None
        if target is not None and target != folder and self.files.is_folder(target):
            real = self.files.real(target)
            if real is not None and self.level(real):
                return posixpath.relpath(joined("/", real), joined("/", folder))
            self._miss(f"{reference} holds no kustomization")
            return None
        return self._reference(folder, reference)

    def _reference(self, folder: str, reference: str) -> str | None:
        """A file as the kustomization of a folder names its copy."""
        copy = self._file(folder, reference)
        return None if copy is None else posixpath.relpath(copy, staged(folder))

    def _file(self, folder: str, reference: str) -> str | None:
        """Copy a file, into the folder that uses it where it lies elsewhere: kustomize reads none above its kustomization."""
        path = resolve(folder, reference)
        content = self.files.content(path) if path is not None else None
        real = self.files.real(path) if path is not None else None
        if content is None or real is None:
            self._miss(self._why(path, reference))
            return None
        inside = below(real, folder) and base(real) not in FILE_NAMES
        copy = staged(real if inside else joined(folder, f".meshlint-{real.replace('/', '-')}"))
        self.stage.put(copy, content, real)
        return copy

    def _why(self, path: str | None, reference: str) -> str:
        if remote(reference):
            return f"{reference} is remote"
        if path is None:
            return f"{reference} lies outside of the repository"
        if self.files.leads_out(path):
            return f"{reference} is a link that leads out of the repository"
        return f"{reference} does not exist" if self.files.real(path) is None else f"{reference} cannot be read"

    def _generator(self, folder: str, entry: dict[str, Any]) -> None:
        """What is not there, such as a file of secrets, is an empty one."""
        before = len(self.missing)
        for key in ("files", "envs"):
            if key in entry:
                entry[key] = [self._source(folder, text, key == "files") for text in _texts(entry[key])]
        if isinstance(entry.get("env"), str):
            entry["env"] = self._source(folder, entry["env"], False)
        if len(self.missing) > before:
            self._empty.add(str(entry.get("name")))

    def _source(self, folder: str, text: str, named: bool) -> str:
        key, sign, reference = text.partition("=") if named else ("", "", text)
        if not sign:
            key, reference = base(text), text
        found = self._reference(folder, reference)
        if found is None:
            found = f".meshlint-empty-{len(self.stage.contents)}"
            self.stage.put(f"{staged(folder)}/{found}", b"")
        return f"{key}={found}" if named else found

    def _plugins(self, folder: str, text: str, key: str) -> Iterator[str]:
        """The builtin ones of an entry, each written in place; all others would run a program."""
        inline = "\n" in text or text.lstrip().startswith("{")
        path = None if inline else resolve(folder, text)
        if path is not None and self.files.is_folder(path):
            if (found := self._use(folder, text)) is not None:
                yield found
            return
        content = text.encode("utf-8", "replace") if inline else self.files.content(path) if path is not None else None
        if content is None:
            self._miss(self._why(path, text))
            return
        for document in read_content(content, path or folder, parse_all=True).documents:
            if (written := self._builtin(folder, document.root, key)) is not None:
                yield json.dumps(written, ensure_ascii=False) + "\n"

    def _builtin(self, folder: str, root: Node, key: str) -> dict[str, Any] | None:
        data = plain(root)
        kind = data.get("kind")
        if data.get("apiVersion") != "builtin" or "function" in json.dumps(data.get("metadata", "")):
            self._miss(f"{kind or 'an entry'} of {key} is a plugin, which is not run")
            return None
        if kind in ("HelmChartInflationGenerator",):
            self._miss(f"chart {data.get('name') or '?'} is not rendered")
            return None
        if "path" in data and not self._path(folder, data):
            return None
        if kind in ("ConfigMapGenerator", "SecretGenerator"):
            self._generator(folder, data)
        return dict(data)


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _maps(value: Any) -> Iterable[dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
