"""What `meshlint convert` changes: files in place, a unified diff of them, or a folder with what was made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from meshlint.config import ConfigError
from meshlint.conversion import as_written
from meshlint.convert_check import Plan, planned
from meshlint.edit.names import for_file
from meshlint.files import replace
from meshlint.fix.write import WriteError, write
from meshlint.fixing import base_of, diff_of
from meshlint.model.conversion import Converted, Outcome
from meshlint.report.conversion import dumps

if TYPE_CHECKING:
    from meshlint.conversions import Run


def _plan(run: Run) -> Plan:
    left: list[str] = []
    plan = planned(run, list(_alike(run, left)))
    return plan._replace(left=(*left, *plan.left))


def _alike(run: Run, left: list[str]) -> Iterator[Converted]:
    """The conversions that come out the same in every environment."""
    written: dict[tuple[str, int], list[Converted]] = {}
    for verdict in run.verdicts:
        written.setdefault(verdict.found.place, []).append(verdict.found)
    for found in written.values():
        one = found[0]
        if len({repr(as_written(other).documents) for other in found}) != 1:
            said = "it converts differently in each environment"
            left.append(f"{one.resource.title} in {run.project.show(one.resource.file)} is left as it is: {said}")
        elif one.outcome is not Outcome.STAYS:
            yield one


def differences(run: Run) -> tuple[str, Sequence[str]]:
    """One unified diff of the changes in place, as `git apply` takes it; and what is left, in lines."""
    plan = _plan(run)
    base = base_of(run.project, plan.changes)
    try:
        lines = [line for change in plan.changes for line in diff_of(change, plan.cuts.get(change.path, ()), run.project, base)]
    except WriteError as error:
        raise ConfigError(str(error)) from None
    return "".join(lines), plan.left


def write_in_place(run: Run) -> tuple[list[str], bool]:
    """Change the files, all or none; what was written and what not, in lines; and whether nothing was left as it is."""
    plan = _plan(run)
    try:
        write(run.project.root, plan.changes)
    except WriteError as error:
        raise ConfigError(f"nothing was written: {error}") from None
    wrote = [f"{'deleted' if change.deletes else 'wrote'} {run.project.show(change.path)}" for change in plan.changes]
    return [*plan.left, *wrote] or ["nothing to write"], not plan.left


def write_beside(run: Run, folder: str) -> tuple[list[str], bool]:
    """A file for each object that converts, in a folder; files that are there are not replaced."""
    said = []
    names: set[str] = set()
    for verdict in run.verdicts:
        found = verdict.found
        if not found.documents:
            continue
        resource = found.resource
        parts = (resource.namespace, resource.name, "gateway" if resource.kind.kind == "Gateway" else "")
        name = for_file("-".join(part for part in parts if part))
        number = sum(1 for one in names if one == name or one.startswith(f"{name}."))
        names.add(f"{name}.{number}" if number else name)
        path = os.path.join(folder, f"{name}{f'.{number}' if number else ''}.yaml")
        if os.path.exists(path):
            said.append(f"{path} is there already, and is left as it is")
            continue
        documents = [*found.documents, *([found.remainder] if found.remainder is not None else [])]
        try:
            os.makedirs(folder, exist_ok=True)
            replace(path, dumps(documents).encode())
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {(error.strerror or 'failed').lower()}") from None
        said.append(f"wrote {path}")
    return said or ["nothing to write"], True
