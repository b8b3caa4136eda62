"""Finds the rules. Facts of all rules stand in rules/index.json; a rule's module is imported only when it is to run."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType

from meshlint.bundled import folder
from meshlint.model.kind import Kind
from meshlint.model.rule import FAMILIES, Rule, family_of
from meshlint.model.tuples import NamedTuple

_PACKAGE = "meshlint_rules"
_DECLARED = "declared/"  # modules of rules as data: files in the folder of this name


class Entry(NamedTuple):
    """What is known of a rule without importing it."""

    id: str
    name: str
    severity: str
    module: str
    each: tuple[Kind, ...]
    aliases: tuple[str, ...]
    engine: bool
    own_family: str = ""
    origin: str = "meshlint"
    needs: frozenset[str] = frozenset()
    points_to: frozenset[Kind] | None = None

    @property
    def family(self) -> str:
        return family_of(self.id, self.own_family)

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    def answers_to(self, word: str) -> bool:
        """Is the rule meant by an id, a name, an alias, a family, or a prefix of ids such as ML1?"""
        letters = word.rstrip("0123456789").upper()
        if len(letters) < len(word) and letters == self.id.rstrip("0123456789"):
            return self.id.startswith(word.upper())
        return word == "all" or word in (self.name, self.family, *self.aliases)


class ClashError(ValueError):
    """Two rules of one number or name: both, and who brings them."""


class Registry:
    """The rules by id, name, family and prefix."""

    def __init__(self, entries: Sequence[Entry], rules: Sequence[Rule] = ()) -> None:
        """`rules` are those of the entries that are there already; the others are loaded when they are asked for."""
        self.foreign = bool(rules)  # some are not of meshlint's own code
        self.entries = tuple(sorted(entries))
        self._rules: dict[str, Rule] = {rule.id: rule for rule in rules}

    def plus(self, rules: Sequence[Rule]) -> Registry:
        """With the rules of others. Raises ClashError."""
        entries = (*self.entries, *map(entry_of, rules))
        _no_clash(entries)
        return Registry(entries, (*self._rules.values(), *rules))

    def rule(self, entry: Entry) -> Rule:
        if entry.id not in self._rules:
            self._rules[entry.id] = next(found for found in _loaded(entry.module) if found.id == entry.id)
        return self._rules[entry.id]

    def named(self, name: str) -> Rule:
        """The rule of an id, name or alias. Raises KeyError."""
        for entry in self.entries:
            if name.upper() == entry.id or name in (entry.name, *entry.aliases):
                return self.rule(entry)
        raise KeyError(name)

    def rules(self) -> list[Rule]:
        return [self.rule(entry) for entry in self.entries]

    def unknown(self, words: Sequence[str]) -> Iterator[str]:
        """Words that mean no rule."""
        for word in words:
            if word not in FAMILIES and not any(entry.answers_to(word) for entry in self.entries):
                yield word

    def chosen(self, select: Sequence[str], extend: Sequence[str], ignore: Sequence[str]) -> list[Entry]:
        """Rules selected (all, where nothing is named) and not ignored; a rule's own name beats its family."""
        if not (select or extend or ignore):
            return [*self.entries]
        out = []
        for entry in self.entries:
            wanted = max((_weight(entry, word) for word in (*(select or ("all",)), *extend)), default=0)
            unwanted = max((_weight(entry, word) for word in ignore), default=0)
            if wanted > unwanted:
                out.append(entry)
        return out

    def levels(self, levels: Mapping[str, str]) -> dict[str, str]:
        """The level of each rule that is named, itself before its family."""
        out = {}
        for entry in self.entries:
            meant = {_weight(entry, word): level for word, level in levels.items() if entry.answers_to(word)}
            if meant:
                out[entry.id] = meant[max(meant)]
        return out

    def words(self) -> list[str]:
        """Everything a user may write for rules, for suggestions."""
        return sorted({*FAMILIES, *(word for entry in self.entries for word in (entry.id, entry.family, *entry.names))})


