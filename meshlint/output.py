"""Where a report goes: formats and files, colour, progress, the summary on stderr."""


from __future__ import annotations

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Optional

from meshlint.arguments import FORMATS
from meshlint.config import Config, ConfigError
from meshlint.report.formats import writer
from meshlint.report.result import Result

Advance = Optional[Callable[[str, int, int], None]]
_PATIENCE = 1.0  # seconds of work before a progress line appears


class Wanted(NamedTuple):
    format: str
    file: str | None


def formats(options: Namespace) -> list[Wanted]:
    """What -o asks for. Raises ConfigError for an unknown format, or two that would both go to stdout."""
    out = []
    for index, word in enumerate(options.output_format or ["text"]):
        name, _, file = word.partition("=")
        if name not in FORMATS:
            raise ConfigError(f"-o {word}: no such format; there are {', '.join(FORMATS)}")
        out.append(Wanted(name, file or (options.output_file if index == 0 else None)))
    if sum(wanted.file is None for wanted in out) > 1:
        raise ConfigError("only one format can go to stdout; give the others a file: -o sarif=meshlint.sarif")
    return out


def report(result: Result, wanted: Sequence[Wanted], options: Namespace, config: Config) -> int:
    for note in result.notifications:
        print(f"meshlint: {note}", file=sys.stderr)
    for name, file in wanted:
        if file is None:
            _to_stdout(result, name, options, config)
        else:
            _to_file(result, name, file, options)
    if not result.coverage.found:
        print("meshlint: no file matched (.yaml, .yml, .json)", file=sys.stderr)
    return result.exit_code


def _to_stdout(result: Result, name: str, options: Namespace, config: Config) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    if config.statistics and name in ("text", "concise"):
        _statistics(result)
        return
    writer(name)(result, sys.stdout, color=colored(options.color), verbose=options.verbose, quiet=options.quiet)
    sys.stdout.flush()
    if name == "concise" and not options.quiet:
        from meshlint.report.summary import write_summary

        write_summary(result, sys.stderr, verbose=options.verbose)


def _to_file(result: Result, name: str, file: str, options: Namespace) -> None:
    try:
        with open(file, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
            writer(name)(result, out, color=False, verbose=options.verbose, quiet=options.quiet)
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


@contextmanager
def progress(options: Namespace) -> Iterator[Advance]:
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
