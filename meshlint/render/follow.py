"""Which files outside of the given paths a project's kustomizations need (`../../base`), up to the boundary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.document import FileRead
from meshlint.render.level import FILE_NAMES, Level
from meshlint.render.tree import base, below, parent, resolve


def referenced_outside(root: str, paths: Sequence[str], files: Iterable[FileRead]) -> list[str]:
    """Files below `root`, relative to it, that kustomizations among `files` name and that lie outside of `paths`."""
    inside = ["" if path == "." else path.replace(os.sep, "/") for path in paths]
    if "" in inside:
        return []
    found = {path for file in files if base(file.path) in FILE_NAMES for path in _named(file)}
    outside = [path for path in found if not any(below(path, given) for given in inside)]
    return sorted({file for path in outside for file in _files(root, path)})


def _named(file: FileRead) -> Iterator[str]:
    for document in file.documents:
        level = Level(parent(file.path), document)
        yield from level.other_files()
        for use in level.uses():
            if use.text and (path := resolve(level.folder, use.text)) is not None:
                yield path


def _files(root: str, path: str) -> Iterator[str]:
    for name in (path, *(f"{path}/{name}" if path else name for name in FILE_NAMES)):
        full = os.path.join(root, name)
        if os.path.isfile(full) and _within(os.path.realpath(full), os.path.realpath(root)):
            yield name


def _within(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
