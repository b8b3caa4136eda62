"""meshlint check --fix, --unsafe-fixes and --diff: what is said, printed and written."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout

from meshlint.check.registry import Registry
from meshlint.config import Config, ConfigError
from meshlint.edit.pieces import Cut
from meshlint.engine import EXIT_FAILED, Stdin
from meshlint.files import upwards
from meshlint.fix.diff import changed_file, gone_file, new_file
from meshlint.fix.write import Change, WriteError, mark_of, write
from meshlint.output import Wanted as Format
from meshlint.output import progress, report
from meshlint.project import Project
from meshlint.repair import Repaired, Wanted, repair
from meshlint.report.summary import plural
from meshlint.report.visible import visible


def fixed(
    options: Namespace, project: Project, config: Config, registry: Registry, stdin: Stdin | None, formats: Sequence[Format]
) -> int:
    """Fix, or show what would be; the exit code."""
    into = None if stdin is None else stdin.path
    wanted = Wanted(options.unsafe_fixes, into, on_disk=stdin is None and not options.diff)
    with progress(options) as advance:
        done = repair(project, config, registry, stdin, advance, wanted)
    try:
        if options.diff:
            return _diff(done, project, config, stdin)
        if stdin is not None:
            return _to_stdout(done, stdin, formats, options, config)
        write(project.root, done.changes)
    except WriteError as error:
        raise ConfigError(f"nothing was fixed: {error}") from None
    _say(done, project, config, "Fixed")
    return report(done.result, formats, options, config)


def _say(done: Repaired, project: Project, config: Config, verb: str) -> None:
    """What was done, and why the rest was not."""
    for one in done.refused:
        place = f"{project.show(one.finding.location.file)}:{one.finding.location.line}"
        print(f"meshlint: not fixed: {visible(f'{place} {one.finding.rule} ({one.title}): {one.reason}')}", file=sys.stderr)
    for note in done.notes:
        print(f"meshlint: {note}", file=sys.stderr)
    if not config.quiet and not done.changes:
        print("meshlint: nothing to fix", file=sys.stderr)
    elif not config.quiet:
        files = [change for change in done.changes if change.old is not None]
        new = len(done.changes) - len(files)
        where = plural(len(files), "file") + (f" and {plural(new, 'new file')}" if new else "")
        print(f"meshlint: {verb} {plural(done.fixed, 'finding')} in {where}", file=sys.stderr)


def _to_stdout(done: Repaired, stdin: Stdin, formats: Sequence[Format], options: Namespace, config: Config) -> int:
    """The text as it is fixed on stdout, everything else on stderr."""
    sys.stdout.write(options.stdin_mark + next((change.new for change in done.changes), stdin.text))
    sys.stdout.flush()
    with redirect_stdout(sys.stderr):
        return report(done.result, formats, options, config)


def _diff(done: Repaired, project: Project, config: Config, stdin: Stdin | None) -> int:
    base = base_of(project, done.changes)
    for change in done.changes:
        sys.stdout.writelines(diff_of(change, done.cuts.get(change.path, ()), project, base, on_disk=stdin is None))
    sys.stdout.flush()
    _say(done, project, config, "Would fix")
    if done.result.exit_code == EXIT_FAILED:
        return EXIT_FAILED
    return 1 if done.changes else 0


def diff_of(change: Change, cuts: Sequence[Cut], project: Project, base: str, on_disk: bool = True) -> Iterator[str]:
    """The diff of a file with its cuts. Raises WriteError."""
    full = os.path.join(project.root, *change.path.split("/"))
    path = os.path.relpath(full, base).replace(os.sep, "/")
    if change.old is None:
        return new_file(path, change.new)
    try:
        mark = mark_of(full) if on_disk else ""
    except (WriteError, OSError) as error:
        raise WriteError(f"{project.show(change.path)} cannot be shown as a diff: {error}") from None
    if change.deletes:
        return gone_file(path, mark + change.old, os.stat(full).st_mode)
    shift = len(mark)
    return changed_file(path, mark + change.old, [(start + shift, end + shift, text) for start, end, text in cuts])


def base_of(project: Project, changes: Sequence[Change]) -> str:
    """Where paths of a diff begin: at the top of the git work tree, as git apply takes them; without one, here."""
    top = next((folder for folder in upwards(project.root) if os.path.exists(os.path.join(folder, ".git"))), None)
    if top is not None:
        return top
    here = os.path.realpath(os.getcwd())
    inside = all(os.path.join(project.root, change.path).startswith(os.path.join(here, "")) for change in changes)
    return here if inside else project.root
