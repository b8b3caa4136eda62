"""Files that kustomizations name outside of the given paths: they belong to what is linted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from meshlint.model.document import FileRead
from meshlint.render.level import FILE_NAMES, Level, kustomization_in
from meshlint.render.tree import base, parent

_ENDINGS = (".yaml", ".yml", ".json")


def referenced_outside(root: str, files: Iterable[FileRead], shown: str = "") -> list[str]:
    """The files that the kustomizations among `files` name and that are not among them, relative to the folder `root`.

    `shown` is what the files' paths begin with instead of `root`. Nothing that lies outside of `root`, links followed,
    is named. Reading what this names may name more.
    """
    prefix = "" if shown in ("", ".") else shown.replace(os.sep, "/").rstrip("/") + "/"
    known = {}
    for file in files:
        if file.path.startswith(prefix):
            known[file.path[len(prefix) :]] = file
    top = os.path.realpath(root)
    found = {
        path
        for folder_file, file in known.items()
        if base(folder_file) in FILE_NAMES
        for reference in _references(parent(folder_file), file)
        for path in _existing(top, reference)
        if path not in known
    }
    return sorted(found)


def _references(folder: str, file: FileRead) -> Iterator[str]:
    document = kustomization_in(file)
    if document is not None:
        yield from Level(folder, document).references()


def _existing(top: str, reference: str) -> Iterator[str]:
    """The file, or the kustomization of the folder, if there is one inside of the boundary."""
    for path in (reference, *(f"{reference}/{name}" if reference else name for name in FILE_NAMES)):
        full = os.path.join(top, path)
        if (path.lower().endswith(_ENDINGS) or base(path) in FILE_NAMES) and os.path.isfile(full):
            real = os.path.realpath(full)
            if real.startswith(os.path.join(top, "")):
                yield path
