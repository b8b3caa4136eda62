"""Where a report goes: formats and files, colour, progress, the summary on stderr."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from meshlint.arguments import FORMATS
from meshlint.config import Config, ConfigError
from meshlint.model.tuples import NamedTuple
from meshlint.report.formats import writer
from meshlint.report.result import Result
from meshlint.report.visible import visible

if TYPE_CHECKING:
    from meshlint.report.again import Again

Advance = Callable[[str, int, int], None]
_WITHOUT_FIXES = ("github", "gitlab")
_WITH_EDITS = ("json", "rdjson", "sarif")
_MANY = 2_000  # findings that nobody reads through: their fixes would take as long as they did
_PATIENCE = 1.0  # seconds of work before a progress line appears


class Wanted(NamedTuple):
    """A report: its format, and the file it goes to (None: stdout)."""

    format: str
    file: str | None


def formats(options: Namespace, config: Config) -> list[Wanted]:
    """What -o asks for, else the configuration. Raises ConfigError for an unknown format, or two for one place."""
    base = "" if options.output_format else config.root or ""
    out = []
    for index, word in enumerate(options.output_format or config.output_format or ["text"]):
        name, equals, file = word.partition("=")
        if name not in FORMATS:
            from difflib import get_close_matches

            near = next(iter(get_close_matches(name, FORMATS, 1)), None)
            raise ConfigError(f"-o {word}: no such format; {f'did you mean {near}?' if near else 'there are ' + ', '.join(FORMATS)}")
        if equals and not file:
            raise ConfigError(f"-o {word}: names no file")
        out.append(Wanted(name, os.path.join(base, file) if file else (options.output_file if index == 0 else None)))
    if sum(wanted.file is None for wanted in out) > 1:
        raise ConfigError("only one format can go to stdout; give the others a file: -o sarif=meshlint.sarif")
    files = [os.path.abspath(wanted.file) for wanted in out if wanted.file is not None]
    if len(set(files)) < len(files):
        raise ConfigError("two formats cannot go into one file")
    return out


def shows_fixes(wanted: Sequence[Wanted], config: Config) -> int | None:
    """Of how many findings at most the reports show or count fixes; None: of all."""
    if any(one.format in _WITH_EDITS for one in wanted):
        return None
    shown = any(one.format not in _WITHOUT_FIXES for one in wanted) and not (config.statistics and len(wanted) == 1)
    return _MANY if shown else 0


def report(result: Result, wanted: Sequence[Wanted], options: Namespace, config: Config, again: Again | None = None) -> int:
    """Write every report that was asked for; the exit code. `again`: what the last run wrote to stdout."""
    for note in result.notifications:
        print(f"meshlint: {visible(note)}", file=sys.stderr)
    for name, file in wanted:
        if file is None:
            _to_stdout(result, name, options, config, again)
        else:
            _to_file(result, name, file, options)
    if not result.coverage.found and result.exit_code:
        print("meshlint: no file matched (.yaml, .yml, .json)", file=sys.stderr)
    return result.exit_code


def _to_stdout(result: Result, name: str, options: Namespace, config: Config, again: Again | None) -> None:
    if config.statistics and name in ("text", "concise"):
        _statistics(result)
        return
    color = colored(options.color)
    links = color and linked()
    writer(name)(result, sys.stdout, color=color, links=links, verbose=options.verbose, quiet=options.quiet, again=again)
    sys.stdout.flush()
    if name == "concise" and not options.quiet:
        from meshlint.report.paint import Paint
        from meshlint.report.summary import summary

        sys.stderr.writelines(f"{line}\n" for line in summary(result, Paint(False), verbose=options.verbose))


def _to_file(result: Result, name: str, file: str, options: Namespace) -> None:
    write_file(file, lambda out: writer(name)(result, out, color=False, verbose=options.verbose, quiet=options.quiet))


def write_file(file: str, write: Callable[[TextIO], object]) -> None:
    """A report into its file."""
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
            write(out)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from error


def _statistics(result: Result) -> None:
    counts: dict[tuple[str, str, str], int] = {}
    for finding in result.findings:
        key = (finding.rule, finding.name, finding.severity.value)
        counts[key] = counts.get(key, 0) + 1
    for (rule, name, severity), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:6}  {rule}  {severity:7}  {name}")


def colored(choice: str) -> bool:
    """NO_COLOR and FORCE_COLOR as https://no-color.org and https://force-color.org say; else on a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def linked() -> bool:
    """Hyperlinks on terminals, which pass over what they do not know; FORCE_HYPERLINK=1 or 0 decides."""
    forced = os.environ.get("FORCE_HYPERLINK")
    if forced is not None:
        return forced not in ("", "0")
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "linux") and not os.environ.get("CI")


@contextmanager
def progress(options: Namespace) -> Iterator[Advance | None]:
    """A progress line on stderr, on a terminal, when the work takes more than a second."""
    quiet = getattr(options, "quiet", False)
    if quiet or not sys.stderr.isatty() or os.environ.get("CI"):
        yield None
        return
    import time

    begin = time.monotonic()
    shown = False

    def advance(what: str, done: int, total: int) -> None:
        nonlocal shown
        if time.monotonic() - begin > _PATIENCE and (done == total or done % 50 == 0):
            shown = True
            width = 24 * done // max(total, 1)
            sys.stderr.write(f"\r{what:<13}[{'#' * width}{'.' * (24 - width)}] {done}/{total}\x1b[K")
            sys.stderr.flush()

    try:
        yield advance
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
