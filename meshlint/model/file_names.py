"""Files that tools know by their names, whatever they end in."""

from __future__ import annotations

from typing import Final

from meshlint.model.lazy_regex import lazy_regex

HELM_IGNORE: Final = ".helmignore"
_HELMFILE: Final = lazy_regex(r"(?:.*/)?(?:helmfile\.ya?ml|helmfile\.d/[^/]+\.ya?ml)(?:\.gotmpl)?")


def is_helmfile(path: str) -> bool:
    return "helmfile." in path and _HELMFILE.fullmatch(path) is not None


def named(path: str) -> bool:
    """Is it read for its name, rather than for its ending?"""
    if path.endswith(".gotmpl"):
        return is_helmfile(path)
    return path.endswith(("Kustomization", HELM_IGNORE)) and path.rpartition("/")[2] in ("Kustomization", HELM_IGNORE)
