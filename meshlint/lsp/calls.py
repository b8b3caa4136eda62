"""What the rules said of each object of one environment, and which of that has to be asked again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import cast

from meshlint.check.registry import Entry, Registry
from meshlint.check.runner import Runner
from meshlint.index.mesh import MeshIndex
from meshlint.index.repository import Repository
from meshlint.lsp.asking import Asking, Key
from meshlint.model.kind import Kind
from meshlint.model.node import Node
from meshlint.model.problem import Finding, Severity
from meshlint.model.resource import Environment, Resource
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple

OF_ALL = frozenset({"subset_used", "traffic_policies", "shapes_traffic", "subset_users", "elsewhere", "owner"})
"""Questions that other environments may answer, too."""

Id = tuple[str, "Resource | None"]  # a rule's number, and the object that it looked at
Told = tuple[Id, "Call | None", "Call"]  # what a call said before, and says now


class Call(NamedTuple):
    """What a rule asked and found when it looked at an object."""

    asked: tuple[Key, ...]
    findings: tuple[Finding, ...]


class Rules(Runner):
    """Runs one rule on one object at a time, and counts that."""

    def __init__(self, registry: Registry, chosen: Sequence[Entry], forced: Mapping[str, Severity], repository: Repository) -> None:
        super().__init__(registry, chosen, forced, repository)
        self.entries = [entry for entry in chosen if not entry.engine]
        self._whole = repository
        self.ran = 0

    def of(self, repository: Repository) -> Rules:
        """The same rules on another repository."""
        self._whole = repository
        return self

    def rule(self, entry: Entry) -> Rule:
        return self._use(entry)

    def concerning(self, resource: Resource) -> Mapping[str, Rule]:
        """The rules that may find something in an object."""
        entries = (self._chosen[row] for row in self._concerns.of(resource))
        return {entry.id: self._use(entry) for entry in entries}

    @property
    def used(self) -> dict[str, Rule]:
        return self._rules

    def call(self, rule: Rule, resource: Resource | None, asking: Asking) -> Call:
        self.ran += 1
        asking.noted = {}
        self._repository = cast("Repository", asking)  # findings are made from what it says of owners
        found = self._one(rule, resource, cast("MeshIndex", asking))
        return Call(tuple(asking.noted), tuple(found))

    def owner(self, node: Node) -> tuple[Resource | None, str]:
        return self._whole.owner(node)


class Calls:
    """The calls of one environment. `waiting` are those to be run, `doubtful` the questions to be asked again: whose answer is
    another one, the calls that asked it are run again."""

    def __init__(self, environment: Environment, mesh: MeshIndex, rules: Rules) -> None:
        self.environment = environment
        self.asking = Asking(mesh, rules.owner, self._changed)
        self.waiting: dict[Id, None] = {}
        self.doubtful: dict[Key, None] = {}
        self._rules = rules
        self._known: dict[Id, Call] = {}
        self._askers: dict[Key, set[Id]] = {}
        self._keys: dict[str, dict[Key, None]] = {}  # what each rule asked
        self._of_rule: dict[str, Rule] = {}
        self._kinds: set[Kind] = set()
        self._objects: dict[Resource, list[str]] = {}  # with the rules that look at them
        self.add(environment.resources)
        for entry in rules.entries:
            if not entry.each:
                self._of_rule[entry.id] = rules.rule(entry)
                self.waiting[entry.id, None] = None

    def _changed(self, key: Key) -> None:
        self.waiting.update(dict.fromkeys(self._askers.get(key, ())))

    def add(self, resources: Iterable[Resource]) -> None:
        """Objects that are new here: all their rules are to be run."""
        for resource in resources:
            rules = self._rules.concerning(resource)
            self._of_rule.update(rules)
            self._objects[resource] = list(rules)
            self.waiting.update(((number, resource), None) for number in rules)

    def drop(self, resources: Iterable[Resource]) -> Iterator[tuple[Id, Call]]:
        """Forget objects that are gone. Gives what was known of them."""
        for resource in resources:
            for number in self._objects.pop(resource):
                one = (number, resource)
                self.waiting.pop(one, None)
                call = self._known.pop(one, None)
                if call is not None:
                    self._unasked(one, call.asked)
                    yield one, call

    def _unasked(self, one: Id, keys: Iterable[Key]) -> None:
        for key in keys:
            askers = self._askers.get(key)
            if askers is not None:
                askers.discard(one)
                if not askers:
                    del self._askers[key]

    def renewed(self, mesh: MeshIndex, kinds: Collection[Kind]) -> None:
        """The index is another one, because objects of these kinds changed: what read such kinds is not sure any more."""
        self.asking.renewed(mesh)
        self._kinds.update(kinds)

    def moved(self, environment: Environment, mesh: MeshIndex, kinds: Collection[Kind]) -> None:
        """The same for an environment that was found anew."""
        self.environment = environment
        self.renewed(mesh, kinds)

    def has(self, resource: Resource) -> bool:
        """Was the object among those that are judged here?"""
        return resource in self._objects

    def gone(self) -> list[Resource]:
        """The objects that are no longer judged here."""
        held = set(self.environment.resources)
        return [resource for resource in self._objects if resource not in held]

    def all_doubtful(self) -> None:
        """Nothing is sure any more, whatever the rules read."""
        self._kinds.update(Kind)

    def others_changed(self) -> None:
        """Other environments may answer otherwise now."""
        found = [key for key in self._askers if key[0] in OF_ALL]
        self.asking.doubt(found)
        self.doubtful.update(dict.fromkeys(found))

    def spread(self) -> None:
        """Doubt what the rules asked that read a kind of which objects changed."""
        if self._kinds:
            kinds, self._kinds = self._kinds, set()
            for number, keys in self._keys.items():
                if not kinds.isdisjoint(self._of_rule[number].reads):
                    self.doubtful.update(keys)

    def look(self, files: Collection[str]) -> Iterator[Told]:
        """Run the waiting calls on objects in these files. Gives each, what it said before and what it says now."""
        for one in [one for one in self.waiting if one[1] is not None and one[1].file in files]:
            yield self._run(one)

    def settle(self) -> Iterator[Told | None]:
        """Resolve all doubts and run what is waiting; None: another step without a call. Whoever stops may go on later."""
        while self.doubtful or self.waiting:
            while self.doubtful:
                key, _ = self.doubtful.popitem()
                if key in self._askers:
                    self.asking.verify(key)
                    yield None
            while self.waiting:
                yield self._run(next(iter(self.waiting)))
        self._tidy()

    def _run(self, one: Id) -> Told:
        before = self._known.get(one)
        self._known[one] = call = self._rules.call(self._of_rule[one[0]], one[1], self.asking)
        self.waiting.pop(one, None)
        if before is not None:
            self._unasked(one, before.asked)
        for key in call.asked:
            self._askers.setdefault(key, set()).add(one)
        self._keys.setdefault(one[0], {}).update(dict.fromkeys(call.asked))
        return one, before, call

    def _tidy(self) -> None:
        if self.asking.held > 2 * len(self._askers) + 1_000:
            self.asking.forget(self._askers.keys())
            self._keys = {number: {key: None for key in keys if key in self._askers} for number, keys in self._keys.items()}
