"""Arguments in, exit code out. Data to stdout, everything else to stderr."""

from __future__ import annotations

import gc
import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from meshlint.arguments import COMMANDS, parser
from meshlint.config import Config, ConfigError

if TYPE_CHECKING:
    from meshlint.check.registry import Registry
    from meshlint.project import Project

EXIT_FAILED, EXIT_NO_FILES, EXIT_INTERRUPTED = 2, 3, 130


class UsageError(Exception):
    """An option or a value that cannot be used: what is wrong, in one sentence."""


def run(arguments: Sequence[str]) -> int:
    words = list(arguments)
    if not words or (words[0] not in COMMANDS and words[0] not in ("-h", "--help", "--version", "-V")):
        words.insert(0, "check")
    options = parser().parse_args(words)
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
    except Exception:
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


def nearest(word: str, known: Sequence[str]) -> str | None:
    """What somebody meant who wrote `word`."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1)), None)


def configuration(options: Namespace) -> Config:
    """The configuration file that holds, with what the command line says on top."""
    from meshlint.config import find_config, load

    config = Config()
    path = options.config or (None if options.isolated else find_config(_start(options)))
    if path:
        config = load(path, given=bool(options.config))
    overrides = _overrides(options)
    if overrides["exclude"] is not None:
        overrides["exclude"] = _from_here(overrides["exclude"], config)
    if isinstance(config.target, str):
        config = config._replace(target=_parts(config.target))
    return config.replace(**overrides)


def _start(options: Namespace) -> str:
    """The folder that a configuration is looked for from: what all paths have in common."""
    paths = [getattr(options, "stdin_filename", None) or "." if path == "-" else path for path in options.paths]
    return os.path.commonpath([path if os.path.isdir(path) else os.path.dirname(path) for path in map(os.path.abspath, paths)])


def _from_here(patterns: object, config: Config) -> tuple[str, ...]:
    """Patterns of the command line, for the folder that those of the configuration start in."""
    from meshlint.project import rebased

    assert isinstance(patterns, tuple)
    return rebased(patterns, os.getcwd(), os.path.realpath(config.root)) if config.root else patterns


def _parts(target: str) -> dict[str, str]:
    """A target that a configuration gives as text."""
    pairs = [part.partition("=") for part in target.split(",") if part.strip()]
    return {key.strip(): value.strip() for key, _, value in pairs}


def _overrides(options: Namespace) -> dict[str, object]:
    names = ("goal", "phase", "assume_mode", "min_severity", "min_confidence", "context", "statistics", "render", "target")
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
    from meshlint.output import formats, progress, report
    from meshlint.project import project

    stdin = _stdin(options)
    config = configuration(options)
    wanted = formats(options, config)
    registry = bundled()
    _known_rules(registry, config)
    scope = project([options.stdin_filename] if stdin is not None else options.paths, config.context, missing=stdin is not None)
    if options.show_files:
        return _show_files(scope, config)
    if options.show_settings:
        return _show_settings(config)
    text = None if stdin is None else engine.Stdin(scope.inner(options.stdin_filename), stdin)
    with progress(options) as advance:
        result = engine.run(scope, config, registry, text, advance)
    return report(result, wanted, options, config)


def _stdin(options: Namespace) -> str | None:
    if "-" not in options.paths:
        return None
    if not options.stdin_filename:
        raise UsageError("reading from stdin (-) needs --stdin-filename, the file it stands for")
    if options.paths != ["-"]:
        raise UsageError("- stands for stdin and cannot be mixed with other paths")
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _known_rules(registry: Registry, config: Config) -> None:
    named = (*(config.select or ()), *config.extend_select, *config.ignore, *config.severity)
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


def _show_settings(config: Config) -> int:
    for name, value in zip(config._fields, config, strict=True):
        print(f"{name.replace('_', '-')} = {value!r}")
    return 0


def _rule(options: Namespace) -> int:
    from meshlint.explain import explain

    return explain(options)


def _environments(options: Namespace) -> int:
    from meshlint.explain import environments

    return environments(options, configuration(options))


_COMMANDS: dict[str, Callable[[Namespace], int]] = {"check": _check, "rule": _rule, "environments": _environments}
