"""The chain as one function: discover, read, environments, index, rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from meshlint.check.findings import shown
from meshlint.check.registry import Registry, bundled
from meshlint.check.runner import RULE_FAILED, Checked, Runner
from meshlint.config import Config, ConfigError
from meshlint.index.repository import Repository
from meshlint.model.document import FileRead, Trouble
from meshlint.model.kind import kind_of
from meshlint.model.position import Source
from meshlint.model.problem import Confidence, Finding, Severity
from meshlint.model.resource import Environment
from meshlint.model.target import Current, Target, resolve_target
from meshlint.project import Project, rebased
from meshlint.read.discover import Discovery, discover
from meshlint.read.file import read_file, read_text
from meshlint.render.current import Versions
from meshlint.render.environments import environments
from meshlint.render.follow import referenced_outside
from meshlint.report.result import Coverage, EnvironmentReport, Result, Skipped

Progress = Callable[[str, int, int], None]  # what is done, how many of it, of how many

EXIT_CLEAN, EXIT_FINDINGS, EXIT_FAILED, EXIT_NO_FILES = 0, 1, 2, 3


class Stdin(NamedTuple):
    """A text that stands in for a file of the project, named relative to its root."""

    path: str
    text: str


class Loaded(NamedTuple):
    """A project as read: its files, its environments and what the repository says that each runs."""

    files: tuple[FileRead, ...]
    environments: tuple[Environment, ...]
    currents: tuple[Current, ...]
    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]


def load(project: Project, config: Config, stdin: Stdin | None = None, progress: Progress | None = None) -> Loaded:
    """Read a project. Every path in it is relative to the root; only results name them as users see them."""
    found = discovered(project, config)
    files = read_all(project, found.files, stdin, progress)
    built = environments(files, _configured(project, config))
    chosen = _chosen(built.list, config.environments)
    versions = Versions(files)
    troubles = (*(trouble for file in files for trouble in file.troubles), *built.troubles)
    return Loaded(tuple(files), chosen, tuple(versions.of(environment) for environment in chosen), troubles, tuple(found.notes))


def discovered(project: Project, config: Config) -> Discovery:
    """The files of a project. Patterns of a configuration start in its folder, those of the command line where it runs."""
    patterns = rebased(config.exclude, config.root or os.getcwd(), project.root) if config.exclude else ()
    return discover(project.root, project.paths, patterns, config.force_exclude)


def _configured(project: Project, config: Config) -> list[tuple[str, tuple[str, ...]]]:
    """The environments of the configuration, with their paths relative to the root."""
    base = config.root or project.root
    return [(e.name, tuple(project.inner(os.path.join(base, path)) for path in e.paths)) for e in config.environment]


def _chosen(found: Sequence[Environment], names: Sequence[str]) -> tuple[Environment, ...]:
    known = [environment.name for environment in found]
    for name in names:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            raise ConfigError(f"no environment is called {name!r}; {f'did you mean {near[0]}?' if near else 'see meshlint environments'}")
    return tuple(environment for environment in found if not names or environment.name in names)


def run(
    project: Project, config: Config, registry: Registry | None = None, stdin: Stdin | None = None, progress: Progress | None = None
) -> Result:
    """Lint a project. Raises TargetError for a target that no release matches, ConfigError for an unknown environment."""
    registry = registry or bundled()
    loaded = load(project, config, stdin, progress)
    targets = [_target(project, config, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, config.settings)
    forced = {number: Severity(level) for number, level in registry.levels(config.severity).items()}
    runner = Runner(registry, registry.chosen(config.select or (), config.extend_select, config.ignore), forced, repository)
    checked = runner.run(loaded.troubles, None if progress is None else lambda done, total: progress("environments", done, total))
    show = lru_cache(None)(project.show)
    findings = [shown(finding, show) for finding in _reported(checked.findings, project, config)]
    coverage = _coverage(loaded, project)
    return Result(
        findings=tuple(findings),
        target=_one_target(targets) or _target(project, config, Current()),
        coverage=coverage,
        rules={rule.id: rule for rule in checked.rules.values()},
        notifications=loaded.notes,
        text_of=_texts(loaded, findings, project).get,
        exit_code=_exit_code(findings, checked, _nothing(coverage, project, config), config),
    )


def read_all(project: Project, paths: Sequence[str], stdin: Stdin | None, progress: Progress | None) -> list[FileRead]:
    """Read the files, and those that their kustomizations name outside of the given paths but inside the boundary."""
    out: dict[str, FileRead] = {}
    waiting = list(paths)
    if stdin is not None and stdin.path not in waiting:
        waiting.append(stdin.path)
    while waiting:
        for path in waiting:
            out[path] = _read(project, path, stdin)
            if progress is not None:
                progress("files", len(out), max(len(paths), len(out)))
        waiting = [path for path in referenced_outside(project.root, project.paths, out.values()) if path not in out]
    return [out[path] for path in sorted(out)]


def _read(project: Project, path: str, stdin: Stdin | None) -> FileRead:
    if stdin is not None and path == stdin.path:
        return read_text(stdin.text, path)
    return read_file(os.path.join(project.root, path), path)


def _target(project: Project, config: Config, current: Current) -> Target:
    places = {key: project.show_place(place) for key, place in current.sources.items()}
    said = "--target" if isinstance(config.target, str) else "configuration"
    return resolve_target(config.target, current._replace(sources=places), said)


def _reported(findings: Sequence[Finding], project: Project, config: Config) -> list[Finding]:
    """What was asked for. A rule that failed is always told: it is why the run failed."""
    least = Severity(config.min_severity or "note").rank
    surest = Confidence(config.min_confidence or "low").rank

    def wanted(finding: Finding) -> bool:
        if finding.name == RULE_FAILED:
            return True
        return finding.severity.rank >= least and finding.confidence.rank >= surest and _touches(finding, project)

    return [finding for finding in findings if wanted(finding)]


def _touches(finding: Finding, project: Project) -> bool:
    return project.about(finding.location.file) or any(project.about(related.location.file) for related in finding.related)


def _texts(loaded: Loaded, findings: Sequence[Finding], project: Project) -> dict[str, Source]:
    """The texts that findings stand in, by the names that users see."""
    named = {place.file for finding in findings for place in (finding.location, *(related.location for related in finding.related))}
    return {name: file.source for file in loaded.files if file.source is not None and (name := project.show(file.path)) in named}


def _nothing(coverage: Coverage, project: Project, config: Config) -> bool:
    """Is there no file for the paths? A hook that passes a file which is excluded by force has found what it wanted."""
    return not coverage.found and not (config.force_exclude and project.reported)


def _exit_code(findings: Sequence[Finding], checked: Checked, nothing: bool, config: Config) -> int:
    if checked.broken:
        return EXIT_FAILED
    if nothing:
        return EXIT_NO_FILES
    if config.fail_on == "never":
        return EXIT_CLEAN
    least = Severity(config.fail_on).rank
    return EXIT_FINDINGS if any(finding.severity.rank >= least for finding in findings) else EXIT_CLEAN


def _one_target(targets: Sequence[Target]) -> Target | None:
    """What the report's head says: the newest of the environments' targets."""
    return max(targets, key=lambda target: (target.istio[:2], target.gateway_api[:2]), default=None)


def _coverage(loaded: Loaded, project: Project) -> Coverage:
    files = loaded.files
    skipped = [Skipped(project.show(file.path), file.skipped, file.skipped_kinds) for file in files if file.skipped is not None]
    read = [file for file in files if file.skipped is None]
    manifests = sum(any(document.kind and document.api_version for document in file.documents) for file in read)
    documents = [document for file in read for document in file.documents]
    return Coverage(
        found=len(files),
        read=len(read),
        manifests=manifests,
        other=len(read) - manifests,
        skipped_files=len(skipped),
        documents=len(documents),
        resources=sum(kind_of(document.api_version, document.kind) is not None for document in documents),
        environments=tuple(_report(*pair, project) for pair in zip(loaded.environments, loaded.currents, strict=True)),
        skipped=tuple(skipped),
    )


def _report(environment: Environment, current: Current, project: Project) -> EnvironmentReport:
    versions = {
        "istio": str(current.istio) if current.istio else None,
        "gateway_api": str(current.gateway_api) if current.gateway_api else None,
        "channel": current.channel,
    }
    path = project.show(environment.path)
    return EnvironmentReport(environment.name, environment.kind, path, environment.status, environment.reason, versions)
