"""What a run hands to the formats: findings, and honest coverage of what was and was not looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from meshlint.model.position import Source
from meshlint.model.problem import Finding, Severity, Suppressed
from meshlint.model.rule import Rule
from meshlint.model.tuples import NamedTuple


class TargetLike(Protocol):
    """The versions that were judged against. `detected_from` says of each where it comes from: path:line, or default."""

    @property
    def istio(self) -> object: ...
    @property
    def gateway_api(self) -> object: ...
    @property
    def channel(self) -> str: ...
    @property
    def distribution(self) -> str: ...
    @property
    def detected_from(self) -> Mapping[str, str]: ...


class Skipped(NamedTuple):
    """A file of which nothing was analysed, why, and the kinds it seems to hold."""

    file: str
    reason: str
    kinds: tuple[str, ...] = ()


class EnvironmentReport(NamedTuple):
    """An environment; `status` is rendered, static or failed, `current` the versions that the repository says it runs."""

    name: str
    kind: str
    path: str
    status: str
    reason: str | None
    current: Mapping[str, str | None]


class Coverage(NamedTuple):
    """Counts of files (found = read + skipped_files; manifests + other = read), documents and resources."""

    found: int
    read: int
    manifests: int
    other: int
    skipped_files: int
    documents: int
    resources: int
    environments: tuple[EnvironmentReport, ...]
    skipped: tuple[Skipped, ...]


def _no_text(_file: str) -> Source | None:
    return None


def _no_digest(_file: str) -> bytes:
    return b""


class Result(NamedTuple):
    """One run. `findings` are sorted by Finding.order; `rules` by id; `text_of` gives the text of a file for snippets, `digest_of` what
    its content is told by, empty where that is not known.

    `notifications` are things that the command line also says on stderr (git failed, a cache could not be written).
    `hidden` are the suppressed findings; `known_by` says what the `baselined` ones are known by; `stale` are those of the
    baseline that are gone. `unmade`: there are so many findings that their fixes were not looked for.
    """

    findings: tuple[Finding, ...]
    target: TargetLike
    coverage: Coverage
    rules: Mapping[str, Rule]
    suppressed: int = 0
    baselined: int = 0
    notifications: tuple[str, ...] = ()
    text_of: Callable[[str], Source | None] = _no_text
    digest_of: Callable[[str], bytes] = _no_digest
    exit_code: int = 0
    fail_on: str = "warning"
    hidden: tuple[Suppressed, ...] = ()
    known_by: str = "by the baseline"
    stale: int = 0
    unmade: bool = False

    def count(self, severity: Severity) -> int:
        return sum(1 for finding in self.findings if finding.severity is severity)

    def fails(self, severity: Severity) -> bool:
        """Does a finding of this severity make the run fail?"""
        return self.fail_on != "never" and severity.rank >= Severity(self.fail_on).rank

    @property
    def fixable(self) -> int:
        """Findings with a fix, safe or not."""
        return sum(1 for finding in self.findings if finding.fix is not None)

    @property
    def safely_fixable(self) -> int:
        return sum(1 for finding in self.findings if finding.fix is not None and finding.fix.safe)
