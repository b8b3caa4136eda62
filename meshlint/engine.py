"""The chain as one function: discover, read, environments, index, rules, report."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from meshlint.check.about import About, about
from meshlint.check.by_path import Part, adjusted, filter_of, part
from meshlint.check.findings import shown
from meshlint.check.registry import Entry, Registry, bundled
from meshlint.check.runner import ENOUGH, RULE_FAILED, UNUSED, Checked, Runner, rule_failed
from meshlint.config import Config, ConfigError
from meshlint.coverage import coverage_of
from meshlint.index.repository import Repository
from meshlint.measure import current, phase
from meshlint.model.document import FileRead, Trouble
from meshlint.model.later import SUPPRESSING
from meshlint.model.problem import Finding, Known, Severity, Suppressed
from meshlint.model.resource import Environment
from meshlint.model.target import Current, Target, resolve_target
from meshlint.model.tuples import NamedTuple
from meshlint.project import Project, rebased
from meshlint.read.discover import Discovery, Stats, discover
from meshlint.read.file import read_text
from meshlint.read.many import FEW, Many, Reading
from meshlint.render.current import Versions
from meshlint.render.environments import environments
from meshlint.render.follow import referenced_outside
from meshlint.render.recipe import ToolMissingError
from meshlint.render.rendering import Wish, rendering
from meshlint.report.result import Coverage, Result

if TYPE_CHECKING:
    from meshlint.check.baseline import Counts
    from meshlint.check.forked import Copies

Progress = Callable[[str, int, int], None]  # what is done, how many of it, of how many

EXIT_CLEAN, EXIT_FINDINGS, EXIT_FAILED, EXIT_NO_FILES = 0, 1, 2, 3


class Stdin(NamedTuple):
    """A text that stands in for a file of the project, named relative to its root."""

    path: str
    text: str


class Loaded(NamedTuple):
    """A project as read: its files, its environments and what the repository says that each runs. `output`: what tools
    printed, read. `unrendered`: the files without what rendering told of them."""

    files: tuple[FileRead, ...]
    environments: tuple[Environment, ...]
    currents: tuple[Current, ...]
    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]
    output: tuple[FileRead, ...] = ()
    unrendered: tuple[FileRead, ...] = ()


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
    found: Discovery | None = None,
) -> Loaded:
    """Read a project. Every path in it is relative to the root; only results name them as users see them.
    `held` are files that are read already, `found` what discovery gives."""
    found = found or discovered(project, config)
    with phase("reading"):
        files = read_all(project, found.files, stdin, progress, reading(config), held or {}, found.stats)
    return _built(project, config, files, {} if stdin is None else {stdin.path: stdin.text}, found.notes)


def reload(loaded: Loaded, project: Project, config: Config, texts: Mapping[str, str]) -> Loaded:
    """The project with other texts in some files than those on disk; a file may be new."""
    files = {file.path: file for file in loaded.unrendered or loaded.files}
    files.update((path, read_text(text, path)) for path, text in texts.items() if not _reads(files.get(path), text))
    return _built(project, config, [files[path] for path in sorted(files)], texts, loaded.notes)


def _reads(file: FileRead | None, text: str) -> bool:
    return file is not None and file.source is not None and file.source.text == text


def _built(project: Project, config: Config, files: Sequence[FileRead], texts: Mapping[str, str], notes: Sequence[str]) -> Loaded:
    wish = Wish(config.render, not config.no_cache, config.cache_dir, config.jobs)
    try:
        with phase("environments"):
            built = environments(files, _configured(project, config), render=rendering(project.root, wish, texts))
    except ToolMissingError as error:
        raise ConfigError(f"--render always: {error}") from None
    chosen = _chosen(built.list, config.environments)
    versions = Versions([*files, *built.output])
    known = [_analysed(file) if file.path in built.analysed else file for file in files]
    troubles = (*(trouble for file in known for trouble in file.troubles), *built.troubles)
    currents = tuple(versions.of(environment) for environment in chosen)
    return Loaded(tuple(known), chosen, currents, troubles, tuple(notes), built.output, tuple(files))


def _analysed(file: FileRead) -> FileRead:
    """A template that a tool rendered is analysed, though nobody can read it as it stands."""
    troubles = tuple(trouble for trouble in file.troubles if trouble.rule != "not-analysed")
    return file._replace(troubles=troubles, skipped=None, skipped_kinds=()) if file.template else file


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
    project: Project,
    config: Config,
    registry: Registry | None = None,
    stdin: Stdin | None = None,
    progress: Progress | None = None,
    found: Discovery | None = None,
    fixes: int | None = None,
) -> Result:
    """Lint a project. `fixes`: of how many findings at most they are made, None: of all. Raises TargetError for a target that no
    release matches, ConfigError for an unknown environment."""
    registry = registry or bundled()
    config = config.settled()
    loaded = load(project, config, stdin, progress, found=found)
    only = None if project.reported is None else about(loaded.files, loaded.environments, project.about)
    with copies(loaded, config, fixes != 0) if only is None else nullcontext() as shared:
        judged = judge(loaded, project, config, registry, progress, shared, only, keeping=stdin is None and current() is None)
        told = told_of(judged, project, config, earlier_of(loaded, project, config, registry, stdin))
        if fixes is None or len(told.findings) <= fixes:
            with phase("fixes"):
                told = with_fixes(told._replace(findings=shared.with_fixes(told.findings)) if shared else told, loaded, project, registry)
    return result_of(loaded, judged, told, project, config)


@contextmanager
def copies(loaded: Loaded, config: Config, fixes: bool) -> Iterator[Copies | None]:
    """The processes that share the rules' work, where there is much of it. `fixes`: they are asked for those too."""
    objects = sum(len(environment.resources) for environment in loaded.environments)
    if objects < ENOUGH or current() is not None:
        yield None
        return
    from meshlint.check.forked import copies_for

    found = copies_for(config.jobs, fixes)
    with found or nullcontext():
        yield found


