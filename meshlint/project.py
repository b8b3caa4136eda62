"""What a path on the command line means: which files are read together, and of which the findings are reported.

The boundary is the nearest folder upwards that holds a meshlint.toml, else the git root, else the path itself; nothing outside
of it is read. A folder is its own project. A file is judged in the boundary's project and reported alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple


class Project(NamedTuple):
    """`root` is the boundary; `paths` are what is read, relative to it; `reported` the files that findings are about (None: all)."""

    root: str
    paths: tuple[str, ...]
    reported: tuple[str, ...] | None
    shown: str  # the root as users see it: relative to the working directory

    def show(self, path: str) -> str:
        """A path below the root as reports name it: relative to the working directory, posix."""
        joined = os.path.normpath(os.path.join(self.shown, path))
        return joined.replace(os.sep, "/")


def project(paths: Sequence[str], context: str | None = None, missing: bool = False) -> Project:
    """The project of the given paths. `context`: "none" judges files alone, a folder is the project of the given files.

    Raises FileNotFoundError for a path that does not exist, unless it may be `missing` (the text comes from stdin).
    """
    full = [os.path.abspath(path) for path in paths]
    for given, path in zip(paths, full, strict=True):
        if not missing and not os.path.lexists(path):
            raise FileNotFoundError(given)
    only_files = all(not os.path.isdir(path) for path in full)
    common = os.path.commonpath([path if os.path.isdir(path) else os.path.dirname(path) for path in full])
    if only_files and context == "none":
        return _project(common, full, full)
    if context is not None and context != "none":
        root = os.path.abspath(context)
        if not os.path.isdir(root):
            raise FileNotFoundError(context)
        return _project(root, [root, *full], full)
    root = boundary(common) or common
    if not only_files:
        return _project(root, full, None)
    has_project = boundary(common) is not None
    return _project(root, [root, *full] if has_project else full, full)


def _project(root: str, read: Sequence[str], reported: Sequence[str] | None) -> Project:
    relative = tuple(dict.fromkeys(os.path.relpath(path, root) for path in read))
    about = None if reported is None else tuple(os.path.relpath(path, root).replace(os.sep, "/") for path in reported)
    return Project(root, relative, about, os.path.relpath(root))


def boundary(folder: str) -> str | None:
    """The nearest folder upwards with a meshlint.toml, else the nearest with a .git; None: there is neither."""
    git = None
    while True:
        if os.path.isfile(os.path.join(folder, "meshlint.toml")):
            return folder
        if git is None and os.path.exists(os.path.join(folder, ".git")):
            git = folder
        above = os.path.dirname(folder)
        if above == folder:
            return git
        folder = above
