"""A project that is open in an editor: linted once as a whole, and from then on only as far as changes reach.

What is read of a changed file takes the place of what was read before; if that leaves the structure of the repository as it is,
only its objects are replaced, else the environments are found anew and what is the same in them is kept. Either way a rule looks
at an object again only if one of the questions that it asked is answered otherwise now (meshlint.lsp.asking).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from meshlint import engine
from meshlint.check.registry import Registry
from meshlint.check.runner import RULE_FAILED, Checked
from meshlint.config import Config
from meshlint.index.mesh import MeshIndex
from meshlint.index.renewal import Renewable
from meshlint.lsp.calls import Calls, Rules
from meshlint.lsp.calls import Told as Said
from meshlint.lsp.keep import Kept
from meshlint.lsp.printed import Printed
from meshlint.lsp.swap import Replaced, replaced
from meshlint.lsp.told import Told
from meshlint.model.document import FileRead
from meshlint.model.later import ANNOTATION
from meshlint.model.position import Source
from meshlint.model.problem import Finding, Severity
from meshlint.model.resource import Environment, Resource
from meshlint.project import Project
from meshlint.read.file import read_file, read_text
from meshlint.render.shaping import is_plain, is_taken, takes_values


class Session:
    """`findings` are those to show, by file. After `change` or `reread`, `first` renews those of some files alone, and `settle`
    all others that are concerned."""

    def __init__(self, project: Project, config: Config, registry: Registry) -> None:
        self.project = project
        self.config = config.settled()
        self.registry = registry
        self.texts: dict[str, str] = {}
        self.drafts: dict[str, str] = {}
        self.findings: dict[str, list[Finding]] = {}
        self._printed = Printed()
        self._annotated: set[str] = set()  # the files that hold an annotation which suppresses
        self._provisional: dict[str, list[Finding]] = {}  # of files that do not parse for the moment
        self.structural = 0  # how often the environments were found anew
        self._chosen = registry.chosen(self.config.select or (), self.config.extend_select, self.config.ignore)
        self._forced = {number: Severity(level) for number, level in registry.levels(self.config.severity).items()}
        self._calls: dict[str, Calls] = {}
        self._renewed: set[str] = set()
        self._of_all = False
        self._unsettled: set[str] = set()

    def load(self, texts: Mapping[str, str], progress: engine.Progress | None = None) -> None:
        """Read the project. `texts`: of files that are open, they count instead of those on disk."""
        self.texts = dict(texts)
        loaded = engine.load(self.project, self.config, progress=progress)
        if texts:
            loaded = engine.reload(loaded, self.project, self.config, texts)
        self._earlier = engine.earlier_of(loaded, self.project, self.config, self.registry, None)
        self._take(loaded)
        self._printed = Printed()
        self._rules = Rules(self.registry, self._chosen, self._forced, self.repository)
        self._told = Told(self._chosen, self._rules, self._forced)
        self._calls = {e.name: Calls(e, self.repository.index(e), self._rules) for e in loaded.environments}
        self._number()
        self._unsettled |= self._told.note_troubles(loaded.troubles, self.repository.skipped)

    def _take(self, loaded: engine.Loaded, earlier: Renewable | None = None) -> None:
        self.loaded = loaded
        self.targets = [engine.target_of(self.project, self.config, current) for current in loaded.currents]
        self.repository = Renewable(
            loaded.environments, loaded.files, self.targets, self.config.settings, loaded.output, earlier
        )  # fmt: skip
        self.files = {file.path: file for file in loaded.files}
        self._at = {file.path: number for number, file in enumerate(loaded.files)}
        self._annotated = {file.path for file in loaded.files if _is_annotated(file)}
        self._taking = [file for file in loaded.files if takes_values(file)]

    def _number(self) -> None:
        self._numbered = {one.name: (number, one) for number, one in enumerate(self.loaded.environments)}

    @property
    def ran(self) -> int:
        """How often a rule looked at an object."""
        return self._rules.ran

    def meshes(self) -> Iterator[tuple[Environment, MeshIndex]]:
        """The environments with what answers questions about them."""
        return ((one, self.repository.index(one)) for one in self.loaded.environments)

    # changes
    def change(self, path: str, text: str) -> None:
        """A file has another text than on disk, or another one than before."""
        if self.texts.get(path) == text and path in self.files:
            return
        self.texts[path] = text
        new = read_text(text, path)
        old = self.files.get(path)
        swapped = None if old is None else replaced(old, new, self.repository.holders, self._names)
        if old is not None and swapped is not None:
            self._swap(old, new, swapped)
        else:
            self._rebuild({path: new}, whole=any(not is_plain(file, self._names) for file in (old, new) if file is not None))

    def _names(self, name: str) -> bool:
        """Does anything that takes values from ConfigMaps hold this name?"""
        return is_taken(name, self._taking)

    def typed(self, path: str, text: str) -> bool:
        """The same while somebody types. What does not parse for the moment, and what a tool has to render, is put off until
        `saved`: others still see the file as it was. Gives whether it was not."""
        new = read_text(text, path)
        old = self.files.get(path)
        broken = _broken(new) and not (old is not None and _broken(old))
        if broken or self._rendered(path):
            self.drafts[path] = text
            if broken:
                self._provisional[path] = self.findings[path] = self._told.of_troubles(new.troubles)
            return False
        self._resumed(path)
        self.change(path, text)
        return True

    def saved(self, path: str) -> None:
        """What was put off counts now."""
        text = self._resumed(path)
        if text is None:
            return
        if self._rendered(path):
            self.texts[path] = text
            self._rebuild({path: None}, whole=True)
        else:
            self.change(path, text)

    def _resumed(self, path: str) -> str | None:
        """Nothing of the file is put off any more. Gives what was."""
        if self._provisional.pop(path, None) is not None:
            self._unsettled.add(path)
        return self.drafts.pop(path, None)

    def current(self, path: str) -> Source | None:
        """The text that the findings of a file are about; None where it was put off."""
        file = self.files.get(path)
        return None if file is None or path in self.drafts else file.source

    def _rendered(self, path: str) -> bool:
        return any(one.status == "rendered" and one.reach(path) >= 0 for one in self.loaded.environments)

    def reread(self, paths: Collection[str], closed: Collection[str] = ()) -> None:
        """Files changed on disk, came or went. `closed`: those that are no longer open, so that their text on disk counts."""
        for path in closed:
            self.texts.pop(path, None)
            self._resumed(path)
        concerned = {path for path in (*paths, *closed) if path not in self.texts and not self._again(path)}
        if concerned:
            self._rebuild(dict.fromkeys(concerned), whole=True)

    def _again(self, path: str) -> bool:
        """Read a file that is known, if that leaves the structure as it is."""
        old, full = self.files.get(path), os.path.join(self.project.root, *path.split("/"))
        if old is None or self._rendered(path) or os.path.realpath(full) != full:
            return False
        new = read_file(full, path)
        if old.source is not None and new.source is not None and old.source.text == new.source.text:
            return True
        swapped = replaced(old, new, self.repository.holders, self._names)
        if swapped is not None:
            self._swap(old, new, swapped)
        return swapped is not None

    def _swap(self, old: FileRead, new: FileRead, swapped: Replaced) -> None:
        at = self._at[new.path]
        files, unrendered = ((*held[:at], new, *held[at + 1 :]) for held in (self.loaded.files, self.loaded.unrendered))
        if old.troubles or new.troubles:
            troubles = (*(trouble for trouble in self.loaded.troubles if trouble not in old.troubles), *new.troubles)
            self.loaded = self.loaded._replace(troubles=troubles)
        self.loaded = self.loaded._replace(files=files, unrendered=unrendered)
        self.files[new.path] = new
        (self._annotated.add if _is_annotated(new) else self._annotated.discard)(new.path)
        for environment in self.repository.renew(swapped, old, new):
            calls = self._calls[environment.name]
            calls.renewed(self.repository.index(environment), {resource.kind for resource in swapped})
            self._replace(calls, [resource for resource in swapped if calls.has(resource)], swapped)
            self._renewed.add(environment.name)
        self._unsettled.add(new.path)
        if old.troubles or new.troubles:
            self._unsettled |= self._told.note_troubles(self.loaded.troubles, self.repository.skipped)

    def _replace(self, calls: Calls, gone: list[Resource], swapped: Replaced) -> None:
        self._drop(calls, gone)
        calls.add(swapped[resource] for resource in gone)

    def _drop(self, calls: Calls, gone: list[Resource]) -> None:
        for one, call in calls.drop(gone):
            self._unsettled |= self._told.note(calls.environment.name, one, call, None)

    def _rebuild(self, changed: Mapping[str, FileRead | None], whole: bool) -> None:
        """Find the environments anew. `changed`: what was read, None: it is to be read from disk. `whole`: what changed may tell of
        more than its own objects."""
        self.structural += 1
        loaded = self._loaded(changed)
        kept = Kept(self.loaded.environments)
        environments = tuple(kept.environment(one) for one in loaded.environments)
        before, old_targets = self.repository, dict(zip((e.name for e in self.loaded.environments), self.targets, strict=True))
        old = {resource for one in self.loaded.environments for resource in one.resources}
        self._take(loaded._replace(environments=environments), before)
        new = {resource for one in environments for resource in one.resources}
        different = old ^ new
        kinds = {resource.kind for resource in different}
        names = {(resource.kind, resource.name) for resource in different}
        calls, self._calls = self._calls, {}
        for environment, target in zip(environments, self.targets, strict=True):
            known = calls.pop(environment.name, None)
            if known is None or old_targets[environment.name] != target or known.environment.kind != environment.kind:
                self._unsettled |= self._told.forget(environment.name)
                self._calls[environment.name] = Calls(environment, self.repository.index(environment), self._rules.of(self.repository))
                continue
            self._calls[environment.name] = known
            if not whole and known.environment is environment and not before.saw(environment, names, ()):
                self.repository.adopt(before, environment)
                continue
            known.moved(environment, self.repository.index(environment), kinds)
            if whole:
                known.all_doubtful()
            self._drop(known, known.gone())
            known.add([resource for resource in environment.resources if not known.has(resource)])
        for name in calls:
            self._unsettled |= self._told.forget(name)
        self._rules.of(self.repository)
        self._renewed = set(self._calls)
        self._of_all = True
        self._number()
        self._unsettled |= {*changed} | self._told.note_troubles(self.loaded.troubles, self.repository.skipped)
        self._unsettled |= set(self.findings) - set(self.files)

    def _loaded(self, changed: Mapping[str, FileRead | None]) -> engine.Loaded:
        """The project with what changed, read anew as far as that is on disk."""
        held = {file.path: file for file in self.loaded.unrendered or self.loaded.files}
        if None in changed.values():
            for path in changed:
                held.pop(path, None)
            loaded = engine.load(self.project, self.config, held=held)
            return engine.reload(loaded, self.project, self.config, self.texts) if self.texts else loaded
        unrendered = tuple({**held, **{path: file for path, file in changed.items() if file is not None}}.values())
        return engine.reload(self.loaded._replace(unrendered=unrendered), self.project, self.config, self.texts)

    # findings
    def first(self, paths: Collection[str]) -> set[str]:
        """Renew the findings of objects in these files, and what is told of the files. Gives those told otherwise."""
        for name in self._renewed:
            for one in self._calls[name].look(paths):
                self._note(self._calls[name], one)
        return self._finish({path for path in paths if path in self._unsettled}, alone=True)

    def settle(self) -> Iterator[None]:
        """Renew all findings, with a break now and then; whoever does not go on may begin again later."""
        for calls in self._calls.values():
            calls.spread()
        if self.repository.refresh_use() or self._of_all:
            for calls in self._calls.values():
                calls.others_changed()
        self._of_all = False
        self._renewed.clear()
        for calls in self._calls.values():
            for one in calls.settle():
                if one is not None:
                    self._note(calls, one)
                yield

    def _note(self, calls: Calls, one: Said) -> None:
        self._unsettled |= self._told.note(calls.environment.name, *one)

    def finish(self) -> set[str]:
        """After `settle`: what is to be shown of every file. Gives the files of which that changed."""
        files, self._unsettled = self._unsettled, set()
        return self._finish(files, alone=False)

    def _finish(self, files: set[str], alone: bool) -> set[str]:
        concerned = self._printed.renew(files, lambda path: self._told.of(path, self._numbered), self.repository, self._unsettled)
        if alone or not self._speaks_of_others():
            judged = {path: self._judged({path}, self._only(path)).get(path, []) for path in concerned}
        else:
            every = self._told.files | set(self.findings)
            judged = {**{path: [] for path in every}, **self._judged(every, self.loaded)}
        judged.update((path, found) for path, found in self._provisional.items() if path in judged)
        changed = {path for path, found in judged.items() if self._shown(path) != [one._replace(repair=None) for one in found]}
        self.findings.update(judged)
        for path in [path for path, found in judged.items() if not found]:
            del self.findings[path]
        return changed

    def _shown(self, path: str) -> list[Finding]:
        return [one._replace(repair=None) for one in self.findings.get(path, ())]

    def _only(self, path: str) -> engine.Loaded:
        return self.loaded._replace(files=(self.files[path],) if path in self.files else ())

    def _speaks_of_others(self) -> bool:
        """May what is written in one file decide about findings in another?"""
        config = self.config
        if config.suppress or config.baseline is not None or config.new_since is not None:
            return True
        return bool(self._annotated)

    def _judged(self, files: Collection[str], loaded: engine.Loaded) -> dict[str, list[Finding]]:
        printed = self._printed.of(sorted(files))
        checked = Checked(printed, dict(self._rules.used), any(finding.name == RULE_FAILED for finding in printed))
        asked = (self._chosen, self._forced)
        judged = engine.conclude(checked, loaded, self.repository, self.targets, asked, self.project, self.config, self.registry)
        told = engine.told_of(judged, self.project, self.config, self._earlier)
        out: dict[str, list[Finding]] = {}
        for finding in told.findings:
            if loaded is self.loaded or finding.location.file in files:
                out.setdefault(finding.location.file, []).append(finding)
        return out


def _broken(file: FileRead) -> bool:
    return any(trouble.rule == "yaml-syntax" for trouble in file.troubles)


def _is_annotated(file: FileRead) -> bool:
    return file.source is not None and file.source.holds(ANNOTATION)