class Earlier(NamedTuple):
    """The findings of a git ref, counted; None: new ones are not told from those of one."""

    counts: Counts | None = None
    notes: tuple[str, ...] = ()


class Told(NamedTuple):
    """The findings to report, how many more are known, and by what. `broken`: a rule failed."""

    findings: Sequence[Finding]
    baselined: int
    known: Known
    broken: bool


def told_of(judged: Judged, project: Project, config: Config, earlier: Earlier) -> Told:
    """Of what the rules say, what was asked for and was not known before."""
    wanted = _reported(judged.left, project, config)
    known = _known(wanted, judged, config, earlier)
    new = [finding for finding in wanted if finding.fingerprint not in known.fingerprints]
    return Told(new, len(wanted) - len(new), known, judged.checked.broken)


def with_fixes(told: Told, loaded: Loaded, project: Project, registry: Registry) -> Told:
    """With the fixes of all findings that have one. A fix that fails is told as its rule would be."""
    if not any(finding.repair or finding.fix for finding in told.findings):
        return told
    from meshlint.fix.offer import Offers

    made, errors = Offers(loaded.files, lambda path: os.path.lexists(os.path.join(project.root, path))).all(told.findings)
    if not errors:
        return told._replace(findings=made)
    failed = [rule_failed(registry, finding, error) for finding, error in errors]
    return told._replace(findings=sorted([*made, *failed], key=lambda finding: finding.order), broken=True)


def result_of(loaded: Loaded, judged: Judged, told: Told, project: Project, config: Config) -> Result:
    show = lru_cache(None)(project.show)
    reported = {id(finding) for finding in _reported([one.finding for one in judged.suppressed], project, config)}
    hidden = [one._replace(finding=shown(one.finding, show)) for one in judged.suppressed if id(one.finding) in reported]
    named = {place.file for one in told.findings for place in (one.location, *(related.location for related in one.related))}
    files = {show(file.path): file for file in loaded.files if file.path in named}
    coverage = coverage_of(loaded.files, zip(loaded.environments, loaded.currents, strict=True), project)
    return Result(
        findings=tuple(shown(finding, show) for finding in told.findings) if project.show("a") != "a" else tuple(told.findings),
        target=_one_target(judged.targets) or target_of(project, config, Current()),
        coverage=coverage,
        rules={rule.id: rule for rule in judged.checked.rules.values()},
        suppressed=len(hidden),
        baselined=told.baselined,
        notifications=(*loaded.notes, *told.known.notes),
        text_of=lambda name: files[name].source if name in files else None,
        digest_of=lambda name: files[name].digest if name in files else b"",
        exit_code=_exit_code(told, _nothing(coverage, project, config), config),
        fail_on=config.fail_on or "warning",
        hidden=tuple(hidden),
        unmade=any(finding.repair is not None for finding in told.findings),
        known_by=told.known.said,
        stale=told.known.stale if project.reported is None and not config.environments else 0,
    )


