"""Sets of paths, and how a match of an HTTPRoute says them.

A VirtualService compares a prefix as text, a PathPrefix whole segments: the text /api is the segments /api (/api, /api/x) and
what lies beyond them (/apiv2). Of two such sets one always holds the other, or they share nothing.
"""

from __future__ import annotations

from meshlint.model.lazy_regex import lazy_regex
from meshlint.model.tuples import NamedTuple
from meshlint.semantics.convert.patterns import quoted
from meshlint.semantics.http_request import literal_of, takes

EXACT, TEXT, SEGMENTS, BEYOND, REGEX = "exact", "text", "segments", "beyond", "regex"
_PLAIN = lazy_regex(r"/(?:[A-Za-z0-9/\-._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*")  # what the CRDs let stand in Exact and PathPrefix
_REFUSED = ("//", "/./", "/../", "%2f", "%2F", "#")
_REFUSED_ENDS = ("/..", "/.")
_LONGEST = 1024


class Path(NamedTuple):
    """`kind` is one of the above; SEGMENTS and BEYOND have no slash at the end of their value."""

    kind: str
    value: str


ANY = Path(TEXT, "/")


class Form(NamedTuple):
    """`path` of a match: its type and value. The rank is Istio's (sortHTTPRoutes): exact, prefix, expression, then the length."""

    type: str
    value: str

    @property
    def rank(self) -> tuple[int, int]:
        return ("RegularExpression", "PathPrefix", "Exact").index(self.type) + 1, len(self.value)


def path_of(kind: str, value: str) -> Path:
    """What a uri condition takes, said as plainly as possible."""
    if kind == "prefix":
        return Path(TEXT, value)
    if kind == "regex":
        literal, rest = literal_of(value)
        if rest == "" and literal:
            return Path(EXACT, literal)
        if rest == ".*":
            return Path(TEXT, literal) if literal else ANY
        return Path(REGEX, value)
    return Path(EXACT, value)


def forms(path: Path, expression: bool = False) -> tuple[tuple[Path, Form], ...]:
    """A set as matches, each with the part of it that it takes; `expression`: by regular expressions only."""
    if path.kind == TEXT and not expression and path != ANY and not path.value.endswith("/") and plain(path.value):
        inside, beyond = Path(SEGMENTS, path.value), Path(BEYOND, path.value)
        return (inside, Form("PathPrefix", path.value)), (beyond, Form("RegularExpression", regex(beyond)))
    return ((path, _form(path, expression)),)


def _form(path: Path, expression: bool) -> Form:
    if not expression and path == ANY:
        return Form("PathPrefix", "/")
    if not expression and path.kind in (EXACT, SEGMENTS) and plain(path.value):
        return Form("Exact" if path.kind == EXACT else "PathPrefix", path.value)
    return Form("RegularExpression", regex(path))


def plain(value: str) -> bool:
    """May it stand in Exact and PathPrefix?"""
    refused = any(part in value for part in _REFUSED) or value.endswith(_REFUSED_ENDS)
    return bool(_PLAIN.fullmatch(value)) and not refused and len(value) <= _LONGEST


def regex(path: Path) -> str:
    """The set as a regular expression of RE2, which has to take the whole path."""
    if path.kind == REGEX:
        return path.value
    return quoted(path.value) + {EXACT: "", TEXT: ".*", SEGMENTS: "(/.*)?", BEYOND: "[^/].*"}[path.kind]


def overlap(one: Path, other: Path) -> bool:
    """May they share a path? True where it is not certain that they do not."""
    if other.kind == EXACT:
        one, other = other, one
    if one.kind == EXACT:
        return contains(other, one.value) is not False
    if REGEX in (one.kind, other.kind):
        starts = [literal_of(path.value)[0] if path.kind == REGEX else path.value for path in (one, other)]
        return starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])
    return _smaller(one, other) is not None


def meet(one: Path, other: Path) -> Path | None:
    """What two that overlap share; None where it cannot be said."""
    if one == other or other == ANY:
        return one
    if one == ANY:
        return other
    if other.kind == EXACT:
        one, other = other, one
    if one.kind == EXACT:
        return one if contains(other, one.value) else None
    return None if REGEX in (one.kind, other.kind) else _smaller(one, other)


def covers(one: Path, other: Path) -> bool:
    """Does it take all that the other takes, for certain?"""
    return overlap(one, other) and meet(one, other) == other


def contains(path: Path, text: str) -> bool | None:
    """None: not known."""
    if path.kind == REGEX:
        return takes("regex", path.value, text)
    if path.kind == EXACT:
        return text == path.value
    if not text.startswith(path.value):
        return False
    inside = text == path.value or text[len(path.value)] == "/"
    return True if path.kind == TEXT else inside is (path.kind == SEGMENTS)


def _smaller(one: Path, other: Path) -> Path | None:
    """Of two sets by their beginning the one inside of the other; None where they share nothing."""
    wide, narrow = sorted((one, other), key=lambda path: (len(path.value), path.kind != TEXT))
    if not narrow.value.startswith(wide.value):
        return None
    rest = narrow.value[len(wide.value) :]
    if wide.kind == TEXT:
        return narrow
    if not rest:
        return narrow if wide.kind == narrow.kind else None
    return narrow if (rest[0] == "/") is (wide.kind == SEGMENTS) else None


def sample(path: Path) -> str:
    """A path of the set, as far as that can be told."""
    if path.kind == REGEX:
        return literal_of(path.value)[0] or "/..."
    return path.value + {EXACT: "", SEGMENTS: "", BEYOND: "x", TEXT: "x"}[path.kind]
