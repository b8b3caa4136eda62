"""Which files are read: manifests below the given paths that git does not ignore, each once, none outside of the root."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from meshlint.files import in_git
from meshlint.model.tuples import NamedTuple
from meshlint.read.gitfiles import GitError, git_ignores, in_work_tree, list_with_git
from meshlint.read.ignore import parse
from meshlint.read.walk import Listing, ignored_by_files, shown, walk, wanted

Stats = Mapping[str, os.stat_result]  # by path
_NONE: Stats = MappingProxyType({})


class Discovery(NamedTuple):
    """`files` are relative to the root, posix, sorted; `notes` tell what was left out or answered in another way. `stats`: what is known
    of some of the files, so that nobody need ask again."""

    files: list[str]
    notes: list[str]
    stats: Stats = _NONE


def discover(root: str, paths: Sequence[str], exclude: Sequence[str] = (), force_exclude: bool = False, use_git: bool = True) -> Discovery:
    """The files to read for these paths (relative to the root, or absolute inside of it).

    A folder gives its .yaml, .yml and .json files, and some that tools know by name; `exclude` and git's ignore rules leave some out.
    A file that is named is taken whatever its ending and whatever ignores it, unless `force_exclude`. A name that is no valid UTF-8
    holds surrogates.
    """
    search = _Search(os.path.realpath(root), use_git)
    named = [path for path in _inside(search, paths) if not os.path.isdir(path)]
    search.folders([path for path in _inside(search, paths) if os.path.isdir(path)])
    spec = parse(exclude) if exclude else None
    found = {search.name(path) for path in search.found}
    kept = {name for name in found if spec is None or not spec.match_file(name)}
    for path in named:
        name = search.name(path)
        if not force_exclude or not ((spec is not None and spec.match_file(name)) or search.ignores(path)):
            kept.add(name)
    return Discovery(sorted(kept), list(dict.fromkeys(search.notes)), {search.name(path): about for path, about in search.stats.items()})


def _inside(search: _Search, paths: Sequence[str]) -> list[str]:
    """The real places of the paths, as far as they lie inside of the root."""
    real = [(path, os.path.realpath(os.path.join(search.root, path))) for path in paths]
    search.notes += [f"{shown(path)}: lies outside of the root and is not read" for path, place in real if not search.holds(place)]
    return [place for _, place in real if search.holds(place)]


class _Search:
    """Real paths of files found so far, and the folders that were listed."""

    def __init__(self, root: str, use_git: bool) -> None:
        self.root = root
        self.prefix = os.path.join(root, "")
        self.use_git = use_git
        self.found: set[str] = set()
        self.listed: set[str] = set()
        self.notes: list[str] = []
        self.stats: dict[str, os.stat_result] = {}

    def holds(self, path: str) -> bool:
        return path == self.root or path.startswith(self.prefix)

    def name(self, path: str) -> str:
        inside = path[len(self.prefix) :] if path.startswith(self.prefix) else os.path.relpath(path, self.root)
        return inside.replace(os.sep, "/")

    def folders(self, folders: list[str]) -> None:
        """List the folders, the repositories in them, and what links in them lead to."""
        waiting = sorted(folders, reverse=True)
        while waiting:
            folder = waiting.pop()
            if folder in self.listed:
                continue
            self.listed.add(folder)
            listing = self._list(folder)
            self.found.update(listing.files)
            self.notes += listing.notes
            self.stats.update(listing.stats)
            waiting += [*reversed(listing.folders), *self._follow(listing.links)]

    def _list(self, folder: str) -> Listing:
        if self.use_git and in_work_tree(folder):
            try:
                listing = list_with_git(folder, self.root)
                if listing is not None:
                    return listing
            except GitError as error:
                self.notes.append(f"git did not answer, its ignore files were read instead ({error})")
        return walk(folder, self.root)

    def _follow(self, links: list[str]) -> list[str]:
        """Take the files that links lead to; gives the folders they lead to."""
        folders = []
        for link in links:
            place = os.path.realpath(link)
            if not self.holds(place):
                if os.path.isdir(place) or wanted(link):
                    self.notes.append(f"{shown(self.name(link))}: a link that leads out of the root is not followed")
            elif in_git(self.name(place)):
                self.notes.append(f"{shown(self.name(link))}: a link that leads into .git is not followed")
            elif os.path.isdir(place):
                folders.append(place)
            elif wanted(link) and os.path.exists(place):
                self.found.add(place)
        return folders

    def ignores(self, path: str) -> bool:
        if self.use_git and in_work_tree(os.path.dirname(path)):
            try:
                return git_ignores(path, self.root)
            except GitError as error:
                self.notes.append(f"git did not answer, its ignore files were read instead ({error})")
        return ignored_by_files(path, self.root)
