"""Sets of texts: the values of a header, query parameter or method that a condition takes."""

from __future__ import annotations

from meshlint.model.tuples import NamedTuple
from meshlint.semantics.http_request import literal_of, takes

_SPECIAL = frozenset("\\.+*?()|[]{}^$")


class Pattern(NamedTuple):
    """exact, prefix, regex, or present (any value)."""

    kind: str
    value: str = ""


def quoted(text: str) -> str:
    """A text as a regular expression of RE2 that takes only it."""
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in text)


def pattern(kind: str, value: str) -> Pattern:
    """A condition in its plainest form: a regular expression that is a text, or a beginning and .*, is said as that."""
    if kind == "regex":
        if value == "*":
            return Pattern("present")  # Istio reads this as "is there"
        literal, rest = literal_of(value)
        if rest == "" and literal:
            return Pattern("exact", literal)
        if rest == ".*":
            return Pattern("prefix", literal) if literal else Pattern("present")
    return Pattern(kind, value)


def as_regex(one: Pattern) -> str:
    """The same set as a regular expression."""
    if one.kind == "regex":
        return one.value
    return quoted(one.value) + ("" if one.kind == "exact" else ".*")


def overlap(one: Pattern, other: Pattern) -> bool:
    """May a text be in both? True where it is not certain that none is."""
    if "present" in (one.kind, other.kind):
        return True
    if other.kind == "exact":
        one, other = other, one
    if one.kind == "exact":
        return takes(other.kind, other.value, one.value) is not False
    starts = [item.value if item.kind == "prefix" else literal_of(item.value)[0] for item in (one, other)]
    return starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])


def meet(one: Pattern, other: Pattern) -> Pattern | None:
    """What both take, of two that overlap; None where it cannot be said in one condition."""
    if one == other or other.kind == "present":
        return one
    if one.kind == "present":
        return other
    if other.kind == "exact":
        one, other = other, one
    if one.kind == "exact":
        return one if takes(other.kind, other.value, one.value) else None
    if one.kind == other.kind == "prefix":
        return max(one, other, key=lambda item: len(item.value))
    return None


def covers(one: Pattern, other: Pattern) -> bool:
    """Does `one` take all that `other` takes, for certain?"""
    return overlap(one, other) and meet(one, other) == other


def sample(one: Pattern) -> str:
    """A text that it takes, as far as that can be told."""
    if one.kind == "regex":
        return literal_of(one.value)[0] + "..."
    return one.value if one.kind == "exact" else one.value + "x"
