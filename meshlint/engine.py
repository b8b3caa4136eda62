"""The chain as one function: discover, read, environments, index, rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from meshlint.check.registry import Registry, bundled
from meshlint.check.runner import Checked, Runner
from meshlint.config import Config
from meshlint.index.repository import Repository
from meshlint.model.document import FileRead, Trouble
from meshlint.model.kind import kind_of
from meshlint.model.problem import Confidence, Finding, Location, Severity
from meshlint.model.resource import Environment
from meshlint.model.target import Current, Target, resolve_target
from meshlint.project import Project
from meshlint.read.discover import discover
from meshlint.read.file import read_file, read_text
from meshlint._shim import Versions
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
    found = discover(project.root, project.paths, config.exclude, config.force_exclude)
    files = read_all(project, found.files, stdin, progress)
    built = environments(files, [(e.name, e.paths) for e in config.environment])
    chosen = tuple(e for e in built.list if not config.environments or e.name in config.environments)
    versions = Versions(files)
    troubles = (*(trouble for file in files for trouble in file.troubles), *built.troubles)
    return Loaded(tuple(files), chosen, tuple(versions.of(environment) for environment in chosen), troubles, tuple(found.notes))


def run(project: Project, config: Config, registry: Registry | None = None, stdin: Stdin | None = None, progress: Progress | None = None) -> Result:
    """Lint a project. Raises meshlint.model.target.TargetError for a target that no release matches."""
    registry = registry or bundled()
    loaded = load(project, config, stdin, progress)
    targets = [resolve_target(config.target, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, config.settings)
    forced = {registry.named(word).id: Severity(level) for word, level in config.severity.items()}
    runner = Runner(registry, registry.chosen(config.select or (), config.extend_select, config.ignore), forced, repository)
    checked = runner.run(loaded.troubles, None if progress is None else lambda done, total: progress("environments", done, total))
    findings = _reported(checked.findings, project, config)
    coverage = _coverage(loaded, project)
    return Result(
        findings=tuple(findings),
        target=_one_target(targets) or resolve_target(config.target, None),
        coverage=coverage,
        rules={rule.id: rule for rule in checked.rules.values()},
        notifications=loaded.notes,
        text_of={project.show(file.path): file.source for file in loaded.files}.get,
        exit_code=_exit_code(findings, checked, coverage, config),
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


def _reported(findings: Sequence[Finding], project: Project, config: Config) -> list[Finding]:
    least = Severity(config.min_severity or "note").rank
    surest = Confidence(config.min_confidence or "low").rank
    about = None if project.reported is None else set(project.reported)
    return [
        _shown(finding, project)
        for finding in findings
        if finding.severity.rank >= least and finding.confidence.rank >= surest and (about is None or _touches(finding, about))
    ]


def _shown(finding: Finding, project: Project) -> Finding:
    """With paths as users see them: relative to the working directory."""
    if project.shown == ".":
        return finding
    related = tuple(other._replace(location=_moved(other.location, project)) for other in finding.related)
    return finding._replace(location=_moved(finding.location, project), related=related)


def _moved(location: Location, project: Project) -> Location:
    return location._replace(file=project.show(location.file))


def _touches(finding: Finding, files: set[str]) -> bool:
    return finding.location.file in files or any(related.location.file in files for related in finding.related)


def _exit_code(findings: Sequence[Finding], checked: Checked, coverage: Coverage, config: Config) -> int:
    if checked.broken:
        return EXIT_FAILED
    if not coverage.found:
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
        environments=tuple(_report(environment, current) for environment, current in zip(loaded.environments, loaded.currents, strict=True)),
        skipped=tuple(skipped),
    )


def _report(environment: Environment, current: Current) -> EnvironmentReport:
    versions = {
        "istio": str(current.istio) if current.istio else None,
        "gateway_api": str(current.gateway_api) if current.gateway_api else None,
        "channel": current.channel,
    }
    return EnvironmentReport(environment.name, environment.kind, environment.path, environment.status, environment.reason, versions)


