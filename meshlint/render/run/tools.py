"""The programs that render: where they are, and which exactly."""

from __future__ import annotations

import os
from shutil import which

from meshlint.model.tuples import NamedTuple


class Tool(NamedTuple):
    """A program and the words behind it that render. `stamp` changes when the program is replaced."""

    name: str
    words: tuple[str, ...]
    stamp: str


class Tools:
    """What of kustomize, kubectl and helm is there. Nothing from the repository under test, which is `root`, is one of them."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._found: dict[str, Tool | None] = {}

    def find(self, tool: str) -> Tool | None:
        """The program for `kustomize` or `helm`."""
        if tool not in self._found:
            self._found[tool] = self._kustomize() if tool == "kustomize" else self._one("helm", ("template",))
        return self._found[tool]

    def _kustomize(self) -> Tool | None:
        return self._one("kustomize", ("build",)) or self._one("kubectl", ("kustomize",))

    def _one(self, name: str, words: tuple[str, ...]) -> Tool | None:
        program = trusted(name, self._root)
        if program is None or os.name == "nt":  # children are limited in ways that Windows does not have
            return None
        about = os.stat(program)
        return Tool(f"{name} {words[0]}", (program, *words), f"{name} {os.path.realpath(program)} {about.st_size} {about.st_mtime_ns}")


def absent(tool: str) -> str:
    """How the lack of a tool is said."""
    return "neither kustomize nor kubectl is on the PATH" if tool == "kustomize" else f"{tool} is not on the PATH"


def trusted(name: str, root: str | None = None) -> str | None:
    """A program of the PATH, never from a relative entry of it or from the folder under test."""
    inside = os.path.join(root, "") if root is not None else None
    folders = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(entry)]
    outside = [entry for entry in folders if inside is None or not os.path.join(os.path.realpath(entry), "").startswith(inside)]
    found = which(name, path=os.pathsep.join(outside)) if outside else None
    if found is None or not os.path.isabs(found) or (inside is not None and os.path.realpath(found).startswith(inside)):
        return None
    return found
