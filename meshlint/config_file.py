"""Configuration files as they are written: read, checked, and followed to what they extend."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from meshlint.files import in_git, upwards
from meshlint.model.tuples import NamedTuple

NAME, PYPROJECT = "meshlint.toml", "pyproject.toml"
PATH_KEYS = ("cache-dir", "context", "output-file", "baseline")
"""Keys that name one file or folder, relative to the folder of the configuration."""
_SECTION = r"^\s*\[+\s*tool\s*\.\s*meshlint\b|^\s*tool\s*\.\s*meshlint\b"
_RULES = "rules"  # never a key: folders of Python rules are named on the command line
_WHY = "the linted repository must not make meshlint run code"
_LIMIT = 1_000_000  # characters of a configuration file
_DEEPEST = 20  # configurations that extend one another

Table = dict[str, Any]


class ConfigError(ValueError):
    """A configuration that cannot be used: one line a problem, each with file, line (where known) and key."""


class File(NamedTuple):
    """A configuration file: its path as it was found, its text and its table."""

    path: str
    text: str
    data: Table

    @property
    def folder(self) -> str:
        return os.path.dirname(os.path.abspath(self.path))

    def at(self, *keys: str | int) -> str:
        """path:line: of a key."""
        from meshlint.config_check import at

        return at(self.text, self.path, (*_prefix(self.path), *keys))

    def line(self, *keys: str | int) -> int:
        """The line (from 1) of a key, of the nearest table above it where it has none of its own."""
        from meshlint.config_check import line_of

        return line_of(self.text, (*_prefix(self.path), *keys)) or 1


def chain(path: str, given: bool = False) -> list[File]:
    """A configuration and all that it extends; what is extended comes before what extends it. Each is checked.

    `given`: the user named it (--config), so it and what it extends may name rules that run code and paths outside of their
    folders. One that was found may not, and extends files of its repository only.
    """
    files: dict[str, File] = {}
    _follow(path, given, None if given else _repository(path), (), files)
    return list(files.values())


def _follow(path: str, given: bool, inside: str | None, above: tuple[str, ...], files: dict[str, File]) -> None:
    real = os.path.realpath(path)
    if real in files:
        return
    file = _checked(path, given)
    for written in strings(file.data.get("extend")):
        target = os.path.normpath(os.path.join(file.folder, written))
        said = _why_not(target, inside, (*above, real))
        if said:
            raise ConfigError(f"{file.at('extend')} extend: {written!r} {said}")
        _follow(target, given, inside, (*above, real), files)
    files[real] = file


def _why_not(target: str, inside: str | None, above: tuple[str, ...]) -> str:
    real = os.path.realpath(target)
    if inside is not None and not is_inside(real, inside):
        return f"leads out of {inside}; only a configuration given by --config may do that"
    if not os.path.isfile(target):
        return "is no file"
    if real in above:
        return "extends this file again, in a circle"
    return f"is more than {_DEEPEST} files deep" if len(above) >= _DEEPEST else ""


def _repository(path: str) -> str:
    """The folder that a configuration which was found may extend files of: the git root, else its own folder."""
    own = os.path.dirname(os.path.abspath(path))
    return next((folder for folder in upwards(own) if os.path.exists(os.path.join(folder, ".git"))), own)


def _checked(path: str, given: bool) -> File:
    if not given and not is_inside(os.path.realpath(path), os.path.dirname(os.path.abspath(path))):
        raise ConfigError(f"{path}: it is a link that leads out of its folder; name it with --config if that is meant")
    text = _read(path)
    file = File(path, text, _section(_parse(text, path), path))
    from meshlint.config_check import problems

    found = [*problems({key: value for key, value in file.data.items() if key != _RULES}, text, path, _prefix(path))]
    if _RULES in file.data:
        found.append(f"{file.at(_RULES)} {_RULES}: refused, because {_WHY}; name folders of Python rules by --rules on the command line")
    if not given:
        found += _refused(file)
    if found:
        raise ConfigError("\n".join(found))
    return file


def has_section(path: str) -> bool:
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
        return re.search(_SECTION, file.read(_LIMIT), re.MULTILINE) is not None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}") from error
    if len(text) > _LIMIT:
        raise ConfigError(f"{path}: longer than {_LIMIT} characters")
    return text.removeprefix("\ufeff")


def _parse(text: str, path: str) -> Table:
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


def _section(data: Table, path: str) -> Table:
    for step in _prefix(path):
        data = data.get(step, {})
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: {step} is not a table")
    return data


def _refused(file: File) -> Iterator[str]:
    """What a configuration found in the repository may not ask for."""
    if "plugins" in file.data:
        yield f"{file.at('plugins')} plugins: refused, because {_WHY}; name them by --plugin, or in a configuration given by --config"
    for key, written in _paths(file.data):
        real = os.path.realpath(os.path.join(file.folder, written))
        if not is_inside(real, file.folder):
            yield f"{file.at(key)} {key}: {written!r} leads out of {file.folder}; only a configuration given by --config may do that"
        elif in_git(os.path.relpath(real, os.path.realpath(file.folder))):
            yield f"{file.at(key)} {key}: {written!r} leads into .git, where git takes programs to run from; only --config may do that"


def _paths(data: Table) -> Iterator[tuple[str, str]]:
    """The file system paths of a configuration by their key; values of a wrong type are reported elsewhere."""
    for key in PATH_KEYS:
        if isinstance(data.get(key), str) and (key, data[key]) != ("context", "none"):
            yield key, data[key]
    yield from (("declared-rules", written) for written in strings(data.get("declared-rules")))
    for written in strings(data.get("output-format")):
        _, equals, file = written.partition("=")
        if equals:
            yield "output-format", file
    environments = data.get("environment")
    for entry in environments if isinstance(environments, list) else ():
        if isinstance(entry, dict):
            yield from (("environment", written) for written in strings(entry.get("paths")))


def strings(value: object) -> tuple[str, ...]:
    """A text or a list as texts."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def is_inside(path: str, folder: str) -> bool:
    """Is a real path the folder, or below it?"""
    root = os.path.realpath(folder)
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)
