"""The findings of each file with their fingerprints. Alike findings of several files are told apart by their number: where one
comes or goes, those behind it get another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

from meshlint.check.findings import fingerprinted
from meshlint.model.problem import Finding

if TYPE_CHECKING:
    from meshlint.index.repository import Repository


class Printed:
    """`renew` takes what is said of some files now."""

    def __init__(self) -> None:
        self._of: dict[str, list[Finding]] = {}
        self._own: dict[str, Counter[str]] = {}  # how many alike, by what they share, of each file
        self._where: dict[str, dict[str, int]] = {}  # the same by what they share

    def of(self, files: Iterable[str]) -> list[Finding]:
        return [finding for path in files for finding in self._of.get(path, ())]

    def renew(
        self, files: Collection[str], said: Callable[[str], list[Finding]], repository: Repository, later: Collection[str]
    ) -> set[str]:
        """Gives the files whose findings may be printed otherwise now: these, and those with findings alike behind them. `later`:
        files whose findings are not those of their text, and will be renewed."""
        concerned = set(files)
        for path in files:
            self._of[path] = fingerprinted(said(path), repository)
            concerned |= self._counted(path, Counter(finding.alike for finding in self._of[path]))
        concerned.difference_update(set(later).difference(files))
        for path in concerned:
            if path not in files or any(len(self._where[alike]) > 1 for alike in self._own[path]):
                self._of[path] = fingerprinted(self._of[path], repository, partial(self._before, path))
        return concerned

    def _counted(self, path: str, now: Counter[str]) -> set[str]:
        before, changed = self._own.get(path, Counter()), set[str]()
        for alike in before.keys() | now.keys():
            if before[alike] != now[alike]:
                where = self._where.setdefault(alike, {})
                where[path] = now[alike]
                if not now[alike]:
                    del where[path]
                changed.update(other for other in where if other > path)
                if not where:
                    del self._where[alike]
        self._own[path] = now
        return changed

    def _before(self, path: str, alike: str) -> int:
        return sum(number for other, number in self._where[alike].items() if other < path)
