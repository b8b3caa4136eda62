"""The rules of others: installed packages (--plugin), folders of Python rules (--rules), rules as data (declared-rules).

Packages and folders run code. They are loaded only where the command line, or a configuration that it gives, names them.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from meshlint.check.registry import ClashError, Registry, bundled, rules_of
from meshlint.config import Config, ConfigError
from meshlint.model.rule import FAMILIES, FOREIGN, Rule

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from meshlint.semantics.patterns import Budget

GROUP = "meshlint.rules"
_NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_ENDINGS = (".yaml", ".yml")
_PACKAGE = "meshlint_rules_of_folder"


def registry_of(config: Config) -> Registry:
    """The bundled rules, and those that the configuration and the command line add. Raises ConfigError."""
    if not (config.plugins or config.rules or config.declared_rules):
        return bundled()
    rules = [rule for name in dict.fromkeys(config.plugins) for rule in _of_plugin(name)]
    rules += [rule for number, folder in enumerate(dict.fromkeys(config.rules)) for rule in _of_folder(folder, number)]
    rules += _declared(config.declared_rules)
    for rule in rules:
        if flaw := _flaw(rule):
            raise ConfigError(f"{rule.origin}: rule {rule.id} {rule.name}: {flaw}")
    try:
        return bundled().plus(rules)
    except ClashError as error:
        raise ConfigError(str(error)) from None


def _flaw(rule: Rule) -> str:
    """Why a rule of others cannot be used."""
    if not re.fullmatch(FOREIGN, rule.id):
        return "a number is 2 to 10 capital letters and 3 or 4 digits, such as ACME101; ML is meshlint's own"
    for word in (rule.name, *rule.aliases):
        if not re.fullmatch(_NAME, word):
            return f"the name {word!r} is not small letters and digits with dashes"
    if not re.fullmatch(_NAME, rule.family) or rule.family == FAMILIES[0]:
        return f"the family {rule.family!r} is not small letters and digits with dashes, or it is {FAMILIES[0]}, which is meshlint's own"
    return "" if rule.check is not None else "it has no check"


# installed packages


def _of_plugin(name: str) -> list[Rule]:
    from importlib.metadata import entry_points

    found = list(entry_points(group=GROUP))
    meant = {(_distribution(one), one.value): one for one in found if one.name == name}
    if not meant:
        raise ConfigError(f"no plugin is called {name!r}; {_installed(found, name)}")
    if len(meant) > 1:
        raise ConfigError(f"several packages bring a plugin {name!r}: {', '.join(sorted(of for of, _ in meant))}; uninstall all but one")
    ((distribution, _), point) = next(iter(meant.items()))
    origin = f"plugin {name} ({distribution})"
    return _named(origin, _rules_in(_guarded(origin, point), origin))


def _guarded(origin: str, point: EntryPoint) -> object:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{origin} cannot be loaded: {_said(error)}") from error


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _installed(found: Iterable[EntryPoint], name: str) -> str:
    from meshlint.model.names import close_name

    known = sorted({one.name for one in found})
    near = close_name(name, known)
    listed = f"installed are {', '.join(known)}" if known else f"no installed package has one (entry points of the group {GROUP})"
    return f"did you mean {near}? {listed[:1].upper()}{listed[1:]}" if near else listed


def _rules_in(loaded: object, origin: str) -> list[Rule]:
    """An entry point is a module that holds its rules, or a list of them."""
    if isinstance(loaded, ModuleType):
        return list(rules_of(loaded))
    if isinstance(loaded, (list, tuple)) and all(isinstance(one, Rule) for one in loaded):
        return list(loaded)
    raise ConfigError(f"{origin} cannot be loaded: its entry point is neither a module nor a list of rules")


def _named(origin: str, rules: Iterable[Rule]) -> list[Rule]:
    """Each once, with where it comes from."""
    out = list({id(rule): rule for rule in rules}.values())
    if not out:
        raise ConfigError(f"{origin} brings no rules")
    for rule in out:
        rule.origin = origin
    return out


def _said(error: BaseException) -> str:
    """An exception in one line, with the place in the code that raised it."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}"


# folders of Python rules


def _of_folder(folder: str, number: int) -> list[Rule]:
    shown = os.path.relpath(folder)
    if not os.path.isdir(folder):
        raise ConfigError(f"--rules {shown}: no such folder")
    package = ModuleType(f"{_PACKAGE}_{number}")
    package.__path__ = [folder]
    for module in [name for name in sys.modules if name.partition(".")[0] == package.__name__]:
        del sys.modules[module]
    sys.modules[package.__name__] = package
    importlib.invalidate_caches()
    names = sorted(name for name in os.listdir(folder) if name.endswith(".py") and name[:-3].isidentifier() and not name.startswith("_"))
    rules: dict[int, Rule] = {}
    for name in names:
        origin = os.path.join(shown, name)
        for rule in rules_of(_imported(f"{package.__name__}.{name[:-3]}", origin)):
            if id(rule) not in rules:
                rule.origin = origin
                rules[id(rule)] = rule
    return _with_origins(list(rules.values()), f"--rules {shown}")


def _with_origins(rules: list[Rule], folder: str) -> list[Rule]:
    if not rules:
        raise ConfigError(f"{folder}: no Python file in it holds a rule")
    return rules


def _imported(module: str, origin: str) -> ModuleType:
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder is the user's
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{origin} cannot be loaded: {_said(error)}") from error
    finally:
        sys.dont_write_bytecode = before


# rules as data


def _declared(paths: Sequence[str]) -> list[Rule]:
    if not paths:
        return []
    from meshlint.check.declared import DeclaredError, declared
    from meshlint.semantics.patterns import Budget, LimitError

    budget: Budget = Budget()
    said: list[str] = []
    rules: list[Rule] = []
    for path in dict.fromkeys(file for given in paths for file in _files(given)):
        try:
            rules += declared(path, os.path.relpath(path), budget)
        except (DeclaredError, LimitError) as error:  # noqa: PERF203 - all of them are told
            said.append(str(error))
    if said:
        raise ConfigError("\n".join(said))
    return rules


def _files(given: str) -> Iterator[str]:
    """The file, or those in the folder; links in it that lead out of it are not followed."""
    shown = os.path.relpath(given)
    if os.path.isfile(given):
        yield given
        return
    if not os.path.isdir(given):
        raise ConfigError(f"declared-rules: {shown} is no file or folder")
    inside = os.path.realpath(given)
    names = sorted(name for name in os.listdir(given) if name.endswith(_ENDINGS) and not name.startswith("."))
    if not names:
        raise ConfigError(f"declared-rules: no file in {shown} ends with {' or '.join(_ENDINGS)}")
    for name in names:
        real = os.path.realpath(os.path.join(given, name))
        if os.path.dirname(real) != inside:
            raise ConfigError(f"declared-rules: {os.path.join(shown, name)} is a link that leads out of its folder")
        yield os.path.join(given, name)
