"""The chain as one function: discover, read, environments, index, rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from meshlint.check.by_path import Part, adjusted, filter_of, part
from meshlint.check.findings import shown
from meshlint.check.registry import Registry, bundled
from meshlint.check.runner import RULE_FAILED, UNUSED, Checked, Runner
from meshlint.config import Config, ConfigError
from meshlint.index.repository import Repository
from meshlint.model.document import FileRead, Trouble
from meshlint.model.kind import kind_of
from meshlint.model.later import SUPPRESSING
from meshlint.model.position import Source
from meshlint.model.problem import Finding, Known, Severity, Suppressed
from meshlint.model.resource import Environment
from meshlint.model.target import Current, Target, resolve_target
from meshlint.project import Project, rebased
from meshlint.read.discover import Discovery, discover
from meshlint.read.file import read_text
from meshlint.read.many import Many, Reading
from meshlint.render.current import Versions
from meshlint.render.environments import environments
from meshlint.render.follow import referenced_outside
from meshlint.report.result import Coverage, EnvironmentReport, Result, Skipped

if TYPE_CHECKING:
    from meshlint.check.baseline import Counts

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


class Judged(NamedTuple):
    """What the rules say of a project: findings in their order, and those that are suppressed. `ran`: ids of the rules run."""

    left: list[Finding]
    suppressed: list[Suppressed]
    checked: Checked
    targets: list[Target]
    ran: Collection[str]


def load(
    project: Project,
    config: Config,
    stdin: Stdin | None = None,
    progress: Progress | None = None,
    held: Mapping[str, FileRead] | None = None,
) -> Loaded:
    """Read a project. Every path in it is relative to the root; only results name them as users see them.
    `held` are files that are read already."""
    found = discovered(project, config)
    files = read_all(project, found.files, stdin, progress, reading(config), held or {})
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
    config = config.settled()
    loaded = load(project, config, stdin, progress)
    judged = judge(loaded, project, config, registry, progress)
    show = lru_cache(None)(project.show)
    wanted = _reported(judged.left, project, config)
    known = _known(wanted, judged, loaded, project, config, registry, stdin)
    findings = [finding for finding in wanted if finding.fingerprint not in known.fingerprints]
    reported = {id(finding) for finding in _reported([one.finding for one in judged.suppressed], project, config)}
    hidden = [one._replace(finding=shown(one.finding, show)) for one in judged.suppressed if id(one.finding) in reported]
    coverage = _coverage(loaded, project)
    return Result(
        findings=tuple(shown(finding, show) for finding in findings),
        target=_one_target(judged.targets) or _target(project, config, Current()),
        coverage=coverage,
        rules={rule.id: rule for rule in judged.checked.rules.values()},
        suppressed=len(hidden),
        baselined=len(wanted) - len(findings),
        notifications=(*loaded.notes, *known.notes),
        text_of=_texts(loaded, findings, show).get,
        exit_code=_exit_code(findings, judged.checked, _nothing(coverage, project, config), config),
        fail_on=config.fail_on or "warning",
        hidden=tuple(hidden),
        known_by=known.said,
        stale=known.stale if project.reported is None and not config.environments else 0,
    )


def judge(loaded: Loaded, project: Project, config: Config, registry: Registry, progress: Progress | None = None) -> Judged:
    """Run the rules, and take out what is suppressed."""
    targets = [_target(project, config, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, config.settings)
    forced = {number: Severity(level) for number, level in registry.levels(config.severity).items()}
    chosen = registry.chosen(config.select or (), config.extend_select, config.ignore)
    runner = Runner(registry, chosen, forced, repository)
    checked = runner.run(loaded.troubles, None if progress is None else lambda done, total: progress("environments", done, total))
    ran = [entry.id for entry in chosen]
    left, suppressed = checked.findings, list[Suppressed]()
    if config.suppress or any(file.source is not None and any(map(file.source.holds, SUPPRESSING)) for file in loaded.files):
        from meshlint.accepted import Ran, accept

        state = Ran(ran, not checked.broken, forced)
        left, suppressed = accept(checked.findings, loaded.files, loaded.environments, repository, project, config, registry, state)
    checked.rules.update({entry.name: registry.rule(entry) for entry in chosen if entry.name == UNUSED})
    parts = _parts(project, config, registry)
    kept = {finding.fingerprint: finding for finding in adjusted([one.finding for one in suppressed], parts)}
    hidden = [one._replace(finding=kept[one.finding.fingerprint]) for one in suppressed if one.finding.fingerprint in kept]
    return Judged(adjusted(left, parts), hidden, checked, targets, ran)


def _known(
    wanted: Sequence[Finding], judged: Judged, loaded: Loaded, project: Project, config: Config, registry: Registry, stdin: Stdin | None
) -> Known:
    """Which findings were there before."""
    if config.baseline is None and config.write_baseline is None and config.new_since is None:
        return Known()
    from meshlint.known import known_before, write_baseline

    if config.write_baseline is not None and not judged.checked.broken:
        return write_baseline(wanted, config.write_baseline)
    notes: tuple[str, ...] = ()
    earlier: Counts | None = None
    if config.new_since is not None:
        earlier, notes = _earlier(loaded, project, config, config.new_since, registry, stdin)
    if config.write_baseline is not None:
        notes = (*notes, f"{config.write_baseline} was not written, because a rule failed")
    return known_before(judged.left, config, earlier, judged.ran)._replace(notes=notes)


def _earlier(
    loaded: Loaded, project: Project, config: Config, ref: str, registry: Registry, stdin: Stdin | None
) -> tuple[Counts, tuple[str, ...]]:
    """The findings of the project as it was at a git ref, counted. What has not changed since is not read again."""
    from meshlint.check.baseline import counted
    from meshlint.since import before

    with before(project, config, ref) as then:
        same = {file.path: file for file in loaded.files if file.path in then.same and (stdin is None or file.path != stdin.path)}
        read = load(then.project, then.config._replace(environments=()), held=same) if then.project.paths else None
        return counted(judge(_only(read, config.environments), then.project, then.config, registry).left) if read else {}, then.notes


def _only(loaded: Loaded, names: Collection[str]) -> Loaded:
    """The environments of these names; some may not be there."""
    pairs = [pair for pair in zip(loaded.environments, loaded.currents, strict=True) if not names or pair[0].name in names]
    return loaded._replace(environments=tuple(one for one, _ in pairs), currents=tuple(current for _, current in pairs))


def reading(config: Config) -> Reading:
    """How the files are to be read: with which cache, by how many processes."""
    return Reading(None if config.no_cache else config.cache_dir or "", config.jobs)


def read_all(
    project: Project,
    paths: Sequence[str],
    stdin: Stdin | None,
    progress: Progress | None,
    how: Reading = Reading(),  # noqa: B008
    held: Mapping[str, FileRead] = MappingProxyType({}),
) -> list[FileRead]:
    """Read the files, and those that their kustomizations name outside of the given paths but inside the boundary."""
    out = {path: held[path] for path in paths if path in held}
    if stdin is not None:
        out[stdin.path] = read_text(stdin.text, stdin.path, how.parse_all)
    many = Many(project.root, how)
    waiting = [path for path in paths if path not in out]
    while waiting:
        for file in many.read(waiting):
            out[file.path] = file
            if progress is not None:
                progress("files", len(out), max(len(paths), len(out)))
        waiting = [path for path in referenced_outside(project.root, project.paths, out.values()) if path not in out]
    many.close()
    return [out[path] for path in sorted(out)]


def _target(project: Project, config: Config, current: Current) -> Target:
    places = {key: project.show_place(place) for key, place in current.sources.items()}
    said = "--target" if isinstance(config.target, str) else "configuration"
    return resolve_target(config.target, current._replace(sources=places), said)


def _reported(findings: Sequence[Finding], project: Project, config: Config) -> list[Finding]:
    """What was asked for. A rule that failed is always told: it is why the run failed."""
    wanted = filter_of(config.impact, config.min_severity, config.min_confidence)
    return [one for one in findings if one.name == RULE_FAILED or (wanted.holds(one) and _touches(one, project))]


def _parts(project: Project, config: Config, registry: Registry) -> list[Part]:
    """The settings of the configuration for some files, with their patterns as seen from the root."""
    base = config.root or os.getcwd()
    out = []
    for one in config.per_path:
        wanted = filter_of(one.impact, one.min_severity, one.min_confidence)
        out.append(part(rebased(one.paths, base, project.root), one.ignore, one.severity, wanted, registry))
    return out


def _touches(finding: Finding, project: Project) -> bool:
    return project.about(finding.location.file) or any(project.about(related.location.file) for related in finding.related)


def _texts(loaded: Loaded, findings: Sequence[Finding], show: Callable[[str], str]) -> dict[str, Source]:
    """The texts that findings stand in, by the names that users see."""
    named = {place.file for finding in findings for place in (finding.location, *(related.location for related in finding.related))}
    return {show(file.path): file.source for file in loaded.files if file.source is not None and file.path in named}


def _nothing(coverage: Coverage, project: Project, config: Config) -> bool:
    """Is there no file for the paths? A hook that passes a file which is excluded by force has found what it wanted."""
    return not coverage.found and not (config.force_exclude and project.reported)


def _exit_code(findings: Sequence[Finding], checked: Checked, nothing: bool, config: Config) -> int:
    if checked.broken:
        return EXIT_FAILED
    if nothing:
        return EXIT_NO_FILES
    if config.exit_zero or config.fail_on == "never":
        return EXIT_CLEAN
    least = Severity(config.fail_on or "warning").rank
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
