"""Saying again what the last run of the same command line said, where nothing has changed since (meshlint.cache.whole)."""

from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TextIO

from meshlint.config import Config
from meshlint.output import Wanted, colored, linked, write_file
from meshlint.project import Project
from meshlint.report.result import Result

if TYPE_CHECKING:
    from meshlint.cache.whole import Whole
    from meshlint.read.discover import Discovery
    from meshlint.report.again import Again

_TOOLS = ("kustomize", "kubectl", "helm")  # what they print is kept elsewhere, by what they were given
_MORE = ("baseline", "write_baseline", "new_since", "plugins", "rules", "declared_rules")  # these bring in other files than manifests


def repeat(scope: Project, config: Config, options: Namespace, wanted: Sequence[Wanted], found: Discovery) -> Repeat | None:
    """The last run of the same command line; None where a run depends on more than its files and options."""
    from meshlint.cache.store import cache_folder
    from meshlint.cache.whole import Whole

    if config.no_cache or "." not in scope.paths or any(getattr(config, name) for name in _MORE):
        return None
    color = colored(options.color)
    shown = (color, color and linked(), options.verbose, options.quiet, os.getcwd(), tuple(scope), tuple(wanted))
    about = repr((config, shown, [_on_path(tool) for tool in _TOOLS]))
    return Repeat(Whole(cache_folder(config.cache_dir), scope.root, found.files, about, found.stats), wanted)


def _on_path(tool: str) -> str:
    """Where a tool lies; that it appears or goes changes what is rendered."""
    folders = (os.environ.get("PATH") or "").split(os.pathsep)
    return next((path for folder in folders if os.path.exists(path := os.path.join(folder, tool))), "")


class Repeat:
    """One command line over one project: what it said, and what it says."""

    def __init__(self, whole: Whole, wanted: Sequence[Wanted]) -> None:
        self._whole = whole
        self._wanted = wanted

    def say_again(self) -> int | None:
        """The same reports to the same places, and the exit code; None where there is nothing to say again."""
        said = self._whole.find()
        if said is None:
            return None
        for file, text in said.reports:
            if file:
                write_file(file, partial(_write, text))
            else:
                sys.stdout.write(text)
        sys.stderr.write(said.notes)
        return said.code

    def recorded(self, write: Callable[[Again], int], result: Result) -> int:
        """Write the reports, and keep what was written. Where a tool was asked, which reads more than manifests, or a rule failed,
        all is worked out again."""
        from meshlint.cache.whole import Said
        from meshlint.report.again import Again

        again = Again(self._whole.pages)
        real, errors = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = out, notes = io.StringIO(newline=""), io.StringIO(newline="")
        try:
            code = write(again)
        finally:
            sys.stdout, sys.stderr = real, errors
            sys.stdout.write(out.getvalue())
            sys.stderr.write(notes.getvalue())
        rendered = any(environment.status in ("rendered", "failed") for environment in result.coverage.environments)
        if code in (0, 1) and not rendered:
            files = [(one.file, _text(one.file)) for one in self._wanted if one.file]
            self._whole.keep(Said([("", out.getvalue()), *files], notes.getvalue(), code, again.pages))
        return code


def _write(text: str, out: TextIO) -> None:
    out.write(text)


def _text(file: str) -> str:
    with open(file, encoding="utf-8", newline="") as found:
        return found.read()
