"""What the command line sets, on top of the configuration file that holds."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence

from meshlint.config import Config, find_config, of_files
from meshlint.config_file import File, chain


class UsageError(Exception):
    """An option or a value that cannot be used: what is wrong, in one sentence."""


def nearest(word: str, known: Sequence[str]) -> str | None:
    """What somebody meant who wrote `word`."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1)), None)


def configuration(options: Namespace) -> Config:
    """The configuration file that holds, with what the command line says on top."""
    files = files_of(options)
    config = of_files(files) if files else Config()
    given = overrides(options)
    if given["exclude"] is not None:
        given["exclude"] = _from_here(given["exclude"], config)
    if isinstance(config.target, str):
        config = config._replace(target=_parts(config.target))
    return config.replace(**given)


def files_of(options: Namespace) -> list[File]:
    """The configuration file that holds, behind those that it extends."""
    path = options.config or (None if options.isolated else find_config(_start(options)))
    return chain(path, given=bool(options.config)) if path else []


def _start(options: Namespace) -> str:
    """The folder that a configuration is looked for from: what all paths have in common."""
    given = getattr(options, "paths", ["."])
    paths = [getattr(options, "stdin_filename", None) or "." if path == "-" else path for path in given]
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


_SAME = (
    "goal", "phase", "assume_mode", "level", "min_severity", "min_confidence", "fail_on", "context", "statistics", "render", "target",
    "cache_dir", "no_cache", "jobs", "cluster_domain", "root_namespace", "output_file", "color", "quiet", "verbose",
)  # fmt: skip


def overrides(options: Namespace) -> dict[str, object]:
    """What the command line sets, by field of Config; None is a field that it does not set."""
    given: dict[str, object] = {name: getattr(options, name, None) or None for name in _SAME}
    for name in ("select", "extend_select", "ignore", "exclude"):
        given[name] = _words(getattr(options, name, None), split=name != "exclude")
    given["plugins"] = tuple(getattr(options, "plugins", None) or ()) or None
    given["rules"] = tuple(map(os.path.abspath, getattr(options, "rules", None) or ())) or None
    given["environments"] = tuple(options.environment) if getattr(options, "environment", None) else None
    given["force_exclude"] = True if getattr(options, "force_exclude", False) else None
    given["exit_zero"] = True if getattr(options, "exit_zero", False) else False if given["fail_on"] else None
    given["impact"] = _impacts(getattr(options, "impact", None))
    given.update(_assumed(getattr(options, "assume", None) or ()))
    given["severity"] = _levels(getattr(options, "severity", None) or ())
    given["require_reason"] = True if getattr(options, "require_reason", False) else None
    given.update({name: _named(options, name) for name in ("baseline", "write_baseline", "new_since")})
    return given


def _named(options: Namespace, name: str) -> str | None:
    """The value of an option that names a file or ref: an empty one, such as of an unset variable, must not be passed over."""
    value: str | None = getattr(options, name, None)
    if value == "":
        raise UsageError(f"--{name.replace('_', '-')} names nothing")
    return value


def _words(values: Sequence[str] | None, split: bool) -> tuple[str, ...] | None:
    if not values:
        return None
    return tuple(word.strip() for value in values for word in (value.split(",") if split else [value]) if word.strip())


def _impacts(values: Sequence[str] | None) -> tuple[str, ...] | None:
    from meshlint.model.problem import Impact

    words, known = _words(values, split=True), [impact.value for impact in Impact]
    for word in words or ():
        if word not in known:
            near = nearest(word, known)
            raise UsageError(f"--impact {word}: {f'did you mean {near}?' if near else 'there are ' + ', '.join(known)}")
    return words


def _assumed(values: Sequence[str]) -> dict[str, object]:
    out: dict[str, tuple[str, ...]] = {}
    for value in values:
        kind, _, names = value.partition("=")
        if f"assume_{kind}" not in Config._fields or kind == "mode" or not names:
            raise UsageError(f"--assume {value}: write services=, waypoints=, gateways= or namespaces= and names, by comma")
        out[f"assume_{kind}"] = (*out.get(f"assume_{kind}", ()), *(_words([names], split=True) or ()))
    return dict(out)


def _levels(values: Sequence[str]) -> dict[str, str] | None:
    out = {}
    for value in values:
        rule, _, level = value.partition("=")
        if level not in ("error", "warning", "note"):
            raise UsageError(f"--severity {value}: write RULE=error, RULE=warning or RULE=note")
        out[rule] = level
    return out or None
