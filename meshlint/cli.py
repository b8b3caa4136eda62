"""Arguments in, exit code out. Data to stdout, everything else to stderr."""

from __future__ import annotations

import errno
import gc
import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meshlint.arguments import COMMANDS, parsed
from meshlint.config import Config, ConfigError
from meshlint.options import UsageError, configuration, files_of, nearest, overrides

if TYPE_CHECKING:
    from meshlint.check.registry import Registry
    from meshlint.engine import Stdin
    from meshlint.output import Wanted
    from meshlint.project import Project
    from meshlint.read.discover import Discovery
    from meshlint.repeat import Repeat
    from meshlint.report.result import Result

EXIT_FAILED, EXIT_NO_FILES, EXIT_INTERRUPTED = 2, 3, 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; `check` is the command where none is named."""
    words = list(arguments)
    if not words or (words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version", "-V")):
        words.insert(0, "check")
    options = parsed(words)
    collecting = gc.isenabled()
    gc.disable()  # nothing that a run makes is in a circle worth looking for
    try:
        return _guarded(options)
    finally:
        if collecting:
            gc.enable()


def _guarded(options: Namespace) -> int:
    """Run the command; whatever stops it is said on stderr."""
    from meshlint.model.target import TargetError
    from meshlint.project import ContextError, MissingPathError

    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
        code = _COMMANDS[options.command](options)
        sys.stdout.flush()
        return code
    except (UsageError, ConfigError, ContextError, TargetError) as error:
        return _failed(str(error))
    except MissingPathError as error:
        _failed(f"no such file or folder: {error}{_command_meant(str(error))}")
        return EXIT_NO_FILES
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except OSError as error:
        if error.errno in _FULL and error.filename is None:  # a report into stdout; everything else names its file
            return _failed(f"cannot write to stdout: {(error.strerror or 'failed').lower()}")
        return _defect()
    except Exception:
        return _defect()


def _defect() -> int:
    import traceback

    return _failed(f"this is a defect of meshlint, please report it with what follows\n{traceback.format_exc()}")


def _failed(message: str) -> int:
    from meshlint.report.visible import visible

    for line in message.splitlines():
        print(f"meshlint: {visible(line)}", file=sys.stderr)
    return EXIT_FAILED


def _command_meant(path: str) -> str:
    near = nearest(path, COMMANDS)
    return f"; did you mean the command {near}?" if near else ""


def _check(options: Namespace) -> int:
    if options.watch:
        return _watch(options)
    if options.profile:
        return _profiled(options)
    from meshlint import engine
    from meshlint.output import formats, progress, report, shows_fixes

    stdin = _stdin(options)
    config = configuration(options)
    registry = _registry(config)
    _known_rules(registry, config)
    if options.show_settings:
        return _show_settings(options, config)
    _report_as(options, config)
    wanted = formats(options, config)
    scope = scope_of(options, config)
    if options.show_files:
        return _show_files(scope, config)
    text = None if stdin is None else engine.Stdin(scope.inner(options.stdin_filename), stdin)
    if options.fix or options.unsafe_fixes or options.diff:
        return _fix(options, scope, config, registry, text, wanted)
    reason = _reason(options)
    found = engine.discovered(scope, config)
    kept = _kept_run(scope, config, options, wanted, found) if text is None and reason is None else None
    if kept is not None and (code := kept.say_again()) is not None:
        return code
    from meshlint.measure import phase

    with progress(options) as advance:
        result = engine.run(scope, config, registry, text, advance, found, shows_fixes(wanted, config))
        if reason is not None:
            _add_ignores(result, reason)
            result = engine.run(scope, config, registry, text, advance)
    if config.write_baseline is not None and result.exit_code != EXIT_FAILED:
        print(f"meshlint: wrote {result.baselined} findings to {config.write_baseline}", file=sys.stderr)
    with phase("reports"):
        if kept is not None:
            return kept.recorded(lambda again: report(result, wanted, options, config, again), result)
        return report(result, wanted, options, config)


def _profiled(options: Namespace) -> int:
    import time

    from meshlint.measure import measured

    wall, cpu = time.perf_counter(), time.process_time()
    with measured() as measure:
        code = _check(Namespace(**{**vars(options), "profile": False}))
    sys.stdout.flush()
    sys.stderr.writelines(f"{line}\n" for line in measure.lines(time.perf_counter() - wall, time.process_time() - cpu))
    return code


def _kept_run(scope: Project, config: Config, options: Namespace, wanted: Sequence[Wanted], found: Discovery) -> Repeat | None:
    """What the last run of this command line said, and the place for what this one says."""
    from meshlint.measure import current
    from meshlint.read.many import FEW

    if len(found.files) < FEW or current() is not None:
        return None
    from meshlint.repeat import repeat

    return repeat(scope, config, options, wanted, found)


def _fix(
    options: Namespace, scope: Project, config: Config, registry: Registry, text: Stdin | None, wanted: Sequence[Wanted]
) -> int:
    from meshlint.fixing import fixed

    if options.add_ignores is not None or config.write_baseline is not None:
        raise UsageError("--fix, --unsafe-fixes and --diff cannot go with --add-ignores or --write-baseline")
    return fixed(options, scope, config, registry, text, wanted)


def _watch(options: Namespace) -> int:
    """Each run begins with the command line as it was given, and reads the configuration anew."""
    from meshlint.watch import NoLibraryError, watch

    if "-" in options.paths or options.add_ignores or options.write_baseline or options.fix or options.unsafe_fixes or options.diff:
        raise UsageError("--watch looks at files again and again: it cannot go with -, --fix, --diff, --add-ignores or --write-baseline")
    once = {**vars(options), "watch": False}
    try:
        return watch(lambda: _guarded(Namespace(**once)), scope_of(options, configuration(options)).root)
    except NoLibraryError as error:
        raise UsageError(str(error)) from None


def _registry(config: Config) -> Registry:
    if config.plugins or config.rules or config.declared_rules:
        from meshlint.plugins import registry_of

        return registry_of(config)
    from meshlint.check.registry import bundled

    return bundled()


def _reason(options: Namespace) -> str | None:
    """Why all current findings are to be ignored, if they are."""
    reason: str | None = options.add_ignores
    if reason is None:
        return None
    if "-" in options.paths or options.write_baseline is not None:
        raise UsageError(f"--add-ignores cannot go with {'-, it writes into files' if '-' in options.paths else '--write-baseline'}")
    words = reason.split()
    if not words or "#" in words or not reason.isprintable():
        raise UsageError("--add-ignores needs a reason: some words on one line, without a # that stands alone")
    return " ".join(words)


def _add_ignores(result: Result, reason: str) -> None:
    from meshlint.add_ignores import add_ignores
    from meshlint.report.visible import visible

    added = add_ignores(result, reason)
    for finding, why in added.left:
        place = f"{finding.location.file}:{finding.location.line}"
        print(f"meshlint: no comment for {visible(place)} {finding.rule}: {why}", file=sys.stderr)
    print(f"meshlint: wrote {added.comments} ignore comments into {added.files} files", file=sys.stderr)


def _report_as(options: Namespace, config: Config) -> None:
    """How to report, as the configuration says it where the command line does not."""
    options.color, options.quiet, options.verbose = config.color, config.quiet, config.verbose
    if not options.output_format:
        options.output_file = config.output_file


def scope_of(options: Namespace, config: Config) -> Project:
    """The project of the paths. A context that a configuration names holds only for what lies in it."""
    from meshlint.project import ContextError, project

    stands_for = getattr(options, "stdin_filename", None)
    paths = [stands_for] if stands_for else options.paths
    try:
        return project(paths, config.context, missing=bool(stands_for))
    except ContextError:
        if getattr(options, "context", None):
            raise
        return project(paths, None, missing=bool(stands_for))


def _stdin(options: Namespace) -> str | None:
    if "-" not in options.paths:
        if options.stdin_filename:
            raise UsageError("--stdin-filename names what the path - stands for")
        return None
    if not options.stdin_filename:
        raise UsageError("reading from stdin (-) needs --stdin-filename, the file it stands for")
    if options.paths != ["-"]:
        raise UsageError("- stands for stdin and cannot be mixed with other paths")
    from meshlint.read.decode import decode, encoding_of
    from meshlint.read.errors import ReadError

    content = sys.stdin.buffer.read()
    options.stdin_mark = "\ufeff" if encoding_of(content)[0] else ""
    try:
        return decode(content)
    except ReadError as error:
        raise UsageError(f"stdin: {error.message}") from None


def _known_rules(registry: Registry, config: Config) -> None:
    by_path = (word for one in config.per_path for word in (*one.ignore, *one.severity))
    named = (*(config.select or ()), *config.extend_select, *config.ignore, *config.severity, *by_path)
    for word in registry.unknown(named):
        near = nearest(word, registry.words())
        raise UsageError(f"no rule or family is called {word!r}; {f'did you mean {near}?' if near else 'see meshlint rule --all'}")


def _show_files(scope: Project, config: Config) -> int:
    from meshlint.engine import discovered
    from meshlint.report.visible import visible

    found = discovered(scope, config)
    for note in found.notes:
        print(f"meshlint: {visible(note)}", file=sys.stderr)
    for path in found.files:
        print(visible(scope.show(path)))
    return 0 if found.files else EXIT_NO_FILES


def _show_settings(options: Namespace, config: Config) -> int:
    from meshlint.settings import show

    given = {name: value for name, value in overrides(options).items() if value is not None}
    sys.stdout.writelines(f"{line}\n" for line in show(config, given, files_of(options), _registry(config)))
    return 0


def _rule(options: Namespace) -> int:
    from meshlint.explain import explain

    return explain(options)


def _environments(options: Namespace) -> int:
    from meshlint.explain import environments

    config = configuration(options)
    return environments(options, scope_of(options, config), config)


def _init(options: Namespace) -> int:
    from meshlint.init import init

    return init(options.paths, force=options.force, stdout=options.stdout)


def _config(options: Namespace) -> int:
    if options.schema:
        from meshlint.settings import schema

        sys.stdout.write(schema())
        return 0
    return _show_settings(options, configuration(options))


def _completion(options: Namespace) -> int:
    from meshlint.completion import NoLibraryError, script

    try:
        sys.stdout.write(script(options.shell))
    except NoLibraryError as error:
        raise UsageError(str(error)) from None
    return 0


def _convert(options: Namespace) -> int:
    from meshlint.convert import convert

    return convert(options, scope_of(options, configuration(options)))


def _lsp(options: Namespace) -> int:
    from meshlint.lsp.start import NoLibraryError, serve

    def configure(path: str) -> Config:
        return configuration(Namespace(**{**vars(options), "paths": [path]}))

    try:
        return serve(configure)
    except NoLibraryError as error:
        raise UsageError(str(error)) from None


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "check": _check,
    "convert": _convert,
    "rule": _rule,
    "environments": _environments,
    "init": _init,
    "config": _config,
    "completion": _completion,
    "lsp": _lsp,
}
