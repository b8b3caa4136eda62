"""The last lines of a run: what was found, against which versions, and what was looked at and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from meshlint.model.problem import Severity
from meshlint.report.paint import Paint
from meshlint.report.result import Coverage, EnvironmentReport, Result
from meshlint.report.visible import one_line, visible

_TITLES = {"istio": "Istio", "gateway-api": "Gateway API"}
_NAMED = 3  # skipped files and failed environments named without -v


def summary(result: Result, paint: Paint, *, verbose: bool = False) -> Iterator[str]:
    """The summary, line by line; `verbose` names every skipped file and environment."""
    yield _verdict(result, paint)
    if verbose and result.stale:
        yield f"{plural(result.stale, 'finding')} of the baseline {'is' if result.stale == 1 else 'are'} gone; --write-baseline renews it."
    yield _target(result)
    yield _files(result.coverage)
    yield from _environments(result.coverage.environments, paint, verbose)
    yield from _skipped(result.coverage, paint, verbose)


def plural(number: int, noun: str) -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(parts: list[str]) -> str:
    """Parts as a sentence lists them: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _verdict(result: Result, paint: Paint) -> str:
    counts = [(severity, result.count(severity)) for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)]
    parts = [paint(severity.value, plural(number, severity.value)) for severity, number in counts if number]
    if not parts:
        return _clean(result, paint) + _hidden(result)
    return f"Found {listed(parts)}{_fixable(result)}.{_hidden(result)}"


def _clean(result: Result, paint: Paint) -> str:
    coverage = result.coverage
    if not coverage.resources:
        return paint("warning", "Nothing was checked") + ": no objects of Kubernetes, Istio or Gateway API were found."
    partial = coverage.skipped_files or any(environment.status == "failed" for environment in coverage.environments)
    return paint("good", "No problems found") + (" in what could be analysed." if partial else ".")


def _hidden(result: Result) -> str:
    parts = [f"{result.suppressed} suppressed"] if result.suppressed else []
    parts += [f"{result.baselined} known {result.known_by}"] if result.baselined else []
    return f" {', '.join(parts)}." if parts else ""


def _fixable(result: Result) -> str:
    if result.unmade:
        return "; edits for so many are not worked out, --diff shows them"
    safe, unsafe = result.safely_fixable, result.fixable - result.safely_fixable
    if not (safe or unsafe):
        return ""
    parts = [f"{safe} safe"] if safe else []
    parts += [f"{unsafe} to look at before"] if unsafe else []
    return f"; {safe + unsafe} {'comes' if safe + unsafe == 1 else 'come'} with an edit ({', '.join(parts)})"


def _target(result: Result) -> str:
    target = result.target
    what = f"Target: Istio {target.istio} ({target.distribution}), Gateway API {target.gateway_api} ({target.channel})"
    origins: dict[str, list[str]] = {}
    for name, origin in target.detected_from.items():
        origins.setdefault(origin, []).append(_title(name))
    if origins.keys() <= {"default"}:
        return f"{what}, by default; --target sets it."
    said = [f"{listed(names)} {_origin(origin)}" for origin, names in origins.items() if origin != "default"]
    return f"{what}; {'; '.join(said)}."


def _title(component: str) -> str:
    name = component.replace("_", "-")
    return _TITLES.get(name, name)


def _origin(origin: str) -> str:
    return f"set by {origin}" if origin in ("--target", "configuration") else f"from {visible(origin)}"


def _files(coverage: Coverage) -> str:
    read = f"Read {coverage.read} of {plural(coverage.found, 'file')} ({plural(coverage.manifests, 'manifest')}, {coverage.other} other)"
    return f"{read}: {plural(coverage.documents, 'document')}, {plural(coverage.resources, 'resource')}."


def _environments(environments: tuple[EnvironmentReport, ...], paint: Paint, verbose: bool) -> Iterator[str]:
    if not environments:
        return
    kinds = Counter((environment.kind, environment.status) for environment in environments)
    parts = [f"{number if len(environments) > 1 else ''} {kind} ({status})".strip() for (kind, status), number in sorted(kinds.items())]
    yield f"{plural(len(environments), 'environment').capitalize()}: {', '.join(parts)}."
    if verbose:
        yield from (f"  {_environment(environment)}" for environment in environments)
        return
    failed = [environment for environment in environments if environment.status == "failed"]
    for environment in failed[:_NAMED]:
        yield f"  {paint('warning', 'failed')}: {visible(environment.name)} ({one_line(environment.reason or 'no reason given')})"
    yield from _rest(len(failed))


def _environment(environment: EnvironmentReport) -> str:
    runs = [f"{_title(name)} {version}" for name, version in environment.current.items() if version]
    words = [f"{environment.kind} {environment.status}", visible(environment.path)]
    words += [f"runs {', '.join(runs)}"] if runs else []
    words += [one_line(environment.reason)] if environment.reason else []
    return f"{visible(environment.name)}: {', '.join(word for word in words if word)}"


def _skipped(coverage: Coverage, paint: Paint, verbose: bool) -> Iterator[str]:
    if not coverage.skipped_files:
        return
    yield f"{paint('warning', 'Skipped')} {plural(coverage.skipped_files, 'file')}:"
    for skipped in coverage.skipped if verbose else coverage.skipped[:_NAMED]:
        kinds = f"; holds {', '.join(visible(kind) for kind in skipped.kinds)}" if skipped.kinds else ""
        yield f"  {visible(skipped.file)}: {one_line(skipped.reason)}{kinds}"
    if not verbose:
        yield from _rest(coverage.skipped_files)


def _rest(number: int) -> Iterator[str]:
    if number > _NAMED:
        yield f"  ... and {number - _NAMED} more, -v names them"
