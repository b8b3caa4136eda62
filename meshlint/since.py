"""The project as it was at a git ref, beside the work tree and without touching it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from meshlint.config import Config, ConfigError, ConfiguredEnvironment
from meshlint.files import temporary_folder
from meshlint.model.tuples import NamedTuple
from meshlint.project import Project, rebased
from meshlint.read.gitfiles import GitError
from meshlint.read.gittree import commit_of, lay_out, top_of
from meshlint.read.walk import wanted
from meshlint.render.level import FILE_NAMES

_USED = (".tpl", ".tgz", ".helmignore", ".env", ".properties", ".conf", ".cfg", ".toml", ".ini", ".txt")


class Before(NamedTuple):
    """`same` are the files, relative to the root, that have not changed since; `notes` say what is not known of then."""

    project: Project
    config: Config
    same: frozenset[str]
    notes: tuple[str, ...]


@contextmanager
def before(project: Project, config: Config, ref: str) -> Iterator[Before]:
    """The project at a ref, to be judged by the configuration of now. It is gone when the context ends.
    Raises ConfigError where git cannot give it."""
    try:
        top = top_of(project.root)
        commit = commit_of(ref, project.root)
        with temporary_folder() as folder:
            yield _laid_out(project, config, ref, commit, top, folder)
    except GitError as error:
        raise ConfigError(f"--new-since {ref}: {error}") from None


def _laid_out(project: Project, config: Config, ref: str, commit: str, top: str, folder: str) -> Before:
    if os.path.join(folder, "").startswith(os.path.join(top, "")):
        raise GitError(f"the folder for temporary files, {os.path.dirname(folder)}, lies inside of the repository")
    below = os.path.relpath(project.root, top).replace(os.sep, "/")
    prefix = "" if below == "." else f"{below}/"
    named = {prefix + path for path in project.paths}
    tree = lay_out(project.root, commit, folder, lambda path: wanted(path) or path in named or _for_rendering(path))
    root = os.path.join(folder, *below.split("/")) if prefix else folder
    os.makedirs(root, exist_ok=True)
    paths = tuple(path for path in project.paths if os.path.lexists(os.path.join(root, path)))
    same = frozenset(path.removeprefix(prefix) for path in tree.same)
    notes = tuple(f"the submodule {path} is not here as it was at {ref}: all findings in it count as new" for path in tree.absent)
    return Before(Project(root, paths, None), _moved(config, project, root), same, notes)


def _for_rendering(path: str) -> bool:
    """May a kustomization or a chart use it? What else they read changes no object that is linted."""
    return os.path.basename(path) in FILE_NAMES or path.endswith(_USED) or "/templates/" in f"/{path}"


def _moved(config: Config, project: Project, root: str) -> Config:
    """The configuration of now, for the project in another folder: its patterns and paths lead to the same files."""
    base = config.root or os.getcwd()
    environments = tuple(
        ConfiguredEnvironment(one.name, tuple(project.inner(os.path.join(config.root or project.root, path)) for path in one.paths))
        for one in config.environment
    )
    suppress = tuple(
        one._replace(paths=rebased(one.paths, os.path.dirname(one.file), project.root), file=os.path.join(root, project.inner(one.file)))
        for one in config.suppress
    )
    per_path = tuple(one._replace(paths=rebased(one.paths, base, project.root)) for one in config.per_path)
    exclude = rebased(config.exclude, base, project.root) if config.exclude else ()
    return config._replace(root=root, exclude=exclude, per_path=per_path, environment=environments, suppress=suppress, no_cache=True)
