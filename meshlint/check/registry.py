"""Finds the rules. Facts of all rules stand in rules/index.json; a rule's module is imported only when it is to run."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

from meshlint.bundled import folder
from meshlint.model.kind import Kind
from meshlint.model.rule import FAMILIES, Rule

_PACKAGE = "meshlint_rules"


class Entry(NamedTuple):
    """What is known of a rule without importing it."""

    id: str
    name: str
    severity: str
    module: str
    each: tuple[Kind, ...]
    aliases: tuple[str, ...]
    engine: bool

    @property
    def family(self) -> str:
        return FAMILIES[int(self.id[2])]

    def answers_to(self, word: str) -> bool:
        """Is the rule meant by an id, a name, an alias, a family, or a prefix of ids such as ML1?"""
        if word.upper().startswith("ML") and word[2:].isdigit():
            return self.id.startswith(word.upper())
        return word == "all" or word in (self.name, self.family, *self.aliases)


class Registry:
    """The rules by id, name, family and prefix."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(sorted(entries))
        self._rules: dict[str, Rule] = {}

    def rule(self, entry: Entry) -> Rule:
        if entry.id not in self._rules:
            self._rules[entry.id] = next(found for found in _rules_of(_load(entry.module)) if found.id == entry.id)
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
        return sorted({*FAMILIES, *(word for entry in self.entries for word in (entry.id, entry.name, *entry.aliases))})


def _weight(entry: Entry, word: str) -> int:
    """How precisely a word means the rule: 0 not at all, 1 all, 2 a family or prefix, 3 itself."""
    if not entry.answers_to(word):
        return 0
    if word.upper() == entry.id or word in (entry.name, *entry.aliases):
        return 3
    return 1 if word == "all" else 2


def bundled() -> Registry:
    """The rules that travel with meshlint, none of them imported."""
    index = os.path.join(folder("rules"), "index.json")
    with open(index, encoding="utf-8") as file:
        import json

        rows = json.load(file)
    return Registry([_entry(row) for row in rows])


def _entry(row: Mapping[str, object]) -> Entry:
    each = row["each"]
    aliases = row["aliases"]
    assert isinstance(each, list) and isinstance(aliases, list)
    kinds = tuple(Kind[name] for name in each)
    return Entry(str(row["id"]), str(row["name"]), str(row["severity"]), str(row["module"]), kinds, tuple(aliases), bool(row["engine"]))


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
    }


def scan() -> list[Rule]:
    """Every rule under rules/, imported; what rules/index.json is made from."""
    root = folder("rules")
    out: list[Rule] = []
    for family in sorted(os.listdir(root)):
        path = os.path.join(root, family)
        if os.path.isdir(path) and family.isidentifier() and not family.startswith("_"):
            for name in sorted(os.listdir(path)):
                if name.endswith(".py") and not name.startswith("_"):
                    out.extend(_rules_of(_load(f"{family}.{name[:-3]}")))
    return sorted(out, key=lambda rule: rule.id)


def _load(module: str) -> ModuleType:
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE)
        package.__path__ = [folder("rules")]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{module}")


def _rules_of(module: ModuleType) -> Iterator[Rule]:
    for value in vars(module).values():
        if isinstance(value, Rule):
            if not value.module:
                value.module = module.__name__
            yield value
