"""Which environment a file belongs to that none of their objects stands in: the one with the nearest folder above it."""

from __future__ import annotations

from collections.abc import Sequence

from meshlint.model.resource import Environment


class Homes:
    """Environments by the folders that are theirs."""

    def __init__(self, environments: Sequence[Environment]) -> None:
        self._by_folder: dict[str, Environment] = {}
        for environment in environments:
            for folder in environment.folders:
                self._by_folder.setdefault(folder, environment)

    def of(self, path: str) -> Environment | None:
        """The environment with the longest folder that a file or folder is in, of several the first."""
        while path not in self._by_folder and path:
            path = path.rpartition("/")[0]
        return self._by_folder.get(path)
