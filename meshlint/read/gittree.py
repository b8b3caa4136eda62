"""The files of a git ref, laid out in another folder. Work tree, index and refs stay as they are, no filter runs, and
nothing is fetched: blobs are taken as they are stored."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from meshlint.model.tuples import NamedTuple
from meshlint.read.decode import LIMIT
from meshlint.read.gitfiles import GitError, run_git

_BATCH: Final = 32 * 1024 * 1024  # bytes asked of git at once
_DEEPEST: Final = 8  # repositories within repositories
_LINK, _REPOSITORY = "120000", "160000"


class Tree(NamedTuple):
    """`top` is the folder of the work tree. `same` are files, relative to it, that have the same content in the work tree;
    `absent` are submodules whose commit is not here."""

    top: str
    same: frozenset[str]
    absent: tuple[str, ...]


class _Entry(NamedTuple):
    mode: str
    oid: str
    size: int
    path: str


def top_of(root: str) -> str:
    """The work tree that a folder lies in. Raises GitError."""
    out = run_git(root, root, "rev-parse", "--show-toplevel")[1]
    top = os.fsdecode(out).rstrip("\n")
    if not top:
        raise GitError("not in a work tree of git")
    return os.path.realpath(top)


def commit_of(ref: str, root: str) -> str:
    """The commit that a ref names; `main...` is where the current branch left main. Raises GitError."""
    name = ref.removesuffix("...")
    if ref.endswith("..."):
        both = [_resolved(one, root) for one in (name or "HEAD", "HEAD")]
        code, out = run_git(root, root, "merge-base", *both, fine=(0, 1))
        if code:
            raise GitError(f"{name} and HEAD have no common commit here")
        return os.fsdecode(out).split()[0]
    return _resolved(name, root)


def _resolved(name: str, root: str) -> str:
    if not name or name.startswith("-"):
        raise GitError("that names no commit")
    code, out = run_git(root, root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", fine=(0, 1, 128))
    if code:
        raise GitError("that names no commit")
    return os.fsdecode(out).strip()


def lay_out(root: str, commit: str, into: str, wanted: Callable[[str], bool]) -> Tree:
    """Write the wanted files of a commit (by their path from the top of the work tree), and its links, into a folder.
    Only what lies below `root` is written. Raises GitError."""
    top = top_of(root)
    below = os.path.relpath(os.path.realpath(root), top).replace(os.sep, "/")
    laying = _Laying(into, wanted)
    try:
        laying.repository(top, commit, "", "" if below == "." else below)
        laying.make_links(top)
    except OSError as error:
        raise GitError(f"its files cannot be laid out: {(error.strerror or 'failed').lower()}") from None
    return Tree(top, frozenset(laying.same), tuple(laying.absent))


class _Laying:
    def __init__(self, into: str, wanted: Callable[[str], bool]) -> None:
        self.into = into
        self.wanted = wanted
        self.same: set[str] = set()
        self.absent: list[str] = []
        self._links: list[tuple[str, str]] = []

    def repository(self, top: str, commit: str, prefix: str, below: str, depth: int = 0) -> None:
        """The files of one repository, which lies at `prefix` of the outermost one."""
        missing: list[_Entry] = []
        links: list[_Entry] = []
        for entry in _entries(top, commit, below):
            path = prefix + entry.path
            if entry.mode == _REPOSITORY:
                self._submodule(os.path.join(top, *entry.path.split("/")), entry.oid, path, depth)
            elif entry.mode == _LINK:
                links.append(entry)
            elif self.wanted(path) and not self._from_work_tree(top, entry, path):
                missing.append(entry)
        for entry, content in _contents(top, [*missing, *links]):
            if entry.mode == _LINK:
                self._links.append((prefix + entry.path, os.fsdecode(content)))
            else:
                self._write(prefix + entry.path, content, entry.size)

    def _submodule(self, folder: str, commit: str, path: str, depth: int) -> None:
        inside = os.path.lexists(os.path.join(folder, ".git")) and os.path.realpath(folder) == folder
        if depth < _DEEPEST and inside and top_of(folder) == folder and _holds(folder, commit):
            self.repository(folder, commit, f"{path}/", "", depth + 1)
        else:
            self.absent.append(path)

    def _from_work_tree(self, top: str, entry: _Entry, path: str) -> bool:
        """Take a file that is the same in the work tree from there: asking git for it costs more."""
        full = os.path.join(top, *entry.path.split("/"))
        if entry.size > LIMIT or not os.path.lexists(full) or not stat.S_ISREG(os.lstat(full).st_mode):
            return False
        if os.path.getsize(full) != entry.size:
            return False
        with open(full, "rb") as file:
            content = file.read()
        if _object_id(content, entry.oid) != entry.oid:
            return False
        self._write(path, content, entry.size)
        self.same.add(path)
        return True

    def _write(self, path: str, content: bytes, size: int) -> None:
        """A file that is too large to be read is only as long as it was."""
        full = os.path.join(self.into, *path.split("/"))
        if not os.path.lexists(full):
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "xb") as file:
                file.write(content)
                if size > LIMIT:
                    file.truncate(size)

    def make_links(self, top: str) -> None:
        """Links come last: nothing can be written through one."""
        for path, target in self._links:
            full = os.path.join(self.into, *path.split("/"))
            if not os.path.lexists(full) and "\0" not in target and target:
                os.makedirs(os.path.dirname(full), exist_ok=True)
                inside = os.path.isabs(target) and os.path.normpath(target).startswith(os.path.join(top, ""))
                os.symlink(os.path.join(self.into, os.path.relpath(target, top)) if inside else target, full)


def _holds(folder: str, commit: str) -> bool:
    return run_git(folder, folder, "cat-file", "-e", f"{commit}^{{commit}}", fine=(0, 1, 128))[0] == 0


def _entries(top: str, commit: str, below: str) -> Iterator[_Entry]:
    listed = run_git(top, top, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, *(["--", below] if below else []))[1]
    for row in listed.split(b"\0"):
        facts, tab, name = row.partition(b"\t")
        if tab:
            mode, _, oid, size = facts.decode("ascii").split()
            path = os.fsdecode(name)
            if all(step not in ("", ".", "..") and step.lower() != ".git" for step in path.split("/")):
                yield _Entry(mode, oid, int(size) if size.isdigit() else 0, path)


def _contents(top: str, entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
    batch: list[_Entry] = []
    size = 0
    for entry in entries:
        if entry.size > LIMIT:
            yield entry, b""
            continue
        if batch and size + entry.size > _BATCH:
            yield from _batch(top, batch)
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield from _batch(top, batch)


def _batch(top: str, entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
    asked = "".join(f"{entry.oid}\n" for entry in entries).encode()
    out = run_git(top, top, "cat-file", "--batch", told=asked)[1]
    at = 0
    for entry in entries:
        end = out.index(b"\n", at)
        answer = out[at:end].split()
        if len(answer) != 3 or answer[1] != b"blob":
            raise GitError(f"{entry.path} is not in the repository")
        size = int(answer[2])
        yield entry, out[end + 1 : end + 1 + size]
        at = end + size + 2


def _object_id(content: bytes, like: str) -> str:
    """The name that git gives to a content; repositories of SHA-256 have longer ones."""
    name = "sha256" if len(like) == 64 else "sha1"
    return hashlib.new(name, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
