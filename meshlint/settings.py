"""`--show-settings` and `meshlint config`: the settings in force and where each comes from, as TOML; the schema for editors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from meshlint.check.registry import Registry
from meshlint.config import LEVELS, Config
from meshlint.config_file import File
from meshlint.facts import table
from meshlint.report.visible import visible

_OPTIONS = {"environments": "--environment", "plugins": "--plugin"}
_TABLES = ("environment", "per-path", "suppress")
_WIDTH = 44


def schema() -> str:
    """The schema of meshlint.toml."""
    import json

    return json.dumps(table("meshlint/config.v1"), indent=2, ensure_ascii=False) + "\n"


def show(config: Config, given: Mapping[str, object], files: Sequence[File], registry: Registry) -> Iterator[str]:
    """The settings, a line each, and whose rules were loaded. `given`: what the command line sets, by field; `files`: the
    configuration, as chain() gives it."""
    shown = _Shown(config, given, files)
    for key in table("meshlint/config.v1")["properties"]:
        yield from shown.key(key)
    by_origin: dict[str, list[str]] = {}
    for entry in registry.entries:
        by_origin.setdefault(visible(entry.origin), []).append(entry.id)
    for origin, numbers in by_origin.items():
        yield f"# rules of {origin}: {', '.join(numbers) if origin != 'meshlint' else len(numbers)}"


class _Shown:
    def __init__(self, config: Config, given: Mapping[str, object], files: Sequence[File]) -> None:
        self.config = config
        self.settled = config.settled()
        self.given = given
        self.files = files

    def key(self, key: str) -> Iterator[str]:
        if key == "extend":
            yield from (f"# from {visible(os.path.relpath(file.path))}" for file in self.files)
        elif key == "assume":
            yield from (self._line(f"assume.{kind}", f"assume_{kind}") for kind in ("services", "waypoints", "gateways", "namespaces"))
        elif key in ("target", "severity"):
            yield from self._entries(key)
        elif key in _TABLES:
            yield from self._tables(key)
        else:
            yield self._line(key, key.replace("-", "_"))

    def _line(self, key: str, field: str) -> str:
        value = getattr(self.settled, field)
        return _line(key, value, self._origin(key.split("."), field))

    def _entries(self, key: str) -> Iterator[str]:
        """A table, an entry a line; those of the command line are merged into it, or replace it."""
        entries = getattr(self.settled, key) or {}
        if not isinstance(entries, Mapping):
            yield _line(key, entries, self._origin([key], key))
            return
        if not entries:
            yield _line(key, None, "")
        for name, value in entries.items():
            said = self.given.get(key)
            option = f"--{key}" if isinstance(said, Mapping) and name in said else ""
            yield _line(f"{key}.{_quoted(name)}", value, option or self._file([key, name]) or self._file([key]))

    def _tables(self, key: str) -> Iterator[str]:
        for file in self.files:
            for number, entry in enumerate(file.data.get(key, ())):
                yield _line(f"# {key}", entry, _place(file, key, number))

    def _origin(self, keys: Sequence[str], field: str) -> str:
        if field in self.given:
            return _OPTIONS.get(field, f"--{keys[0]}")
        if file := self._file(keys):
            return file
        by_level = field in LEVELS[self.settled.level] and getattr(self.config, field) != getattr(self.settled, field)
        return f"level {self.settled.level}" if by_level and self.settled.level != "default" else "default"

    def _file(self, keys: Sequence[str]) -> str:
        """The place in the last file that has the key."""
        for file in reversed(self.files):
            found: Any = file.data
            for key in keys:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return _place(file, *keys)
        return ""


def _place(file: File, *keys: str | int) -> str:
    return f"{visible(os.path.relpath(file.path))}:{file.line(*keys)}"


def _line(key: str, value: Any, origin: str) -> str:
    if value is None or value == ():
        return f"# {key} is not set"
    return f"{f'{key} = {toml(value)}':<{_WIDTH}} # {origin}"


def toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(name)} = {toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    import json

    return json.dumps(visible(str(value)), ensure_ascii=False)


def _quoted(name: str) -> str:
    bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if bare else toml(name)
