"""Our own walk over a folder, for where git cannot answer: honours nested .gitignore files, follows no link."""

from __future__ import annotations

import os

from meshlint.model.file_names import named
from meshlint.model.tuples import NamedTuple
from meshlint.read.ignore import Rules, ignored, rules_of


class Listing(NamedTuple):
    """What lies below a folder: `files` by full path; `links` and `folders` (repositories of their own) are left to the caller. `stats`:
    of files that had to be asked for it."""

    files: list[str]
    links: list[str]
    folders: list[str]
    notes: list[str]
    stats: dict[str, os.stat_result]


def wanted(path: str) -> bool:
    """Does the name end as a manifest's does, or is it one that a tool knows?"""
    return path[-5:].lower() in (".yaml", ".json") or path[-4:].lower() == ".yml" or named(path)


def shown(name: str) -> str:
    """A name that can be printed: bytes that are no UTF-8 as escapes."""
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def walk(folder: str, root: str) -> Listing:
    """Manifests and links below `folder` that no .gitignore between it and `root`, or below it, leaves out."""
    out = Listing([], [], [], [], {})
    waiting = [(folder, _rules_above(folder, root))]
    while waiting:
        here, rules = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            out.notes.append(f"{_below(here, root) or '.'}: {(error.strerror or 'cannot be listed').lower()}")
            continue
        base = _base(here, root)
        rules = _rules_here(here, base, {entry.name for entry in entries}, rules)
        for entry in entries:
            _sort_in(entry, base, rules, out, waiting)
    return out


def _sort_in(
    entry: os.DirEntry[str], base: str, rules: tuple[Rules, ...], out: Listing, waiting: list[tuple[str, tuple[Rules, ...]]]
) -> None:
    is_folder = entry.is_dir(follow_symlinks=False)
    is_link = entry.is_symlink()
    if entry.name == ".git" or not (is_folder or is_link or wanted(base + entry.name)):
        return
    if rules and ignored(base + entry.name + ("/" if is_folder else ""), rules):
        return
    if is_folder:
        waiting.append((entry.path, rules))
    elif is_link:
        out.links.append(entry.path)
    else:
        out.files.append(entry.path)


def _rules_here(folder: str, base: str, names: set[str], above: tuple[Rules, ...]) -> tuple[Rules, ...]:
    """Where a repository begins, only its own rules count."""
    rules = above
    if ".git" in names:
        own = rules_of(os.path.join(folder, ".git", "info", "exclude"), base)
        rules = (own,) if own else ()
    if ".gitignore" in names and (found := rules_of(os.path.join(folder, ".gitignore"), base)):
        rules = (*rules, found)
    return rules


def _rules_above(folder: str, root: str) -> tuple[Rules, ...]:
    """The rules of the folders from the root down to the one above `folder`, unless one of them ignores it as a whole."""
    rules: tuple[Rules, ...] = ()
    below = _below(folder, root)
    parts = below.split("/") if below else []
    for depth in range(len(parts)):
        above = os.path.join(root, *parts[:depth])
        names = {name for name in (".git", ".gitignore") if os.path.exists(os.path.join(above, name))}
        rules = _rules_here(above, _base(above, root), names, rules)
        if ignored("/".join(parts[: depth + 1]) + "/", rules):
            return ()
    return rules


def ignored_by_files(path: str, root: str) -> bool:
    """Do the .gitignore files from the root down leave this file out?"""
    rules: tuple[Rules, ...] = ()
    parts = _below(path, root).split("/")
    for depth, _ in enumerate(parts):
        above = os.path.join(root, *parts[:depth])
        names = {name for name in (".git", ".gitignore") if os.path.exists(os.path.join(above, name))}
        rules = _rules_here(above, _base(above, root), names, rules)
        if ignored("/".join(parts[: depth + 1]) + ("/" if depth + 1 < len(parts) else ""), rules):
            return True
    return False


def _below(path: str, root: str) -> str:
    below = os.path.relpath(path, root).replace(os.sep, "/")
    return "" if below == "." else below


def _base(folder: str, root: str) -> str:
    below = _below(folder, root)
    return f"{below}/" if below else ""