def judge(
    loaded: Loaded, project: Project, config: Config, registry: Registry, progress: Progress | None = None, shared: Copies | None = None,
    only: About | None = None, keeping: bool = False,
) -> Judged:  # fmt: skip
    """Run the rules, and take out what is suppressed. `shared`: processes that share the work. `only`: what is not about these objects
    may be left out. `keeping`: what is found is kept for the next run, and was by the last one."""
    targets = [target_of(project, config, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, config.settings, loaded.output)
    forced = {number: Severity(level) for number, level in registry.levels(config.severity).items()}
    chosen = registry.chosen(config.select or (), config.extend_select, config.ignore)
    runner = Runner(registry, chosen, forced, repository)
    advance = None if progress is None else lambda done, total: progress("environments", done, total)
    kept = None
    if keeping and not config.no_cache and not registry.foreign and len(loaded.files) >= FEW:
        from meshlint.check.kept import Kept

        kept = Kept(config.cache_dir, project.root, repr((config.settings, [entry.id for entry in chosen], sorted(forced.items()))))
    checked = runner.run(loaded.troubles, advance, shared, only, kept)
    return conclude(checked, loaded, repository, targets, (chosen, forced), project, config, registry)


def conclude(
    checked: Checked, loaded: Loaded, repository: Repository, targets: list[Target], asked: tuple[list[Entry], Mapping[str, Severity]],
    project: Project, config: Config, registry: Registry,
) -> Judged:  # fmt: skip
    """What is left of findings. `asked`: the rules that were run, and the severities that are forced on some."""
    chosen, forced = asked
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


def _known(wanted: Sequence[Finding], judged: Judged, config: Config, earlier: Earlier) -> Known:
    """Which findings were there before."""
    if config.baseline is None and config.write_baseline is None and config.new_since is None:
        return Known()
    from meshlint.known import known_before, write_baseline

    if config.write_baseline is not None and not judged.checked.broken:
        return write_baseline(wanted, config.write_baseline)
    notes = earlier.notes
    if config.write_baseline is not None:
        notes = (*notes, f"{config.write_baseline} was not written, because a rule failed")
    return known_before(judged.left, config, earlier.counts, judged.ran)._replace(notes=notes)


def earlier_of(loaded: Loaded, project: Project, config: Config, registry: Registry, stdin: Stdin | None) -> Earlier:
    """The findings of the project as it was at a git ref, counted. What has not changed since is not read again."""
    if config.new_since is None:
        return Earlier()
    from meshlint.check.baseline import counted
    from meshlint.since import before

    with before(project, config, config.new_since) as then:
        same = {file.path: file for file in loaded.files if file.path in then.same and (stdin is None or file.path != stdin.path)}
        read = load(then.project, then.config._replace(environments=()), held=same) if then.project.paths else None
        if read is None:
            return Earlier({}, then.notes)
        return Earlier(counted(judge(_only(read, config.environments), then.project, then.config, registry).left), then.notes)


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
    stats: Stats = MappingProxyType({}),
) -> list[FileRead]:
    """Read the files, and those that their kustomizations name outside of the given paths but inside the boundary."""
    out = {path: held[path] for path in paths if path in held}
    if stdin is not None:
        out[stdin.path] = read_text(stdin.text, stdin.path, how.parse_all)
    many = Many(project.root, how, stats)
    waiting = [path for path in paths if path not in out]
    while waiting:
        for file in many.read(waiting):
            out[file.path] = file
            if progress is not None:
                progress("files", len(out), max(len(paths), len(out)))
        waiting = [path for path in referenced_outside(project.root, project.paths, out.values()) if path not in out]
    many.close()
    return [out[path] for path in sorted(out)]


def target_of(project: Project, config: Config, current: Current) -> Target:
    """The target of an environment that runs `current`."""
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


def _nothing(coverage: Coverage, project: Project, config: Config) -> bool:
    """Is there no file for the paths? A hook that passes a file which is excluded by force has found what it wanted."""
    return not coverage.found and not (config.force_exclude and project.reported)


def _exit_code(told: Told, nothing: bool, config: Config) -> int:
    if told.broken:
        return EXIT_FAILED
    if nothing:
        return EXIT_NO_FILES
    if config.exit_zero or config.fail_on == "never":
        return EXIT_CLEAN
    least = Severity(config.fail_on or "warning").rank
    return EXIT_FINDINGS if any(finding.severity.rank >= least for finding in told.findings) else EXIT_CLEAN


def _one_target(targets: Sequence[Target]) -> Target | None:
    """What the report's head says: the newest of the environments' targets."""
    return max(targets, key=lambda target: (target.istio[:2], target.gateway_api[:2]), default=None)
