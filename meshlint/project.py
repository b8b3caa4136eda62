"""What a path on the command line means: which files are read together, and of which the findings are reported.

The boundary is the nearest folder upwards that holds a meshlint.toml, else the git root, else the path itself; nothing outside
of it is read. A folder is its own project. A file is judged in the boundary's project and reported alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from meshlint.files import upwards
from meshlint.model.tuples import NamedTuple


class MissingPathError(Exception):
    """A path of the command line that does not exist."""


class ContextError(ValueError):
    """A --context that cannot hold the given paths."""


class Project(NamedTuple):
    """`root` is the boundary, a real path. `paths` are what is read, `reported` the files or folders that findings are about
    (None: all); both are relative to the root, as is every path inside of meshlint."""

    root: str
    paths: tuple[str, ...]
    reported: tuple[str, ...] | None

    def show(self, path: str) -> str:
        """A path below the root as reports name it: relative to the working directory, posix."""
        return os.path.relpath(os.path.join(self.root, path)).replace(os.sep, "/")

    def show_place(self, place: str) -> str:
        """The same of `path:line`."""
        path, colon, line = place.rpartition(":")
        return self.show(path) + colon + line if path and line.split(" ")[0].isdigit() else place

    def inner(self, path: str) -> str:
        """A path as given on the command line, relative to the root. A link at its end is not followed."""
        return _relative(path, self.root)

    def about(self, path: str) -> bool:
        """Are findings in this file reported?"""
        return self.reported is None or any(_holds(one, path) for one in self.reported)


def project(paths: Sequence[str], context: str | None = None, missing: bool = False) -> Project:
    """The project of the given paths. `context`: "none" judges files alone, a folder is the project of the given files.

    Raises MissingPathError for a path that does not exist, unless it may be `missing` (the text comes from stdin).
    """
    full = [os.path.abspath(path) for path in paths]
    for given, path in zip(paths, full, strict=True):
        if not given or not (missing or os.path.lexists(path)):
            raise MissingPathError(given)
    only_files = all(not os.path.isdir(path) for path in full)
    common = os.path.commonpath([path if os.path.isdir(path) else os.path.dirname(path) for path in full])
    if context is not None and context != "none":
        return _inside(os.path.abspath(context), full, context)
    found = boundary(common)
    if only_files and (context == "none" or found is None):
        return _project(found or common, full, full)
    return _project(found or common, [found, *full] if only_files and found else full, full if only_files else None)


def _inside(root: str, full: Sequence[str], said: str) -> Project:
    if not os.path.isdir(root):
        raise ContextError(f"--context {said}: no such folder")
    for path in full:
        if not _holds(os.path.realpath(root), os.path.realpath(path if os.path.isdir(path) else os.path.dirname(path))):
            raise ContextError(f"--context {said}: {os.path.relpath(path)} lies outside of it")
    return _project(root, [root, *full], full)


def _project(root: str, read: Sequence[str], reported: Sequence[str] | None) -> Project:
    """`paths` stay as they are written, so that what a link leads to is judged by where the link stands."""
    real = os.path.realpath(root)
    about = None if reported is None else tuple(os.path.relpath(os.path.realpath(path), real).replace(os.sep, "/") for path in reported)
    return Project(real, tuple(dict.fromkeys(_relative(path, real) for path in read)), about)


def _relative(path: str, root: str) -> str:
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.relpath(os.path.join(os.path.realpath(folder), name), root).replace(os.sep, "/")


def _holds(folder: str, path: str) -> bool:
    return folder == "." or path == folder or path.startswith(folder.rstrip("/" + os.sep) + "/")


def boundary(folder: str) -> str | None:
    """The nearest folder upwards with a meshlint.toml, else the nearest with a .git; None: there is neither."""
    git = None
    for above in upwards(folder):
        if os.path.isfile(os.path.join(above, "meshlint.toml")):
            return above
        if git is None and os.path.exists(os.path.join(above, ".git")):
            git = above
    return git


def rebased(patterns: Sequence[str], base: str, root: str) -> tuple[str, ...]:
    """Patterns in git's notation that were written for the folder `base`, for the folder `root`. One without a slash
    matches a name wherever it stands; one that cannot match below the root is left out."""
    down = os.path.relpath(os.path.realpath(base), os.path.realpath(root)).split(os.sep)
    up = os.path.relpath(os.path.realpath(root), os.path.realpath(base)).split(os.sep)
    moved = (_rebased(pattern, [step for step in down if step != "."], [step for step in up if step != "."]) for pattern in patterns)
    return tuple(pattern for pattern in moved if pattern is not None)


def _rebased(pattern: str, down: Sequence[str], up: Sequence[str]) -> str | None:
    """`down` leads from the root to the folder of the pattern, `up` from there to the root."""
    from fnmatch import fnmatchcase

    sign, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    if "/" not in body.rstrip("/"):
        return pattern
    steps = body.removeprefix("./").lstrip("/").split("/")
    if ".." not in down:
        return f"{sign}/{'/'.join((*down, *steps))}"
    for step in up:
        if not any(steps) or not (step == steps[0] or (step != ".." and fnmatchcase(step, steps[0]))):
            return None
        if steps[0] == "**":
            break
        steps = steps[1:]
    return f"{sign}/{'/'.join(steps)}" if any(steps) else None
