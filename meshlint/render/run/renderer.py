"""Recipes to objects: copies laid out, tools run side by side, their output read, and what failed said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial

from meshlint.files import temporary_folder
from meshlint.model.document import Trouble
from meshlint.model.tuples import NamedTuple
from meshlint.render.origin.made import Made
from meshlint.render.recipe import Outcome, Recipe, ToolMissingError
from meshlint.render.run.child import Done, Job, run_all
from meshlint.render.run.limits import LIMITS, Limits
from meshlint.render.run.results import Results
from meshlint.render.run.said import message_of
from meshlint.render.run.stage import Files, Refusal, Stage
from meshlint.render.run.tools import Tool, Tools, absent
from meshlint.render.tree import Tree

_NO_FIELD = "invalid Kustomization: json: unknown field"


class Settings(NamedTuple):
    """`always`: a tool that is missing is an error. `cache`: the folder of caches, None: none. `jobs`: children at a time,
    None: one for each CPU."""

    always: bool = False
    cache: str | None = None
    jobs: int | None = None
    limits: Limits = LIMITS


class _Task(NamedTuple):
    """One rendering to be had: what the tool gets (`arguments` behind its words; `{}` stands for the folder of the copies),
    and what makes objects of its output."""

    tool: Tool
    arguments: tuple[str, ...]
    stage: Stage
    made: Made
    twice: bool = False

    def parts(self) -> list[bytes]:
        texts = [self.tool.stamp, *self.arguments, str(self.twice)]
        files = [part for path, content in sorted(self.stage.contents.items()) for part in (path.encode("utf-8", "replace"), content)]
        return [*(text.encode("utf-8", "replace") for text in texts), *files]


class Renderer:
    """Renders the recipes of one project. `texts`: files that an editor holds, by path."""

    def __init__(self, root: str, settings: Settings, texts: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self.tools = Tools(root)
        self.files = Files(root, texts or {})
        self.results = Results(settings.cache, root)

    def __call__(self, tree: Tree, recipes: Sequence[Recipe]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        tasks: dict[int, _Task] = {}
        for number, recipe in enumerate(recipes):
            task = self._task_or_why(tree, recipe)
            if isinstance(task, str):
                outcomes[number] = Outcome(None, task)
            else:
                tasks[number] = task
        digests = {number: self.results.digest(task.parts()) for number, task in tasks.items()}
        failed = self._run({digests[number]: task for number, task in tasks.items()})
        for number, task in tasks.items():
            found = self.results.find(digests[number])
            fine, text = found if found is not None else (False, failed.get(digests[number], "failed"))
            outcomes[number] = task.made.outcome(text) if fine else self._failed(task, recipes[number], text)
        self.results.save()
        return [outcomes[number] for number in range(len(recipes))]

    def _task_or_why(self, tree: Tree, recipe: Recipe) -> _Task | str:
        try:
            return self._task(tree, recipe)
        except Refusal as refusal:
            return str(refusal)

    def _task(self, tree: Tree, recipe: Recipe) -> _Task:
        tool = self._tool("helm" if recipe.tool == "helm" else "kustomize")
        stage = Stage(self.settings.limits)
        if recipe.tool in ("kustomize", "directory"):
            from meshlint.render.origin.kustomize import KustomizeMade
            from meshlint.render.run.stage_kustomize import KustomizeStage

            staged = KustomizeStage(tree, self.files, stage, recipe)
            arguments = (f"{{}}/{staged.start}", "--load-restrictor", "LoadRestrictionsRootOnly")
            return _Task(tool, arguments, stage, KustomizeMade(tree, recipe, staged))
        if recipe.tool == "helm":
            from meshlint.render.origin.helm import HelmMade
            from meshlint.render.run.stage_helm import HelmStage

            chart = HelmStage(self.files, stage, recipe)
            return _Task(tool, chart.arguments, stage, HelmMade(tree, recipe, chart), chart.twice)
        raise Refusal(f"{recipe.tool} is not rendered")

    def _tool(self, name: str) -> Tool:
        tool = self.tools.find(name)
        if tool is None:
            if self.settings.always:
                raise ToolMissingError(absent(name))
            raise Refusal(absent(name))
        return tool

    def _run(self, tasks: Mapping[str, _Task]) -> dict[str, str]:
        """Run what is not known yet; gives the failures that are not kept, because another run may fare better."""
        missing = {digest: task for digest, task in sorted(tasks.items()) if self.results.find(digest) is None}
        if not missing:
            return {}
        with temporary_folder() as folder:
            return self._children(missing, folder)

    def _children(self, tasks: Mapping[str, _Task], folder: str) -> dict[str, str]:
        digests = [digest for digest, task in tasks.items() for _ in range(1 + task.twice)]
        places = [os.path.join(folder, str(number)) for number in range(len(digests))]
        jobs = [partial(_job, tasks[digest], place) for digest, place in zip(digests, places, strict=True)]
        failed: dict[str, str] = {}
        done: dict[str, list[Done]] = {}
        for number, end in run_all(jobs, self.settings.limits, self.settings.jobs or os.cpu_count() or 1):
            digest = digests[number]
            shutil.rmtree(places[number], ignore_errors=True)
            ends = done.setdefault(digest, [])
            ends.append(end)
            if len(ends) == digests.count(digest):
                failed.update(self._keep(digest, tasks[digest], ends, folder))
        return failed

    def _keep(self, digest: str, task: _Task, ends: Sequence[Done], folder: str) -> dict[str, str]:
        bad = next((end for end in ends if not end.fine), None)
        if bad is None:
            self.results.add(digest, True, task.made.steady([end.out.decode("utf-8", "replace") for end in ends]))
            return {}
        message = message_of(bad, folder)
        if bad.stopped is not None or bad.code < 0 or b"fatal error" in bad.error:
            return {digest: message}
        self.results.add(digest, False, message)
        return {}

    def _failed(self, task: _Task, recipe: Recipe, message: str) -> Outcome:
        at = task.made.place
        if recipe.applied_by is not None and not recipe.overlay and message.startswith(_NO_FIELD):
            message = f"{recipe.folder or '.'}: {message}"
        reason = f"{task.tool.name} failed: {message}"
        file, span = (at.file, at.place) if at is not None else (recipe.folder, None)
        return Outcome(None, reason, True, (Trouble(_rule(task, recipe, message), file, span, reason),))


def _rule(task: _Task, recipe: Recipe, message: str) -> str:
    """A chart that nothing installs may need values, and what is not known or was left out may be what the tool misses: none of
    these tells of a fault. A kustomization with a field that does not exist is one, whatever else is missing."""
    unfit = _NO_FIELD in message and recipe.tool == "kustomize"
    if unfit and not (recipe.overlay and message.startswith(_NO_FIELD)):  # which would be said of what the application adds
        return "render-failed"
    installed = recipe.tool != "helm" or recipe.applied_by is not None
    return "render-failed" if installed and not (task.made.missing or recipe.unsure) else "not-analysed"


def _job(task: _Task, folder: str) -> Job:
    """The copies and a home for one child. They are laid out here, so that a child finds nothing of another one."""
    copies, home = os.path.join(folder, "in"), os.path.join(folder, "home")
    os.makedirs(os.path.join(home, "bin"))
    os.makedirs(copies)
    task.stage.lay_out(copies)
    command = (*task.tool.words, *(argument.replace("{}", copies) for argument in task.arguments))
    return Job(command, copies, home)

