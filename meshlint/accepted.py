"""What a project has decided to live with: its suppressions, as the project and the configuration write them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from meshlint.check.findings import fingerprinted
from meshlint.check.ignores import found
from meshlint.check.registry import Registry
from meshlint.check.runner import UNUSED
from meshlint.check.suppress import Configured
from meshlint.check.unused import Unused
from meshlint.config import Config, ConfiguredSuppression
from meshlint.index.repository import Repository
from meshlint.model.document import FileRead
from meshlint.model.problem import Finding, Location, ResourceName, Severity, Suppressed
from meshlint.model.resource import Environment
from meshlint.model.tuples import NamedTuple
from meshlint.project import Project, rebased


class Accepted(NamedTuple):
    """What is left of the findings, in their order, and what is suppressed."""

    left: list[Finding]
    suppressed: list[Suppressed]


class Ran(NamedTuple):
    """What was run: ids of rules, and whether everything that was asked for came about."""

    rules: Collection[str]
    whole: bool
    forced: Mapping[str, Severity]


def accept(
    findings: Sequence[Finding],
    files: Sequence[FileRead],
    environments: Sequence[Environment],
    repository: Repository,
    project: Project,
    config: Config,
    registry: Registry,
    ran: Ran,
) -> Accepted:
    """Take the suppressed findings out, and add what is to be said of suppressions that nothing comes of."""
    configured = [_configured(entry, project) for entry in config.suppress]
    suppressions = found(files, environments, configured, registry, lambda path: _watched(path, project, config), config.require_reason)
    if not suppressions.all:
        return Accepted(list(findings), [])
    left, suppressed = suppressions.apply(findings)
    rule = next((entry for entry in registry.entries if entry.name == UNUSED), None)
    if rule is not None and rule.id in ran.rules and ran.whole and not config.environments and config.context != "none":
        unused, more = Unused(suppressions, registry, ran.forced, ran.rules).findings()
        hidden = {_place(one.finding): one for one in more}
        for finding in fingerprinted([*unused, *(one.finding for one in more)], repository):
            by = hidden.get(_place(finding))
            if by is None:
                left.append(finding)
            else:
                suppressed.append(by._replace(finding=finding))
        left.sort(key=lambda finding: finding.order)
    return Accepted(left, suppressed)


def _place(finding: Finding) -> tuple[Location, str]:
    return finding.location, finding.message


def _watched(path: str, project: Project, config: Config) -> bool:
    """Is it told if nothing comes of a suppression in this file? Of those of the configuration only where all that
    it is for was read."""
    if any(os.path.abspath(entry.file) == os.path.join(project.root, *path.split("/")) for entry in config.suppress):
        return project.reported is None and _reads_all(os.path.dirname(path), project)
    return project.about(path)


def _reads_all(folder: str, project: Project) -> bool:
    return any(given == "." or folder == given or folder.startswith(f"{given}/") for given in project.paths)


def _configured(entry: ConfiguredSuppression, project: Project) -> Configured:
    from meshlint.read.ignore import parse

    spec = parse(rebased(entry.paths, os.path.dirname(entry.file), project.root)) if entry.paths else None

    def covers(finding: Finding) -> bool:
        here = spec is None or spec.match_file(finding.location.file)
        return here and (not entry.resources or _names(entry.resources, finding.resource))

    place = Location(project.inner(entry.file), entry.line, 1, entry.line, 1)
    return Configured(entry.rules, entry.reason, place, covers)


def _names(patterns: Iterable[str], resource: ResourceName | None) -> bool:
    """Does one of the patterns, [KIND ][NAMESPACE/]NAME, name the object?"""
    from fnmatch import fnmatchcase

    if resource is None:
        return False
    for pattern in patterns:
        kind, _, rest = pattern.strip().rpartition(" ")
        namespace, slash, name = rest.rpartition("/")
        kind_fits = not kind.strip() or fnmatchcase(resource.kind, kind.strip())
        if kind_fits and (not slash or fnmatchcase(resource.namespace, namespace)) and fnmatchcase(resource.name, name):
            return True
    return False
