"""Applies the fixes of findings, and lints again before anybody gets to see the result (docs/fixing.md)."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from meshlint.check.registry import Registry
from meshlint.config import Config
from meshlint.edit.pieces import Cut, Pieces
from meshlint.engine import (
    Earlier,
    Judged,
    Loaded,
    Progress,
    Stdin,
    Told,
    earlier_of,
    judge,
    load,
    reload,
    result_of,
    told_of,
    with_fixes,
)
from meshlint.fix.choose import together
from meshlint.fix.compare import Key, Objection, Repair, connected, objections
from meshlint.fix.texts import applied, sorted_cuts
from meshlint.fix.write import Change, writable
from meshlint.model.problem import Edit, Finding
from meshlint.model.tuples import NamedTuple
from meshlint.project import Project
from meshlint.report.result import Result

_ROUNDS = 50
_RUNS = 400  # how often a project is linted again at most
_GARBAGE = 50_000  # objects that are new, from which it is looked for

Texts = Mapping[str, str]


class Wanted(NamedTuple):
    """What is to be fixed. `into`: the only file that may change (stdin); `on_disk`: files are going to be written."""

    unsafe: bool
    into: str | None
    on_disk: bool


class Refused(NamedTuple):
    """A fix that was not made, and why."""

    finding: Finding
    title: str
    reason: str


class Repaired(NamedTuple):
    """What came of it: the findings that are left, every changed file with its cuts in places of its first text, how many
    findings were fixed."""

    result: Result
    changes: tuple[Change, ...]
    cuts: Mapping[str, Sequence[Cut]]
    fixed: int
    refused: tuple[Refused, ...]
    notes: tuple[str, ...]


class _State(NamedTuple):
    """A project with other texts than on disk, and what is said of it: by the rules that were asked for, and by all."""

    texts: Texts
    loaded: Loaded
    judged: Judged
    all: Sequence[Finding]


def repair(
    project: Project, config: Config, registry: Registry, stdin: Stdin | None, progress: Progress | None, wanted: Wanted
) -> Repaired:
    """Fix what a project's findings say, as far as that leaves it better than before. Nothing is written."""
    repairing = _Repairing(project, config.settled(), registry, stdin, wanted)
    state = repairing.begin(progress)
    with _collecting():
        return repairing.end(repairing.rounds(state))


@contextmanager
def _collecting() -> Iterator[None]:
    """Collect garbage, which no other run does: here a repository is made for each attempt, and dropped in circles."""
    before, threshold = gc.isenabled(), gc.get_threshold()
    gc.freeze()  # what is there by now stays
    gc.set_threshold(_GARBAGE, 5, 100)
    gc.enable()
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()
        if not before:
            gc.disable()


