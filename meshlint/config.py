"""meshlint.toml, or [tool.meshlint] of a pyproject.toml, as a frozen Config. Nothing in it is ever executed."""

# pathlib costs start-up time on the path of every run
# ruff: noqa: PTH100, PTH112, PTH113, PTH118, PTH119, PTH120
from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Union

if TYPE_CHECKING:
    from meshlint.model.mesh import Settings

NAME, PYPROJECT = "meshlint.toml", "pyproject.toml"
_SECTION = re.compile(r"^\s*\[+\s*tool\s*\.\s*meshlint\b|^\s*tool\s*\.\s*meshlint\b", re.MULTILINE)
_CODE_KEYS = ("plugins", "rules")
_LIMIT = 1_000_000  # characters of a configuration file


class ConfigError(ValueError):
    """A configuration that cannot be used: one line a problem, each with file, line (where known) and key."""


class ConfiguredEnvironment(NamedTuple):
    """An environment of the configuration: its files and folders, relative to the configuration's folder."""

    name: str
    paths: tuple[str, ...]


class Config(NamedTuple):
    """What configuration and command line ask for; None where neither says anything and no default is fixed here.

    `path` is the file it comes from and `root` its folder: relative paths and patterns start there.
    """

    path: str | None = None
    root: str | None = None
    target: Union[str, Mapping[str, str], None] = None
    goal: str = "both"
    phase: str | None = None
    assume_mode: str | None = None
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}
    min_severity: str | None = None
    min_confidence: str | None = None
    fail_on: str = "warning"
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    output_format: tuple[str, ...] = ()
    render: str = "auto"
    context: str | None = None
    environments: tuple[str, ...] = ()
    environment: tuple[ConfiguredEnvironment, ...] = ()
    assume_services: tuple[str, ...] = ()
    assume_waypoints: tuple[str, ...] = ()
    assume_gateways: tuple[str, ...] = ()
    assume_namespaces: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    root_namespace: str = "istio-system"
    cache_dir: str | None = None
    no_cache: bool = False
    statistics: bool = False
    jobs: int | None = None
    plugins: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    def replace(self, **overrides: Any) -> Config:
        """With the values of the command line; None is a value not given. Severities are replaced rule by rule."""
        given = {key: value for key, value in overrides.items() if value is not None}
        if "severity" in given:
            given["severity"] = {**self.severity, **given["severity"]}
        return self._replace(**given)

    @property
    def settings(self) -> Settings:
        """The part that rules may ask for."""
        from meshlint.model.mesh import Settings

        return Settings(**{name: getattr(self, name) for name in Settings._fields})


def find_config(start: str) -> str | None:
    """The configuration that holds for a file or folder: the nearest folder upwards with one; meshlint.toml comes
    first. The search ends at the git root: nothing outside of the repository counts."""
    folder = os.path.abspath(start)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    while True:
        for name in (NAME, PYPROJECT):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and (name == NAME or _has_section(path)):
                return path
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return None
        folder = above


def load(path: str, given: bool = False) -> Config:
    """Read and check a configuration. `given`: the user named it (--config), so it may name rules that run code
    and paths outside of its folder; one that was found in the repository may not."""
    if not given and not _inside(os.path.realpath(path), os.path.dirname(os.path.abspath(path))):
        raise ConfigError(f"{path}: it is a link that leads out of its folder; name it with --config if that is meant")
    text = _read(path)
    data = _section(_parse(text, path), path)
    from meshlint.config_check import problems

    found = [*problems(data, text, path, _prefix(path))]
    if not given:
        found += _refused(data, text, path)
    if found:
        raise ConfigError("\n".join(found))
    return _config(data, path)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}") from error
    if len(text) > _LIMIT:
        raise ConfigError(f"{path}: longer than {_LIMIT} characters")
    return text.removeprefix("\ufeff")


def _parse(text: str, path: str) -> dict[str, Any]:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{path}:{line[1] + ':' if line else ''} not TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply") from error


def _prefix(path: str) -> tuple[str, ...]:
    """The table that a file keeps the configuration in."""
    return ("tool", "meshlint") if os.path.basename(path) == PYPROJECT else ()


def _section(data: dict[str, Any], path: str) -> dict[str, Any]:
    for step in _prefix(path):
        data = data.get(step, {})
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: {step} is not a table")
    return data


def _has_section(path: str) -> bool:
    """Has a pyproject.toml a [tool.meshlint]? One that is no TOML counts if it looks as if it had: loading it tells why."""
    try:
        text = _read(path)
        if "meshlint" not in text:
            return False
        tool = _parse(text, path).get("tool")
        return isinstance(tool, dict) and "meshlint" in tool
    except ConfigError:
        return os.path.isfile(path) and _looks_like(path)


def _looks_like(path: str) -> bool:
    with open(path, encoding="utf-8", errors="replace") as file:
        return _SECTION.search(file.read(_LIMIT)) is not None


def _refused(data: dict[str, Any], text: str, path: str) -> Iterator[str]:
    """What a configuration found in the repository may not ask for."""
    from meshlint.config_check import at

    for key in _CODE_KEYS:
        if key in data:
            where = at(text, path, (*_prefix(path), key))
            yield f"{where} {key}: refused, because the linted repository must not make meshlint run code; use --config or the command line"
    root = os.path.dirname(os.path.abspath(path))
    for key, written in _paths(data):
        if not _inside(os.path.realpath(os.path.join(root, written)), root):
            where = at(text, path, (*_prefix(path), key))
            yield f"{where} {key}: {written!r} leads out of {root}; only a configuration given by --config may do that"


def _paths(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The file system paths of a configuration by their key; values of a wrong type are reported elsewhere."""
    for key in ("cache-dir", "context"):
        if isinstance(data.get(key), str) and (key, data[key]) != ("context", "none"):
            yield key, data[key]
    for written in _strings(data.get("output-format")):
        _, equals, file = written.partition("=")
        if equals:
            yield "output-format", file
    environments = data.get("environment")
    for entry in environments if isinstance(environments, list) else ():
        if isinstance(entry, dict):
            yield from (("environment", written) for written in _strings(entry.get("paths")))


def _strings(value: object) -> tuple[str, ...]:
    """A text or a list as texts."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _inside(path: str, folder: str) -> bool:
    root = os.path.realpath(folder)
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _config(data: dict[str, Any], path: str) -> Config:
    """A checked table as a Config; paths become absolute, except those of environments."""
    root = os.path.dirname(os.path.abspath(path))
    values: dict[str, Any] = {
        key.replace("-", "_"): tuple(value) if isinstance(value, list) else value for key, value in data.items()
    }
    values.update({f"assume_{key}": tuple(names) for key, names in values.pop("assume", {}).items()})
    values["environment"] = tuple(
        ConfiguredEnvironment(entry["name"], tuple(entry["paths"])) for entry in data.get("environment", ())
    )
    values["output_format"] = _strings(data.get("output-format"))
    for key in ("cache_dir", "context"):
        if values.get(key) not in (None, "none"):
            values[key] = os.path.normpath(os.path.join(root, values[key]))
    values["rules"] = tuple(os.path.normpath(os.path.join(root, folder)) for folder in data.get("rules", ()))
    return Config(path=path, root=root, **values)
