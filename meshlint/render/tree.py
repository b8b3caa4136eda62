"""The files that were read, by folder; nothing outside of them exists for this layer."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from meshlint.model.document import FileRead
from meshlint.render.draft import Draft, drafts_of


def parent(path: str) -> str:
    """The folder of a path of the repository; "" is the root."""
    return path.rpartition("/")[0]


def base(path: str) -> str:
    """The last step of a path."""
    return path.rpartition("/")[2]


def below(path: str, folder: str) -> bool:
    """Is it the folder itself, or inside of it? The root holds everything."""
    return not folder or path == folder or path.startswith(folder + "/")


def joined(folder: str, name: str) -> str:
    """A path below a folder; "" is the root."""
    return f"{folder}/{name}" if folder else name


def resolve(folder: str, reference: str) -> str | None:
    """A relative reference as a path, as far as the folder's own path tells; None where it leads above."""
    if reference.startswith("/"):
        return None
    steps = folder.split("/") if folder else []
    for step in reference.split("/"):
        if step == "..":
            if not steps or steps[-1] == "..":
                return None
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


def above(path: str) -> Iterator[str]:
    """The folders that hold a path, from the nearest to the root."""
    while path:
        path = parent(path)
        yield path


class Tree:
    """`files` in the order of their paths; `folders` with the files that stand directly in them.

    `root` is the path of the repository as the files' paths begin with it: empty, or ../shop.
    """

    __slots__ = ("_drafts", "_paths", "files", "folders", "root")

    def __init__(self, files: Iterable[FileRead], root: str = "") -> None:
        self.root = "" if root == "." else root.rstrip("/")
        self.files = {file.path: file for file in sorted(files, key=lambda file: file.path)}
        self._paths = list(self.files)
        self.folders: dict[str, list[str]] = {self.root: []}
        self._drafts: dict[str, tuple[Draft, ...]] = {}
        for path in self.files:
            folder = parent(path)
            if folder not in self.folders:
                for upper in (folder, *above(folder)):
                    if below(upper, self.root):
                        self.folders.setdefault(upper, [])
            self.folders[folder].append(path)

    def drafts(self, path: str) -> tuple[Draft, ...]:
        """The objects of a file, as they are written."""
        found = self._drafts.get(path)
        if found is None:
            found = self._drafts[path] = drafts_of(self.files[path])
        return found

    def inside(self, path: str) -> str | None:
        """A path that counts from the repository's root."""
        return resolve(self.root, path.lstrip("/"))

    def called(self, folder: str) -> str:
        """A folder as environments are called: from the repository's root."""
        return (folder[len(self.root) :].lstrip("/") if self.root else folder) or "."

    def under(self, folder: str) -> Sequence[str]:
        """The files of a folder and of all its subfolders."""
        if not folder:
            return self._paths
        return self._paths[bisect_left(self._paths, folder + "/") : bisect_left(self._paths, folder + "0")]  # "0" follows "/"


def shared_steps(one: Sequence[str], other: Sequence[str]) -> int:
    """With how many steps alike two paths begin."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