class _Repairing:
    def __init__(self, project: Project, config: Config, registry: Registry, stdin: Stdin | None, wanted: Wanted) -> None:
        self._project, self._config, self._registry, self._stdin, self._wanted = project, config, registry, stdin, wanted
        self._every = config._replace(select=None, extend_select=(), ignore=())
        self._partial = self._every != config
        self._refused: dict[Key, tuple[Refused, int]] = {}
        self._tried: dict[Key, int] = {}
        self._fixed = 0
        self._runs = 0
        self._notes: list[str] = []
        self._pieces: dict[str, Pieces] = {}
        self._old: dict[str, str] = {}

    def begin(self, progress: Progress | None) -> _State:
        loaded = load(self._project, self._config, self._stdin, progress)
        self._earlier: Earlier = earlier_of(loaded, self._project, self._config, self._registry, self._stdin)
        self._first = loaded
        texts = {} if self._stdin is None else {self._stdin.path: self._stdin.text}
        return self._judged(texts, loaded, progress)

    def _judged(self, texts: Texts, loaded: Loaded, progress: Progress | None = None) -> _State:
        judged = judge(loaded, self._project, self._config, self._registry, progress)
        every = judge(loaded, self._project, self._every, self._registry).left if self._partial else judged.left
        return _State(texts, loaded, judged, every)

    def rounds(self, state: _State) -> _State:
        """Fix what can be fixed together, look again, until nothing is left to do."""
        for _ in range(_ROUNDS):
            batch = together(self._repairs(state))
            if not batch:
                return state
            accepted, state = self._settle(state, (), state, batch)
            self._fixed += len(accepted)
            for path, edits in _by_file(accepted).items():
                self._note(path, edits)
        self._notes.append(f"stopped after {_ROUNDS} rounds: fixes make room for others again and again")
        return state

    def _repairs(self, state: _State) -> list[Repair]:
        """What can be done about the findings that would be reported. What was refused is tried once more after others were
        made."""
        told = with_fixes(self._told(state), state.loaded, self._project, self._registry)
        out = []
        for finding in told.findings:
            if finding.fix is None or not (finding.fix.safe or self._wanted.unsafe):
                continue
            repair = Repair(finding, finding.fix)
            if (held := self._refused.get(repair.key)) and (held[1] == self._fixed or self._tried.get(repair.key, 0) > 1):
                continue
            if reason := self._not_here(repair):
                self._refuse(repair, reason)
            else:
                out.append(repair)
        return out

    def _told(self, state: _State) -> Told:
        return told_of(state.judged, self._project, self._config, self._earlier)

    def _not_here(self, repair: Repair) -> str:
        """Why a fix cannot be made on these files."""
        for path in sorted(repair.files):
            full = os.path.join(self._project.root, *path.split("/"))
            if self._wanted.into not in (None, path):
                return f"it changes {self._project.show(path)} too"
            if self._wanted.on_disk and not writable(full):
                return f"{self._project.show(path)} cannot be written"
            if self._other_name(path, full):
                return f"{self._project.show(path)} is a link to another file of the project"
        return ""

    def _other_name(self, path: str, full: str) -> bool:
        """Is it another name of a file that is fixed by its own name?"""
        real = os.path.relpath(os.path.realpath(full), self._project.root).replace(os.sep, "/")
        return real != path and any(file.path == real for file in self._first.files)

    def _refuse(self, repair: Repair, reason: str) -> None:
        self._tried[repair.key] = self._tried.get(repair.key, 0) + 1
        self._refused[repair.key] = (Refused(repair.finding, repair.fix.title, reason), self._fixed)

    def _settle(
        self, base: _State, held: Sequence[Repair], state: _State, batch: Sequence[Repair]
    ) -> tuple[Sequence[Repair], _State]:
        """Make a batch on top of what is `held`, without those that cannot stay. `base` is what their edits were made for, `state`
        what it is with those that are held."""
        if not batch:
            return held, state
        if self._runs >= _RUNS:
            for repair in batch:
                self._refuse(repair, f"the project was linted {_RUNS} times by then")
            return held, state
        together = [*held, *batch]
        after = self._with(base, together)
        against = objections(batch, (state.judged.left, after.judged.left), (state.all, after.all), self._yields)
        if after.judged.checked.broken and not state.judged.checked.broken:
            against.append(Objection("a rule fails then", frozenset(range(len(batch)))))
        if not against:
            return together, after
        return self._without_some(base, held, state, batch, against)

    def _yields(self, rule: str) -> Sequence[str]:
        return next((self._registry.rule(entry).yields_in_object for entry in self._registry.entries if entry.id == rule), ())

    def _without_some(
        self, base: _State, held: Sequence[Repair], state: _State, batch: Sequence[Repair], against: Sequence[Objection]
    ) -> tuple[Sequence[Repair], _State]:
        suspects = sorted(frozenset().union(*(one.suspects for one in against)))
        if len(suspects) < len(batch):
            rest = [repair for number, repair in enumerate(batch) if number not in suspects]
            held, state = self._settle(base, held, state, rest)
            return self._settle(base, held, state, [batch[number] for number in suspects])
        sure = {next(iter(one.suspects)): one.reason for one in reversed(against) if len(one.suspects) == 1}
        for number, reason in sorted(sure.items()):
            self._refuse(batch[number], reason)
        if sure:
            return self._settle(base, held, state, [repair for number, repair in enumerate(batch) if number not in sure])
        tried = {number for together in connected(against) for number in together[: len(together) // 2]}
        held, state = self._settle(base, held, state, [repair for number, repair in enumerate(batch) if number in tried])
        return self._settle(base, held, state, [repair for number, repair in enumerate(batch) if number not in tried])

    def _with(self, base: _State, repairs: Sequence[Repair]) -> _State:
        self._runs += 1
        texts = {**base.texts, **{path: applied(_text(base, path), edits) for path, edits in _by_file(repairs).items()}}
        texts.update((new.path, new.text) for repair in repairs for new in repair.fix.new_files)
        return self._judged(texts, reload(self._first, self._project, self._config, texts))

    def _note(self, path: str, edits: Sequence[Edit]) -> None:
        """What became of a file that was there at first."""
        if path not in self._pieces:
            source = next((file.source for file in self._first.files if file.path == path), None)
            if source is None:
                return
            self._old[path] = source.text
            self._pieces[path] = Pieces(source.text)
        self._pieces[path].apply(sorted_cuts(edits))

    def end(self, state: _State) -> Repaired:
        told = with_fixes(self._told(state), state.loaded, self._project, self._registry)
        changes = [Change(path, self._old.get(path), text) for path, text in sorted(state.texts.items()) if text != self._old.get(path)]
        if self._stdin is not None:
            changes = [change for change in changes if change.old is not None]
        left = {Repair(finding, finding.fix).key for finding in told.findings if finding.fix is not None}
        refused = sorted((one for key, (one, _) in self._refused.items() if key in left), key=lambda one: one.finding.order)
        cuts = {path: pieces.cuts() for path, pieces in self._pieces.items()}
        result = result_of(state.loaded, state.judged, told, self._project, self._config)
        return Repaired(result, tuple(changes), cuts, self._fixed, tuple(refused), tuple(self._notes))


def _by_file(repairs: Sequence[Repair]) -> dict[str, list[Edit]]:
    out: dict[str, list[Edit]] = {}
    for repair in repairs:
        for edit in repair.fix.edits:
            out.setdefault(edit.file, []).append(edit)
    return out


def _text(state: _State, path: str) -> str:
    if path in state.texts:
        return state.texts[path]
    return next(file.source.text for file in state.loaded.files if file.path == path and file.source is not None)