def entry_of(rule: Rule) -> Entry:
    engine = rule.check is None
    facts = (rule.severity.value, rule.module, rule.each, rule.aliases, engine, rule.family, rule.origin, rule.needs, rule.points_to)
    return Entry(rule.id, rule.name, *facts)


def _no_clash(entries: Sequence[Entry]) -> None:
    """Every number and name means one rule, and no family."""
    holders: dict[str, Entry] = {}
    families = {"all", *(entry.family for entry in entries)}
    for entry in entries:
        for word in (entry.id, *entry.names):
            other = holders.setdefault(word, entry)
            if other is not entry:
                raise ClashError(f"{word} is {other.id} {other.name} of {other.origin} and {entry.id} {entry.name} of {entry.origin}")
            if word in families:
                raise ClashError(f"{entry.id} of {entry.origin} is called {word}, and so is a family of rules")


def _weight(entry: Entry, word: str) -> int:
    """How precisely a word means the rule: 0 not at all, 1 all, 2 a family or prefix, 3 itself."""
    if not entry.answers_to(word):
        return 0
    if word.upper() == entry.id or word in (entry.name, *entry.aliases):
        return 3
    return 1 if word == "all" else 2


def bundled() -> Registry:
    """The rules that travel with meshlint, none of them imported."""
    return Registry(_entries())


@cache
def _entries() -> tuple[Entry, ...]:
    index = os.path.join(folder("rules"), "index.json")
    with open(index, encoding="utf-8") as file:
        import json

        rows = json.load(file)
    return tuple(map(_entry, rows))


def _entry(row: Mapping[str, object]) -> Entry:
    each = row["each"]
    aliases = row["aliases"]
    assert isinstance(each, list) and isinstance(aliases, list)
    kinds = tuple(Kind[name] for name in each)
    known = Entry(str(row["id"]), str(row["name"]), str(row["severity"]), str(row["module"]), kinds, tuple(aliases), bool(row["engine"]))
    needs, points_to = row["needs"], row["points_to"]
    assert isinstance(needs, list)
    pointed = frozenset(Kind[name] for name in points_to) if isinstance(points_to, list) else None
    return known._replace(needs=frozenset(needs), points_to=pointed)


def describe(rule: Rule) -> dict[str, object]:
    """A rule's row of rules/index.json."""
    return {
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity.value,
        "module": rule.module.removeprefix(_PACKAGE + "."),
        "each": [kind.name for kind in rule.each],
        "aliases": list(rule.aliases),
        "engine": rule.check is None,
        "needs": sorted(rule.needs),
        "points_to": None if rule.points_to is None else sorted(kind.name for kind in rule.points_to),
    }


def scan() -> list[Rule]:
    """Every rule under rules/, imported; what rules/index.json is made from."""
    root = folder("rules")
    out: list[Rule] = []
    for family in sorted(os.listdir(root)):
        path = os.path.join(root, family)
        if os.path.isdir(path) and family.isidentifier() and not family.startswith("_") and family != "declared":
            for name in sorted(os.listdir(path)):
                if name.endswith(".py") and not name.startswith("_"):
                    out.extend(rules_of(_load(f"{family}.{name[:-3]}")))
    out += (rule for name in sorted(os.listdir(os.path.join(root, "declared"))) for rule in _loaded(_DECLARED + name))
    return sorted(out, key=lambda rule: rule.id)


@cache
def _loaded(module: str) -> tuple[Rule, ...]:
    """The rules of a bundled module, Python or data."""
    if not module.startswith(_DECLARED):
        return tuple(rules_of(_load(module)))
    from meshlint.check.declared import trusted

    return tuple(trusted(os.path.join(folder("rules"), module), module))


def _load(module: str) -> ModuleType:
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [folder("rules")]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{module}")


def rules_of(module: ModuleType) -> Iterator[Rule]:
    """The rules that a module defines or imports."""
    for value in vars(module).values():
        if isinstance(value, Rule):
            if not value.module:
                value.module = module.__name__
            yield value
