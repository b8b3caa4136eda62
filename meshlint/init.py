"""`meshlint init`: a commented meshlint.toml that fits what is found."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

from meshlint.config import Config, ConfigError
from meshlint.config_file import NAME
from meshlint.engine import Loaded, load
from meshlint.index.repository import Repository
from meshlint.model.kind import Kind
from meshlint.model.mesh import HostKind
from meshlint.model.target import Target, resolve_target
from meshlint.project import Project
from meshlint.report.visible import visible
from meshlint.settings import toml

_ASIDE = frozenset(("test", "tests", "testdata", "e2e", "fixtures", "examples", "example", "samples", "vendor", "third_party", "docs"))
_MOST = 20  # names listed


def init(folder: str, *, force: bool, stdout: bool) -> int:
    """Write the file, or print it. Raises ConfigError where there is one already, or the folder is none."""
    path = os.path.join(folder, NAME)
    if not os.path.isdir(folder):
        raise ConfigError(f"{folder}: no such folder")
    if not (stdout or force) and os.path.lexists(path):
        raise ConfigError(f"{path} is there already; --force replaces it, --stdout shows what would be written")
    if os.path.islink(path) and not stdout:
        raise ConfigError(f"{path} is a link; what it leads to is not replaced")
    text = "\n".join(_lines(Project(os.path.realpath(folder), (".",), None))) + "\n"
    if stdout:
        sys.stdout.write(text)
        return 0
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    print(f"meshlint: wrote {visible(path)}; meshlint config shows the settings in force", file=sys.stderr)
    return 0


def _lines(scope: Project) -> Iterator[str]:
    loaded = load(scope, Config())
    targets = [resolve_target(None, current) for current in loaded.currents] or [resolve_target(None)]
    yield from _HEAD
    yield from _target(targets)
    yield from _GOAL
    yield from _environments(loaded)
    yield from _exclude(loaded)
    yield from _BASELINE
    yield from _assume(loaded, targets)
    yield from _TAIL


_HEAD = (
    "# Settings of meshlint for this repository, by the names of the command line, which wins over this file.",
    "# `meshlint config` prints what is in force, `meshlint config --schema` the schema for editors.",
    "",
    "# minimal: only what breaks or stops protecting and is known well; default: every finding; strict: notes fail as well.",
    'level = "default"',
    "",
)

_GOAL = (
    "# What the mesh moves to: ambient (VirtualServices stay), gateway-api (sidecars stay) or both.",
    'goal = "both"',
    "",
    "# How far the move is: prepare, switch or cleanup. Double states that belong to a step are notes while it lasts.",
    '# phase = "prepare"',
    "",
)

_BASELINE = (
    "# Findings that are known and accepted for now: `meshlint --write-baseline meshlint-baseline.json` writes them.",
    '# baseline = "meshlint-baseline.json"',
    "",
)

_TAIL = (
    "# Other settings for some files, in the form of .gitignore.",
    "# [[per-path]]",
    '# paths = ["legacy/"]',
    '# ignore = ["traffic"]',
    '# severity = {vs-retries = "note"}',
)


def _target(targets: Sequence[Target]) -> Iterator[str]:
    """Commented out: what the repository runs is followed by itself, and a guess is not to be kept."""
    target = max(targets, key=lambda one: (one.istio[:2], one.gateway_api[:2]))
    origin = target.detected_from.get("istio", "default")
    if origin == "default":
        yield "# The releases to judge against. Nothing here tells what runs, so it is the newest stable release that this version of"
        yield "# meshlint knows; say what you move to, and a newer meshlint gives the same answers:"
    else:
        yield f"# The releases to judge against: what the repository runs (Istio from {visible(origin)}), else say what you move to:"
    yield f"# target = {toml(_as_option(target))}"
    yield ""


def _as_option(target: Target) -> dict[str, str]:
    out = {"istio": str(target.istio), "gateway-api": str(target.gateway_api), "channel": target.channel}
    return out if target.distribution == "upstream" else {**out, "distribution": target.distribution}


def _environments(loaded: Loaded) -> Iterator[str]:
    yield f"# Environments found ({len(loaded.environments)}), each judged by itself; name some to judge only these:"
    yield f"# environments = {toml([environment.name for environment in loaded.environments[:_MOST]])}"
    yield from _more(len(loaded.environments))
    yield ""


def _exclude(loaded: Loaded) -> Iterator[str]:
    """Folders whose names say that nothing in them runs in the mesh."""
    found: dict[str, int] = {}
    for file in loaded.files:
        steps = file.path.split("/")[:-1]
        at = next((number for number, step in enumerate(steps) if step.lower() in _ASIDE), None)
        if at is not None:
            folder = "/".join(steps[: at + 1])
            found[folder] = found.get(folder, 0) + 1
    yield "# Files to leave out, in the form of .gitignore; what git ignores is left out anyway."
    if found:
        counted = ", ".join(f"{visible(folder)} {count}" for folder, count in list(found.items())[:_MOST])
        yield f"# By their names these folders are aside of the mesh (number of files: {counted}):"
    yield f"# exclude = {toml([f'/{folder}/' for folder in list(found)[:_MOST]] or ['/vendor/'])}"
    yield from _more(len(found))
    yield ""


def _assume(loaded: Loaded, targets: Sequence[Target]) -> Iterator[str]:
    """Hosts in the mesh that routes name and that nothing here provides."""
    services, namespaces = _missing(loaded, targets)
    yield "# What other repositories hold."
    yield "# [assume]"
    if services:
        yield "# Services that routes name and that are not here, although their namespace has others:"
    yield f"# services = {toml(services[:_MOST] or ['namespace/name'])}"
    yield from _more(len(services))
    if namespaces:
        yield "# Namespaces that routes name and of which no Service is here:"
    yield f"# namespaces = {toml(namespaces[:_MOST] or ['namespace'])}"
    yield from _more(len(namespaces))
    yield '# waypoints = ["namespace/name"]'
    yield ""


def _missing(loaded: Loaded, targets: Sequence[Target]) -> tuple[list[str], list[str]]:
    services, namespaces = set(), set()
    repository = Repository(loaded.environments, loaded.files, targets, Config().settings)
    for environment in loaded.environments:
        mesh = repository.index(environment)
        for route in mesh.all(Kind.VIRTUAL_SERVICE):
            for host in (*(host for _, host in mesh.hosts(route)), *(sent.host for sent in mesh.destinations(route))):
                if host.kind is HostKind.ASSUMED and host.namespace and not host.wildcard:
                    if mesh.knows(host):
                        services.add(f"{host.namespace}/{host.fqdn.partition('.')[0]}")
                    else:
                        namespaces.add(host.namespace)
    return sorted(services), sorted(namespaces)


def _more(number: int) -> Iterator[str]:
    if number > _MOST:
        yield f"# ... and {number - _MOST} more"
