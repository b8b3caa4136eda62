"""A repository that means harm, and what comes of rendering it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from meshlint.read.discover import discover
from meshlint.read.file import read_file
from meshlint.render.recipe import Outcome, Recipe
from meshlint.render.run.limits import Limits
from meshlint.render.run.renderer import Renderer, Settings
from meshlint.render.tree import Tree
from tests.tools import need

SECRET = "the secret of another repository"
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ours}\ndata: {key: value}\n"
CHART = "apiVersion: v2\nname: evil\nversion: 1.0.0\n"
QUICK = Limits(seconds=3, cpu=3, output=4 << 20)


def repository(folder: Path) -> Path:
    """An empty one; beside it lies what it must not see."""
    secret = CONFIG_MAP.replace("value", SECRET)
    write(folder, {"outside/secret.yaml": secret, "outside/kustomization.yaml": "resources: [secret.yaml]\n"})
    (folder / "root").mkdir()
    return folder / "root"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def render(root: Path, recipe: Recipe, limits: Limits = QUICK) -> Outcome:
    files = [read_file(str(root / path), path) for path in discover(str(root), ["."], use_git=False).files]
    return Renderer(str(root), Settings(limits=limits))(Tree(files), [recipe])[0]


def kustomized(root: Path) -> Outcome:
    need("kustomize")
    return render(root, Recipe("kustomize", "app"))


def charted(root: Path, template: str, limits: Limits = QUICK, **files: str) -> Outcome:
    need("helm")
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    write(root, {"evil/Chart.yaml": CHART, "evil/templates/x.yaml": template, **{f"evil/{name}": text for name, text in named.items()}})
    return render(root, Recipe("helm", "evil"), limits)


def printed(outcome: Outcome) -> str:
    return "".join(file.source.text for file in outcome.output if file.source is not None)


def packed(path: Path, entries: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in entries.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
