"""What rules say (Problem) and what users get (Finding)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Union

from meshlint.model.node import Node
from meshlint.model.position import Span
from meshlint.model.resource import Resource
from meshlint.model.tuples import NamedTuple


class Severity(Enum):
    """Where the workload is ambient now; on a migration candidate an error becomes a warning."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    rank: int

    def __init__(self, name: str) -> None:
        self.rank = ("note", "warning", "error").index(name)


class Impact(Enum):
    """What a migrating team needs to know beside the severity."""

    BREAKS = "breaks"  # rejected, or traffic fails
    IGNORED = "ignored"  # configuration silently without effect
    UNENFORCED = "unenforced"  # a protection stops protecting: fails open
    STRICTER = "stricter"  # traffic that worked may be denied
    DIFFERS = "differs"  # works otherwise
    UNSTABLE = "unstable"  # alpha or experimental API
    ADVICE = "advice"


class Confidence(Enum):
    """How sure it is that a finding is right."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    rank: int

    def __init__(self, name: str) -> None:
        self.rank = ("low", "medium", "high").index(name)


class Edit(NamedTuple):
    """Replace the text of a span; everything outside of it stays byte for byte."""

    file: str
    span: Span
    text: str


class NewFile(NamedTuple):
    """A file that a fix adds. `beside`: a file of the repository whose kustomizations will use this one too."""

    path: str
    text: str
    beside: str = ""


class Fix(NamedTuple):
    """A repair, applied whole or not at all."""

    title: str
    edits: tuple[Edit, ...] = ()
    new_files: tuple[NewFile, ...] = ()
    safe: bool = False


Subject = Union[Resource, str, None]
Repair = Callable[[], Fix | None]


class Problem(NamedTuple):
    """One thing wrong. The rule says what and where; the runner stamps id, severity, place and fingerprint.

    `subject` is what decides whether this is broken now or ahead: an object, or a namespace's name.
    None: the object under check; a problem of a whole mesh names MESH.
    `fix`, or better a function that makes it: it is called only if somebody wants to see the fix.
    `severity` departs from the rule's only where its catalogue entry says so; `final` keeps an error an error
    on a migration candidate too (broken on sidecars as well).
    """

    at: Node
    message: str
    severity: Severity | None = None
    impact: Impact | None = None
    confidence: Confidence | None = None
    related: tuple[tuple[Node, str], ...] = ()
    remedy: str | None = None
    fix: Fix | Repair | None = None
    subject: Subject = None
    final: bool = False


MESH = "*"


class Location(NamedTuple):
    """A place as users read it: posix path, lines and columns from 1 in code points, the end exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @staticmethod
    def of(file: str, span: Span) -> Location:
        start, end = span
        return Location(file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


class Related(NamedTuple):
    """Another place that a finding speaks of, and what is there."""

    location: Location
    message: str


class ResourceName(NamedTuple):
    """An object by its identity."""

    api_version: str
    kind: str
    namespace: str
    name: str


class Finding(NamedTuple):
    """One thing a user is told, in every format alike (the JSON contract is schemas/meshlint/report.v1.json).

    `repair` makes the fix where it has not been made yet; `fix` is None until then.
    """

    rule: str
    name: str
    family: str
    severity: Severity
    impact: Impact
    confidence: Confidence
    message: str
    remedy: str
    location: Location
    exact: bool
    resource: ResourceName | None
    path: str | None
    environments: tuple[str, ...]
    related: tuple[Related, ...]
    fix: Fix | None
    fingerprint: str
    alike: str = ""  # the fingerprint without the count: what all findings alike share
    repair: Repair | None = None

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        where = self.location
        return (where.file, where.line, where.column, self.rule, self.message)

    def printed(self, fingerprint: str, alike: str) -> Finding:
        """The same with its fingerprint."""
        return Finding(*self[:-3], fingerprint, alike, self.repair)


class Suppressed(NamedTuple):
    """A finding that somebody decided to live with: in the source (comment, annotation) or outside of it (configuration)."""

    finding: Finding
    in_source: bool
    reason: str


class Known(NamedTuple):
    """What was found before: fingerprints of known findings, how the summary says by what they are known, and how many of the
    baseline are gone. `notes` are for stderr."""

    fingerprints: frozenset[str] = frozenset()
    said: str = ""
    stale: int = 0
    notes: tuple[str, ...] = ()
