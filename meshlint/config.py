"""meshlint.toml, or [tool.meshlint] of a pyproject.toml, as a frozen Config. Nothing in it is ever executed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from meshlint.config_file import NAME, PATH_KEYS, PYPROJECT, ConfigError, File, chain, has_section, strings
from meshlint.files import upwards
from meshlint.model.tuples import NamedTuple

if TYPE_CHECKING:
    from meshlint.model.mesh import Settings

__all__ = [
    "LEVELS", "Config", "ConfigError", "ConfiguredEnvironment", "ConfiguredSuppression", "PathSettings",
    "find_config", "load", "of_files",
]  # fmt: skip

LEVELS: Mapping[str, Mapping[str, Any]] = {
    "minimal": {"impact": ("breaks", "unenforced"), "min_confidence": "medium", "fail_on": "warning"},
    "default": {"fail_on": "warning"},
    "strict": {"fail_on": "note"},
}
"""What a level stands for: settings that hold where nothing sets them otherwise."""


class ConfiguredEnvironment(NamedTuple):
    """An environment of the configuration: its files and folders, relative to the configuration's folder."""

    name: str
    paths: tuple[str, ...]


class PathSettings(NamedTuple):
    """Settings for findings in some files: patterns in git's notation, relative to the configuration's folder."""

    paths: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}
    impact: tuple[str, ...] = ()
    min_severity: str | None = None
    min_confidence: str | None = None


class ConfiguredSuppression(NamedTuple):
    """A [[suppress]] entry: patterns of paths in git's notation, relative to the configuration's folder, and of objects
    (`VirtualService shop/reviews`); empty ones mean all. `file` and `line` (from 1) are where it is written."""

    rules: tuple[str, ...]
    paths: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    reason: str = ""
    file: str = ""
    line: int = 1


class Config(NamedTuple):
    """What configuration and command line ask for; None (or nothing) where neither says anything and no default is fixed here.

    `path` is the file it comes from and `root` its folder: relative paths and patterns start there.
    """

    path: str | None = None
    root: str | None = None
    level: str = "default"
    target: Union[str, Mapping[str, str], None] = None
    goal: str = "both"
    phase: str | None = None
    assume_mode: str | None = None
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, str] = {}
    impact: tuple[str, ...] = ()
    min_severity: str | None = None
    min_confidence: str | None = None
    per_path: tuple[PathSettings, ...] = ()
    fail_on: str | None = None
    exit_zero: bool = False
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    suppress: tuple[ConfiguredSuppression, ...] = ()
    require_reason: bool = False
    baseline: str | None = None
    write_baseline: str | None = None
    new_since: str | None = None
    output_format: tuple[str, ...] = ()
    output_file: str | None = None
    color: str = "auto"
    statistics: bool = False
    quiet: bool = False
    verbose: bool = False
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
    jobs: int | None = None
    plugins: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    declared_rules: tuple[str, ...] = ()

    def replace(self, **overrides: Any) -> Config:
        """With the values of the command line; None is a value not given. Severities are replaced rule by rule, those of paths
        as well."""
        given = {key: value for key, value in overrides.items() if value is not None}
        if "severity" in given:
            if self.per_path:
                given["per_path"] = (*self.per_path, PathSettings(("*",), severity=given["severity"]))
            given["severity"] = {**self.severity, **given["severity"]}
        return self._replace(**given)

    def settled(self) -> Config:
        """With what the level stands for where nothing else is said."""
        unsaid = {key: value for key, value in LEVELS[self.level].items() if not getattr(self, key)}
        return self._replace(**unsaid)

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
    for above in upwards(folder):
        for name in (NAME, PYPROJECT):
            path = os.path.join(above, name)
            if os.path.isfile(path) and (name == NAME or has_section(path)):
                return path
        if os.path.exists(os.path.join(above, ".git")):
            break
    return None


def load(path: str, given: bool = False) -> Config:
    """Read and check a configuration and what it extends. `given`: the user named it (--config), so it may name rules that run
    code and paths outside of its folder; one that was found in the repository may not."""
    return of_files(chain(path, given))


def of_files(files: list[File]) -> Config:
    """The Config of checked files, as chain() gives them."""
    from meshlint.config_merge import merged

    return _config(merged(files), files[-1].path)._replace(suppress=_suppressions(files))


def _config(data: dict[str, Any], path: str) -> Config:
    """A checked table as a Config; paths become absolute, except those of environments and patterns."""
    root = os.path.dirname(os.path.abspath(path))
    values = _named({key: value for key, value in data.items() if key != "suppress"})
    values.update({f"assume_{key}": tuple(names) for key, names in values.pop("assume", {}).items()})
    values["environment"] = tuple(ConfiguredEnvironment(entry["name"], tuple(entry["paths"])) for entry in data.get("environment", ()))
    values["per_path"] = tuple(PathSettings(**_named(entry)) for entry in data.get("per-path", ()))
    values["output_format"] = strings(data.get("output-format"))
    for key in (key.replace("-", "_") for key in PATH_KEYS):
        if values.get(key) not in (None, "none"):
            values[key] = os.path.normpath(os.path.join(root, values[key]))
    values["declared_rules"] = tuple(os.path.normpath(os.path.join(root, path)) for path in data.get("declared-rules", ()))
    return Config(path=path, root=root, **values)


def _named(data: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _suppressions(files: list[File]) -> tuple[ConfiguredSuppression, ...]:
    """Each with the place that it is written at, so that one that nothing comes of can be shown."""
    from meshlint.config_merge import table_of

    root = files[-1].folder
    return tuple(
        ConfiguredSuppression(
            tuple(entry["rules"]),
            tuple(entry.get("paths", ())),
            tuple(entry.get("resources", ())),
            entry.get("reason", "").strip(),
            os.path.abspath(file.path),
            file.line("suppress", number),
        )
        for file in files
        for number, entry in enumerate(table_of(file, root).get("suppress", ()))
    )
