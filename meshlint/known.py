"""What was known before: the findings of a baseline, and those of a git ref."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from meshlint.check.baseline import BaselineError, Counts, counted, known, read, written
from meshlint.config import Config, ConfigError
from meshlint.files import replace
from meshlint.model.problem import Finding, Known


def known_before(findings: Sequence[Finding], config: Config, earlier: Counts | None, ran: Collection[str]) -> Known:
    """`findings` are all of the project that are not suppressed, `earlier` are those of the git ref, `ran` the rules that
    were run: what others once found is not gone. Raises ConfigError for a baseline that cannot be read."""
    fingerprints: frozenset[str] = frozenset()
    said: list[str] = []
    stale = 0
    if config.baseline is not None and config.write_baseline is None:
        found = known(findings, _read(config.baseline))
        fingerprints |= found.fingerprints
        stale = sum(number for rule, number in found.stale.items() if rule in ran)
        said.append("by the baseline")
    if earlier is not None:
        fingerprints |= known(findings, earlier).fingerprints
        said.append(f"at {config.new_since}")
    return Known(fingerprints, " or ".join(said), stale)


def write_baseline(findings: Sequence[Finding], path: str) -> Known:
    """Write the findings; all of them are known from then on. Raises ConfigError."""
    try:
        replace(path, written(findings).encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"--write-baseline {path}: {(error.strerror or 'cannot be written').lower()}") from error
    return Known(known(findings, counted(findings)).fingerprints, "by the baseline")


def _read(path: str) -> Counts:
    try:
        return read(path)
    except BaselineError as error:
        raise ConfigError(f"baseline {path}: {error}") from error
