"""Arguments in, exit code out. Data to stdout, everything else to stderr."""


from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

from meshlint.arguments import COMMANDS, parser
from meshlint.config import Config, ConfigError

EXIT_FAILED, EXIT_NO_FILES, EXIT_INTERRUPTED = 2, 3, 130


class UsageError(Exception):
    """An option or a value that cannot be used: what is wrong, in one sentence."""


def run(arguments: Sequence[str]) -> int:
    words = list(arguments)
    if not words or (words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version", "-V")):
        words.insert(0, "check")
    options = parser().parse_args(words)
    try:
        return _COMMANDS[options.command](options)
    except (UsageError, ConfigError) as error:
        return _failed(str(error))
    except FileNotFoundError as error:
        print(f"meshlint: no such file or folder: {error}", file=sys.stderr)
        return EXIT_NO_FILES
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except RecursionError:
        return _failed("the input is nested too deeply")


def _failed(message: str) -> int:
    for line in message.splitlines():
        print(f"meshlint: {line}", file=sys.stderr)
    return EXIT_FAILED


def configuration(options: Namespace) -> Config:
    """The configuration file that holds, with what the command line says on top."""
    from meshlint.config import find_config, load

    config = Config()
    if options.config:
        config = load(options.config, given=True)
    elif not options.isolated:
        start = os.path.commonpath([os.path.abspath(path) for path in options.paths if path != "-"] or [os.getcwd()])
        path = find_config(start)
        config = load(path) if path else config
    return config.replace(**_overrides(options))


def _overrides(options: Namespace) -> dict[str, object]:
    names = ("goal", "phase", "assume_mode", "min_severity", "min_confidence", "context", "statistics", "render", "target", "cache_dir", "no_cache", "jobs")
    given: dict[str, object] = {name: getattr(options, name, None) or None for name in names}
    for name in ("select", "extend_select", "ignore", "exclude"):
        given[name] = _words(getattr(options, name, None), split=name != "exclude")
    given["environments"] = tuple(options.environment) if getattr(options, "environment", None) else None
    given["force_exclude"] = True if getattr(options, "force_exclude", False) else None
    given["fail_on"] = "never" if getattr(options, "exit_zero", False) else getattr(options, "fail_on", None)
    given["severity"] = _levels(getattr(options, "severity", None) or ())
    return given


def _words(values: Sequence[str] | None, split: bool) -> tuple[str, ...] | None:
    if not values:
        return None
    return tuple(word.strip() for value in values for word in (value.split(",") if split else [value]) if word.strip())


def _levels(values: Sequence[str]) -> dict[str, str] | None:
    out = {}
    for value in values:
        rule, _, level = value.partition("=")
        if level not in ("error", "warning", "note"):
            raise UsageError(f"--severity {value}: write RULE=error, RULE=warning or RULE=note")
        out[rule] = level
    return out or None


def _check(options: Namespace) -> int:
    from meshlint import engine
    from meshlint.check.registry import bundled
    from meshlint.model.target import TargetError
    from meshlint.output import formats, progress, report
    from meshlint.project import project

    gc.disable()
    wanted = formats(options)
    stdin = _stdin(options)
    config = configuration(options)
    registry = bundled()
    _known_rules(registry.unknown, registry.words, config)
    scope = project([options.stdin_filename or "-"] if stdin else options.paths, config.context, missing=stdin is not None)
    if options.show_files:
        return _show_files(scope, config)
    if options.show_settings:
        return _show_settings(config)
    text = None if stdin is None else engine.Stdin(os.path.relpath(os.path.abspath(options.stdin_filename), scope.root).replace(os.sep, "/"), stdin)
    try:
        with progress(options) as advance:
            result = engine.run(scope, config, registry, text, advance)
    except TargetError as error:
        raise UsageError(str(error)) from error
    return report(result, wanted, options, config)


def _stdin(options: Namespace) -> str | None:
    if "-" not in options.paths:
        return None
    if not options.stdin_filename:
        raise UsageError("reading from stdin (-) needs --stdin-filename, the file it stands for")
    if options.paths != ["-"]:
        raise UsageError("- stands for stdin and cannot be mixed with other paths")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _known_rules(unknown: Callable[[Sequence[str]], object], words: Callable[[], list[str]], config: Config) -> None:
    import difflib

    named = (*(config.select or ()), *config.extend_select, *config.ignore, *config.severity)
    for word in unknown(named):  # type: ignore[attr-defined]
        near = difflib.get_close_matches(word, words(), 1)
        raise UsageError(f"no rule or family is called {word!r}" + (f"; did you mean {near[0]}?" if near else "; see meshlint rule --all"))


def _show_files(scope: object, config: Config) -> int:
    from meshlint.project import Project
    from meshlint.read.discover import discover

    assert isinstance(scope, Project)
    found = discover(scope.root, scope.paths, config.exclude, config.force_exclude)
    for path in found.files:
        print(scope.show(path))
    return 0 if found.files else EXIT_NO_FILES


def _show_settings(config: Config) -> int:
    for name, value in zip(config._fields, config, strict=True):
        print(f"{name.replace('_', '-')} = {value!r}")
    return 0


def _rule(options: Namespace) -> int:
    from meshlint.explain import explain

    return explain(options)


def _environments(options: Namespace) -> int:
    from meshlint.explain import environments

    gc.disable()
    return environments(options, configuration(options))


_COMMANDS: dict[str, Callable[[Namespace], int]] = {"check": _check, "rule": _rule, "environments": _environments}
