"""What a command line chooses to convert, converted in every environment."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from meshlint.config import Config
from meshlint.engine import Loaded, load, target_of
from meshlint.index.repository import Repository
from meshlint.model.conversion import Converted, Manner
from meshlint.model.kind import Kind
from meshlint.model.mesh import Mesh
from meshlint.model.resource import Resource
from meshlint.model.target import Current, Target
from meshlint.model.tuples import NamedTuple
from meshlint.project import Project


class Verdict(NamedTuple):
    """A conversion as it is reported: with the names of the environments that it holds in."""

    found: Converted
    environments: tuple[str, ...]


class Run(NamedTuple):
    """All verdicts, sorted by file and place. `meshes`: the environments that they come from; `notes`: what was not
    read; `loaded` and `config`: the project as it was read."""

    verdicts: tuple[Verdict, ...]
    meshes: tuple[Mesh, ...]
    target: Target
    project: Project
    read: int
    notes: tuple[str, ...]
    loaded: Loaded
    config: Config


def verdicts(options: Namespace, scope: Project, config: Config) -> Run:
    """Convert what the command line chooses, in every environment; what comes to the same is said once."""
    loaded = load(scope, config)
    targets = [target_of(scope, config, current) for current in loaded.currents]
    repository = Repository(loaded.environments, loaded.files, targets, config.settings)
    meshes = [repository.index(environment) for environment in loaded.environments]
    found: dict[object, tuple[Converted, list[str]]] = {}
    for mesh in meshes:
        for one in _converted(mesh, options, scope):
            key = (one.place, one.resource.name, one.outcome, repr(one.documents), tuple(reason.text for reason in one.because))
            found.setdefault(key, (one, []))[1].append(mesh.environment.name)
    ordered = sorted(found.values(), key=lambda pair: (pair[0].resource.file, pair[0].resource.root.span.start.offset))
    target = max(targets, key=lambda target: (target.istio[:2], target.gateway_api[:2])) if targets else None
    return Run(
        tuple(Verdict(one, tuple(names)) for one, names in ordered), tuple(meshes),
        target or target_of(scope, config, Current()), scope, len(loaded.files), (*loaded.notes, *_unread(loaded)), loaded, config,
    )  # fmt: skip


def _unread(loaded: Loaded) -> Iterator[str]:
    """What may hold VirtualServices and was not analysed."""
    hidden = [file for file in loaded.files if "VirtualService" in file.skipped_kinds]
    if len(hidden) == 1:
        yield f"{hidden[0].path} seems to hold VirtualServices and was not analysed: {hidden[0].skipped}"
    elif hidden:
        files = f"{len(hidden)} files that seem to hold VirtualServices were not analysed"
        yield f"{files}, the first is {hidden[0].path}: {hidden[0].skipped}"


def _converted(mesh: Mesh, options: Namespace, scope: Project) -> Iterator[Converted]:
    manner = Manner(options.gateways, options.segments)
    kinds = (Kind.VIRTUAL_SERVICE, Kind.GATEWAY) if options.gateways else (Kind.VIRTUAL_SERVICE,)
    for kind in kinds:
        for resource in mesh.all(kind):
            chosen = not options.name or _named(f"{resource.namespace}/{resource.name}", resource.name, options.name)
            spoken = not options.host or (kind is Kind.VIRTUAL_SERVICE and _speaks(mesh, resource, options.host))
            if chosen and spoken and scope.about(resource.file):
                yield mesh.convert(resource, manner)


def _named(full: str, name: str, wanted: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    return any(fnmatchcase(full if "/" in pattern else name, pattern) for pattern in wanted)


def _speaks(mesh: Mesh, resource: Resource, wanted: Sequence[str]) -> bool:
    from fnmatch import fnmatchcase

    hosts = [text for node, host in mesh.hosts(resource) for text in (node.text or "", host.fqdn)]
    return any(fnmatchcase(host, pattern) for host in hosts for pattern in wanted)
